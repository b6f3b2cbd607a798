//! Connections with and without TLS: versions, cipher suites, curves.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use rustls::crypto::ring::{cipher_suite, kx_group};
use rustls::version;

use super::authority::Folder;
use super::client::{Speaks, assert_metrics, get};
use crate::http::client;

#[test]
fn without_tls_a_client_that_wants_it_fails() {
    let folder = Folder::new("plain");
    let server = folder.serve("empty.good.yml");
    let address = server.local_addresses()[0];
    assert_eq!(client::get(address, "/metrics", &[]).status, 200);
    assert!(server.urls()[0].starts_with("http://"));
    assert!(Speaks::default().get(&folder, address, &[]).is_err());
}

#[test]
fn with_tls_a_client_that_does_not_know_of_it_is_told() {
    let folder = Folder::new("encrypted");
    let server = folder.serve("no_auth.good.yml");
    let address = server.local_addresses()[0];
    assert_metrics(&get(&folder, address));
    assert!(server.urls()[0].starts_with("https://"));
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = String::new();
    // The rest of the request was not read, so the connection may end with a reset.
    let _ = stream.read_to_string(&mut answer);
    assert!(
        answer.starts_with("HTTP/1.0 400 Bad Request\r\n"),
        "{answer}"
    );
    assert!(
        answer.ends_with("Client sent an HTTP request to an HTTPS server.\n"),
        "{answer}"
    );
}

#[test]
fn certificate_and_key_may_stand_in_the_file() {
    let folder = Folder::new("inline");
    let inline = |key: &str, file: &str| {
        let pem = std::fs::read_to_string(folder.path(file)).unwrap();
        format!(
            "  {key}: |\n    {}\n",
            pem.trim_end().replace('\n', "\n    ")
        )
    };
    let text = format!(
        "tls_server_config:\n{}{}{}  client_auth_type: RequireAndVerifyClientCert\n",
        inline("cert", "server.crt"),
        inline("key", "server.key"),
        inline("client_ca", "client_ca.pem"),
    );
    let server = folder.serve_text(&text);
    let client = Speaks::with_certificate("client.crt", "client.key");
    let answer = client.get(&folder, server.local_addresses()[0], &[]);
    assert_metrics(&answer.unwrap());
}

#[test]
fn a_version_of_before_is_refused() {
    let folder = Folder::new("version");
    for fixture in ["no_auth.good.yml", "old_minimum.good.yml"] {
        let server = folder.serve(fixture);
        let address = server.local_addresses()[0];
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(&client_hello_of_tls11()).unwrap();
        let mut answer = [0; 7];
        stream.read_exact(&mut answer).unwrap();
        // An alert that ends the connection.
        assert_eq!((answer[0], answer[5]), (0x15, 2), "{answer:?}");
        let client = Speaks {
            versions: vec![&version::TLS12],
            ..Speaks::default()
        };
        assert_metrics(&client.get(&folder, address, &[]).unwrap());
    }
}

/// A hello with the oldest suite that anybody has, and no extension.
fn client_hello_of_tls11() -> Vec<u8> {
    let mut hello = vec![3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0xc0, 0x13, 1, 0]);
    let length = hello.len() as u8;
    let mut record = vec![0x16, 3, 1, 0, length + 4, 1, 0, 0, length];
    record.extend(hello);
    record
}

#[test]
fn listed_ciphers_are_the_ones_that_are_spoken() {
    let folder = Folder::new("ciphers");
    assert_metrics(&get(
        &folder,
        folder.serve("all_ciphers.good.yml").local_addresses()[0],
    ));
    let client = |suites: &[_]| Speaks {
        suites: suites.to_vec(),
        versions: vec![&version::TLS12],
        ..Speaks::default()
    };
    let (small, large, other) = (
        cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    );
    let server = folder.serve("some_ciphers.good.yml");
    let address = server.local_addresses()[0];
    assert_metrics(&client(&[small]).get(&folder, address, &[]).unwrap());
    let error = client(&[other]).get(&folder, address, &[]).unwrap_err();
    assert!(error.to_string().contains("HandshakeFailure"), "{error}");
    // The server chooses.
    let answer = client(&[other, large, small])
        .get(&folder, address, &[])
        .unwrap();
    assert_eq!(answer.suite, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
    // The client chooses.
    let server = folder.serve("some_ciphers_no_order.good.yml");
    let address = server.local_addresses()[0];
    let answer = client(&[small, large]).get(&folder, address, &[]).unwrap();
    assert_eq!(answer.suite, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
}

#[test]
fn a_list_says_nothing_about_tls13() {
    let folder = Folder::new("tls13");
    let server = folder.serve("ciphers_that_go_has_alone.good.yml");
    let answer = get(&folder, server.local_addresses()[0]);
    assert_metrics(&answer);
    assert!(answer.suite.starts_with("TLS13_"), "{}", answer.suite);
}

#[test]
fn listed_curves_are_the_ones_that_are_spoken() {
    let folder = Folder::new("curves");
    assert_metrics(&get(
        &folder,
        folder.serve("all_curves.good.yml").local_addresses()[0],
    ));
    let server = folder.serve("some_curves.good.yml");
    let address = server.local_addresses()[0];
    let client = |curve| Speaks {
        curves: vec![curve],
        ..Speaks::default()
    };
    assert_metrics(
        &client(kx_group::SECP384R1)
            .get(&folder, address, &[])
            .unwrap(),
    );
    let error = client(kx_group::X25519)
        .get(&folder, address, &[])
        .unwrap_err();
    assert!(error.to_string().contains("HandshakeFailure"), "{error}");
}

#[test]
fn a_cipher_that_http2_does_not_have_is_spoken_without_it() {
    let folder = Folder::new("no_http2");
    let server = folder.serve("no_http2.good.yml");
    assert_metrics(&get(&folder, server.local_addresses()[0]));
}
