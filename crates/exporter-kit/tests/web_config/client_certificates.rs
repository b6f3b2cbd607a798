//! Who is let in: the five modes, and the alternative names.

use std::io;

use super::authority::Folder;
use super::client::{Answer, Speaks, assert_metrics};

/// What a client with that certificate gets; `""` is none, and names without a point are those of pairs
/// `NAME.crt` and `NAME.key`.
fn ask(folder: &Folder, fixture: &str, certificate: &'static str) -> io::Result<Answer> {
    let server = folder.serve(fixture);
    asked(folder, &server, certificate)
}

fn asked(
    folder: &Folder,
    server: &exporter_kit::Server,
    certificate: &'static str,
) -> io::Result<Answer> {
    let client = match certificate {
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
    };
    client.get(folder, server.local_addresses()[0], &[])
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
        ("allowed_sans", "selfsigned", "UnknownCA"),
    ] {
        let error = ask(&folder, &format!("{mode}.good.yml"), certificate).unwrap_err();
        assert!(
            error.to_string().contains(alert),
            "{mode} {certificate}: {error}"
        );
    }
}

#[test]
fn a_certificate_that_is_its_own_configured_authority_is_let_in() {
    let folder = Folder::new("selfsigned");
    let fixture = "require_and_verify_selfsigned.good.yml";
    assert_metrics(&ask(&folder, fixture, "selfsigned").unwrap());
    assert!(ask(&folder, fixture, "selfsigned2").is_err());
    assert!(ask(&folder, fixture, "client").is_err());
    let text =
        super::authority::fixture(fixture).replace("client_selfsigned", "expired_selfsigned");
    let error = asked(&folder, &folder.serve_text(&text), "expired_selfsigned").unwrap_err();
    assert!(error.to_string().contains("CertificateExpired"), "{error}");
}

#[test]
fn an_allowed_name_of_any_kind_lets_in() {
    let folder = Folder::new("names");
    let fixture = super::authority::fixture("allowed_sans.good.yml");
    for name in [
        "client.example.org",
        "client@example.org",
        "127.0.0.1",
        "spiffe://example.org/client",
    ] {
        let text = fixture.replace("client.example.org", name);
        assert_metrics(&asked(&folder, &folder.serve_text(&text), "client").unwrap());
    }
    // No pattern and no part of a name.
    for name in [
        "*.example.org",
        "example.org",
        "CLIENT.example.org",
        "127.0.0.1/8",
    ] {
        let text = fixture.replace("client.example.org", &format!("\"{name}\""));
        let error = asked(&folder, &folder.serve_text(&text), "client").unwrap_err();
        assert!(
            error.to_string().contains("BadCertificate"),
            "{name}: {error}"
        );
    }
}

#[test]
fn names_are_asked_for_even_if_nothing_else_is() {
    let folder = Folder::new("any_name");
    let text = super::authority::fixture("request_client_cert.good.yml")
        + "  client_allowed_sans: [strange.example.org]\n";
    let server = folder.serve_text(&text);
    assert_metrics(&asked(&folder, &server, "strange").unwrap());
    assert!(asked(&folder, &server, "client").is_err());
    assert!(asked(&folder, &server, "").is_err());
}
