//! The published cases of Prometheus' exporter-toolkit: which file loads, and which request passes.
//!
//! Suites are those of ECDSA, as the certificates here are. Of all cases, one has another result: a configuration that
//! offers P-521 alone does not load, because rustls lacks that curve.

use rustls::crypto::ring::{cipher_suite, kx_group};
use rustls::version;

use super::authority::Folder;
use super::client::Speaks;
use crate::http::client;

const TLS: &str = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";

/// That file as most published cases have it: without a client CA.
const IF_GIVEN: &str = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  client_auth_type: VerifyClientCertIfGiven\n";

/// The password of `alice` and `dave` is `alice-secret`. The hash of `bob` is never computed.
const USERS: &str = "basic_auth_users:
  alice: $2y$04$SEfy6fkBVJLApYNv7qQ.Q.U46cy9ody5OVb.VKGhx9Mmx59LyJ9Rq
  bob: $2y$18$SEfy6fkBVJLApYNv7qQ.Q.U46cy9ody5OVb.VKGhx9Mmx59LyJ9Rq
  carol: $2b$05$Q7zd03BJQXkJUXt/NF7E3OPpK8qMUcXnMxiyPWBTzCefnDRFHepei
  dave: $2y$04$SEfy6fkBVJLApYNv7qQ.Q.U46cy9ody5OVb.VKGhx9Mmx59LyJ9Rq
";

#[test]
fn files_that_do_not_load_are_refused_for_the_same_reason() {
    let folder = Folder::new("toolkit_files");
    const NO_FILE: &str = "no such file";
    const NO_CERT: &str = "missing one of cert or cert_file";
    const NO_KEY: &str = "missing one of key or key_file";
    let tls = |lines: &str| format!("tls_server_config: {{{lines}}}\n");
    for (name, text, expected) in [
        ("invalid structure", "a sentence\n".to_owned(), "yaml"),
        (
            "invalid key",
            "tls_config:\n  cert_file: a\n".to_owned(),
            "yaml",
        ),
        (
            "cert path empty",
            tls("cert_file: '', key_file: server.key"),
            NO_CERT,
        ),
        ("cert empty", tls("cert: '', key_file: server.key"), NO_CERT),
        (
            "key path empty",
            tls("cert_file: server.crt, key_file: ''"),
            NO_KEY,
        ),
        ("key empty", tls("cert_file: server.crt, key: ''"), NO_KEY),
        (
            "cert path and key path empty",
            tls("cert_file: '', key_file: '', client_auth_type: VerifyClientCertIfGiven"),
            NO_CERT,
        ),
        (
            "cert path invalid",
            tls("cert_file: somefile, key_file: server.key"),
            NO_FILE,
        ),
        (
            "key path invalid",
            tls("cert_file: server.crt, key_file: somefile"),
            NO_FILE,
        ),
        (
            "both paths invalid",
            tls("cert_file: somefile, key_file: somefile"),
            NO_FILE,
        ),
        (
            "client CA without policy",
            format!("{TLS}  client_ca_file: /dev/null\n"),
            "client CA's have been configured without a Client Auth Policy",
        ),
        (
            "client CA path invalid",
            format!("{TLS}  client_ca_file: somefile\n"),
            NO_FILE,
        ),
        (
            "user list",
            "basic_auth_users:\n  alice: abc\n".to_owned(),
            "hashedSecret too short to be a bcrypted password",
        ),
        (
            "bad cipher",
            format!("{IF_GIVEN}  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA2048]\n"),
            "unknown cipher",
        ),
        (
            "bad curve",
            format!("{IF_GIVEN}  curve_preferences: [CurveP257]\n"),
            "unknown curve",
        ),
        (
            "bad TLS version",
            format!("{IF_GIVEN}  min_version: TLS111\n"),
            "unknown TLS version",
        ),
        (
            "invalid client auth type",
            format!("{TLS}  client_auth_type: Perhaps\n"),
            "invalid ClientAuth",
        ),
        (
            "ciphers without HTTP/2",
            format!(
                "{IF_GIVEN}  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n"
            ),
            "TLSConfig.CipherSuites is missing an HTTP/2-required",
        ),
        (
            "X-Content-Type-Options",
            "http_server_config: {headers: {X-Content-Type-Options: sniff}}\n".to_owned(),
            "invalid value for",
        ),
        (
            "X-Frame-Options",
            "http_server_config: {headers: {X-Frame-Options: always}}\n".to_owned(),
            "invalid value for",
        ),
        (
            "a header that is not configurable",
            "http_server_config: {headers: {Content-Type: text/plain}}\n".to_owned(),
            "can not be configured",
        ),
        (
            "P-521 alone, which rustls lacks",
            format!("{IF_GIVEN}  min_version: TLS13\n  curve_preferences: [CurveP521]\n"),
            "curve_preferences has no supported curve: `CurveP521` cannot be used",
        ),
    ] {
        folder.write("web.yml", &text);
        let error = folder.serve_file().expect_err(name).to_string();
        assert!(error.contains(expected), "{name}: {error}");
    }
}

/// The status of `GET /metrics`.
fn request(folder: &Folder, text: &str, client: Option<&Speaks>, headers: &[&str]) -> u16 {
    let server = folder.serve_text(text);
    let address = server.local_addresses()[0];
    match client {
        None => client::get(address, "/metrics", headers).status,
        Some(client) => client.get(folder, address, headers).unwrap().status(),
    }
}

/// The reason why a server ends the connection of a client.
fn refusal(folder: &Folder, text: &str, client: &Speaks) -> String {
    let server = folder.serve_text(text);
    client.refusal(folder, server.local_addresses()[0])
}

#[test]
fn requests_pass_or_fail_as_published() {
    let folder = Folder::new("toolkit_requests");
    let (small, large) = (
        cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    );
    let suites = |suites: &[_]| Speaks {
        suites: suites.to_vec(),
        versions: vec![&version::TLS12],
        ..Speaks::default()
    };
    let curve = |curve| Speaks {
        curves: vec![curve],
        ..Speaks::default()
    };
    let client = Speaks::default;
    let with = Speaks::with_certificate;
    let selfsigned = || with("client_selfsigned.pem", "client_selfsigned.key");
    let selfsigned2 = || with("client2_selfsigned.pem", "client2_selfsigned.key");
    let inline = inline(&folder) + "  client_auth_type: VerifyClientCertIfGiven\n";
    let listed = "  max_version: TLS12\n  cipher_suites:\n  - TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256\n  - TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384\n";
    let all_suites = "  cipher_suites:\n  - TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256\n  - TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384\n  - TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\n  - TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384\n  - TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256\n  - TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256\n  - TLS_AES_128_GCM_SHA256\n  - TLS_AES_256_GCM_SHA384\n  - TLS_CHACHA20_POLY1305_SHA256\n  - TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA\n  - TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA\n  - TLS_RSA_WITH_AES_128_CBC_SHA\n  - TLS_RSA_WITH_AES_256_GCM_SHA384\n";
    let all_curves =
        "  curve_preferences: [CurveP256, CurveP384, CurveP521, X25519, X25519MLKEM768]\n";
    let one_curve = "  min_version: TLS13\n  curve_preferences: [CurveP384]\n";
    let verified = "  client_auth_type: RequireAndVerifyClientCert\n";
    let any = "  client_auth_type: RequireAnyClientCert\n  client_ca_file: ca.pem\n";
    let sans = |name: &str| {
        format!(
            "{TLS}{verified}  client_ca_file: client2_selfsigned.pem\n  client_allowed_sans: [one, {name}, two]\n"
        )
    };
    let headers = "http_server_config:\n  headers:\n    X-Frame-Options: deny\n    Strict-Transport-Security: max-age=31536000; includeSubDomains\n    X-Content-Type-Options: nosniff\n    X-XSS-Protection: 1\n    Content-Security-Policy: \"default-src 'self' *.test.example.net\"\n";
    let alert = |name: &'static str| Err(name);
    for (name, text, client, expected) in [
        ("empty file, plain client", String::new(), None, Ok(200)),
        (
            "empty file, TLS client",
            String::new(),
            Some(client()),
            alert(""),
        ),
        ("TLS, plain client", IF_GIVEN.to_owned(), None, Ok(400)),
        ("TLS", IF_GIVEN.to_owned(), Some(client()), Ok(200)),
        ("cert and key inline", inline, Some(client()), Ok(200)),
        (
            "all ciphers",
            format!("{IF_GIVEN}{all_suites}"),
            Some(client()),
            Ok(200),
        ),
        (
            "some ciphers",
            format!("{IF_GIVEN}{listed}"),
            Some(suites(&[small])),
            Ok(200),
        ),
        (
            "no common cipher",
            format!("{IF_GIVEN}{listed}"),
            Some(suites(&[
                cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            ])),
            alert("HandshakeFailure"),
        ),
        (
            "several client ciphers",
            format!("{IF_GIVEN}{listed}"),
            Some(suites(&[small, large])),
            Ok(200),
        ),
        (
            "the client chooses",
            format!("{IF_GIVEN}{listed}  prefer_server_cipher_suites: false\n"),
            Some(suites(&[small, large])),
            Ok(200),
        ),
        (
            "all curves",
            format!("{IF_GIVEN}{all_curves}"),
            Some(client()),
            Ok(200),
        ),
        (
            "some curves",
            format!("{IF_GIVEN}{one_curve}"),
            Some(curve(kx_group::SECP384R1)),
            Ok(200),
        ),
        (
            "no common curve",
            format!("{IF_GIVEN}{one_curve}"),
            Some(curve(kx_group::X25519)),
            alert("HandshakeFailure"),
        ),
        (
            "ciphers without HTTP/2, and HTTP/2 off",
            format!(
                "{IF_GIVEN}  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\nhttp_server_config:\n  http2: false\n"
            ),
            Some(client()),
            Ok(200),
        ),
        ("headers", headers.to_owned(), None, Ok(200)),
        (
            "any certificate",
            format!("{TLS}{any}"),
            Some(selfsigned()),
            Ok(200),
        ),
        (
            "any certificate, and none",
            format!("{TLS}{any}"),
            Some(client()),
            alert("CertificateRequired"),
        ),
        (
            "a verified certificate",
            format!("{TLS}{verified}  client_ca_file: client_selfsigned.pem\n"),
            Some(selfsigned()),
            Ok(200),
        ),
        (
            "an allowed name",
            sans("client2-selfsigned.example.org"),
            Some(selfsigned2()),
            Ok(200),
        ),
        (
            "no allowed name",
            sans("three"),
            Some(selfsigned2()),
            alert("BadCertificate"),
        ),
        (
            "verified by the system, and none",
            format!("{TLS}{verified}"),
            Some(client()),
            alert("CertificateRequired"),
        ),
        (
            "verified by the system, a stranger's",
            format!("{TLS}{verified}"),
            Some(with("client.crt", "client.key")),
            alert("UnknownCA"),
        ),
        (
            "given, and the system does not know it",
            IF_GIVEN.to_owned(),
            Some(with("client.crt", "client.key")),
            alert("UnknownCA"),
        ),
    ] {
        match (expected, &client) {
            (Err(alert), Some(client)) => {
                let reason = refusal(&folder, &text, client);
                assert!(reason.contains(alert), "{name}: {reason}");
            }
            (Ok(expected), client) => {
                let status = request(&folder, &text, client.as_ref(), &[]);
                assert_eq!(status, expected, "{name}");
            }
            (Err(_), None) => panic!("{name}: a plain client gets no alert"),
        }
    }
}

/// `tls_server_config` with the certificate and the key themselves.
fn inline(folder: &Folder) -> String {
    let block = |key: &str, file: &str| {
        let pem = std::fs::read_to_string(folder.path(file)).unwrap();
        format!(
            "  {key}: |\n    {}\n",
            pem.trim_end().replace('\n', "\n    ")
        )
    };
    let (cert, key) = (block("cert", "server.crt"), block("key", "server.key"));
    format!("tls_server_config:\n{cert}{key}")
}

#[test]
fn users_log_in_as_published() {
    let folder = Folder::new("toolkit_users");
    for (name, login, expected) in [
        ("no login", None, 401),
        ("alice", Some("YWxpY2U6YWxpY2Utc2VjcmV0"), 200),
        ("dave", Some("ZGF2ZTphbGljZS1zZWNyZXQ="), 200),
        ("a wrong password", Some("ZGF2ZTpiYWQ="), 401),
        (
            "an unknown user",
            Some("bm9uZXhpc3RlbnQ6bm9uZXhpc3RlbnQ="),
            401,
        ),
        (
            "the toolkit's fake user",
            Some("ZmFrZXVzZXI6ZmFrZXBhc3N3b3Jk"),
            401,
        ),
    ] {
        let header = login.map(|login| format!("Authorization: Basic {login}"));
        let headers: Vec<&str> = header.iter().map(String::as_str).collect();
        for (text, client) in [
            (USERS.to_owned(), None),
            (format!("{TLS}{USERS}"), Some(Speaks::default())),
        ] {
            let status = request(&folder, &text, client.as_ref(), &headers);
            assert_eq!(status, expected, "{name}");
        }
    }
}

#[test]
fn a_rate_limit_counts_as_published() {
    let folder = Folder::new("toolkit_limit");
    for (interval, expected) in [("0s", 200), ("1s", 429)] {
        let server = folder.serve_text(&format!(
            "rate_limit:\n  interval: \"{interval}\"\n  burst: 0\n"
        ));
        let address = server.local_addresses()[0];
        for _ in 0..=10 {
            assert_eq!(
                client::get(address, "/metrics", &[]).status,
                expected,
                "{interval}"
            );
        }
    }
}
