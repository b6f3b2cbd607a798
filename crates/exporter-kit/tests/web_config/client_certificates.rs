//! Client certificates: the five modes, and the alternative names.

use std::io;

use super::authority::{Folder, fixture};
use super::client::{Answer, Speaks, assert_metrics};

/// The response to a client with that certificate.
fn ask(folder: &Folder, fixture: &str, certificate: &str) -> io::Result<Answer> {
    let server = folder.serve(fixture);
    client(certificate).get(folder, server.local_addresses()[0], &[])
}

/// The response to a client with that certificate from a server with that configuration.
fn ask_text(folder: &Folder, text: &str, certificate: &str) -> io::Result<Answer> {
    let server = folder.serve_text(text);
    client(certificate).get(folder, server.local_addresses()[0], &[])
}

/// The reason why a client with that certificate is rejected.
fn refusal(folder: &Folder, text: &str, certificate: &str) -> String {
    let server = folder.serve_text(text);
    client(certificate).refusal(folder, server.local_addresses()[0])
}

/// A client with the certificate of that name; `""` is none.
fn client(certificate: &str) -> Speaks {
    match certificate {
        "" => Speaks::default(),
        "client" => Speaks::with_certificate("client.crt", "client.key"),
        "strange" => Speaks::with_certificate("strange.crt", "strange.key"),
        "expired" => Speaks::with_certificate("expired.crt", "expired.key"),
        "for_servers" => Speaks::with_certificate("for_servers.crt", "for_servers.key"),
        "selfsigned" => Speaks::with_certificate("client_selfsigned.pem", "client_selfsigned.key"),
        "selfsigned2" => {
            Speaks::with_certificate("client2_selfsigned.pem", "client2_selfsigned.key")
        }
        "expired_selfsigned" => {
            Speaks::with_certificate("expired_selfsigned.pem", "expired_selfsigned.key")
        }
        other => panic!("{other}"),
    }
}

#[test]
fn every_mode_lets_in_whom_it_says() {
    let folder = Folder::new("modes");
    let everybody = ["", "client", "strange", "expired", "selfsigned"];
    for (mode, accepted) in [
        ("no_client_cert", &everybody[..]),
        ("request_client_cert", &everybody),
        ("require_any_client_cert", &everybody[1..]),
        ("require_client_cert", &everybody[1..]),
        ("verify_client_cert_if_given", &["", "client"]),
        ("require_and_verify_client_cert", &["client"]),
    ] {
        for certificate in everybody {
            let answer = ask(&folder, &format!("{mode}.good.yml"), certificate);
            if accepted.contains(&certificate) {
                assert_metrics(
                    &answer.unwrap_or_else(|error| panic!("{mode} {certificate}: {error}")),
                );
            } else {
                assert!(answer.is_err(), "{mode} {certificate}: {answer:?}");
            }
        }
    }
}

#[test]
fn who_is_not_let_in_learns_why() {
    let folder = Folder::new("why");
    for (mode, certificate, alert) in [
        ("require_any_client_cert", "", "CertificateRequired"),
        ("require_and_verify_client_cert", "", "CertificateRequired"),
        ("require_and_verify_client_cert", "strange", "UnknownCA"),
        (
            "require_and_verify_client_cert",
            "expired",
            "CertificateExpired",
        ),
        (
            "require_and_verify_client_cert",
            "for_servers",
            "UnsupportedCertificate",
        ),
        ("allowed_sans", "strange", "UnknownCA"),
    ] {
        let error = refusal(&folder, &fixture(&format!("{mode}.good.yml")), certificate);
        assert!(error.contains(alert), "{mode} {certificate}: {error}");
    }
}

#[test]
fn a_certificate_that_is_its_own_configured_authority_is_let_in() {
    let folder = Folder::new("selfsigned");
    let name = "require_and_verify_selfsigned.good.yml";
    assert_metrics(&ask(&folder, name, "selfsigned").unwrap());
    assert!(ask(&folder, name, "selfsigned2").is_err());
    assert!(ask(&folder, name, "client").is_err());
    let text = fixture(name).replace("client_selfsigned", "expired_selfsigned");
    let error = refusal(&folder, &text, "expired_selfsigned");
    assert!(error.contains("CertificateExpired"), "{error}");
}

#[test]
fn an_allowed_name_of_any_kind_lets_in() {
    let folder = Folder::new("names");
    let allowed = fixture("allowed_sans.good.yml");
    for name in [
        "client.example.org",
        "client@example.org",
        "127.0.0.1",
        "spiffe://example.org/client",
    ] {
        let text = allowed.replace("client.example.org", name);
        assert_metrics(&ask_text(&folder, &text, "client").unwrap());
    }
    // No pattern and no part of a name.
    for name in [
        "*.example.org",
        "example.org",
        "CLIENT.example.org",
        "127.0.0.1/8",
    ] {
        let text = allowed.replace("client.example.org", &format!("\"{name}\""));
        let error = refusal(&folder, &text, "client");
        assert!(error.contains("BadCertificate"), "{name}: {error}");
    }
}

#[test]
fn names_are_asked_for_even_if_nothing_else_is() {
    let folder = Folder::new("any_name");
    let text =
        fixture("request_client_cert.good.yml") + "  client_allowed_sans: [strange.example.org]\n";
    let server = folder.serve_text(&text);
    let address = server.local_addresses()[0];
    assert_metrics(&client("strange").get(&folder, address, &[]).unwrap());
    assert!(client("client").get(&folder, address, &[]).is_err());
    assert!(client("").get(&folder, address, &[]).is_err());
}
