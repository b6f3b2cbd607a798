//! The web configuration file: the flag, the check, and the clients that operators have.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use crate::program::{Running, command, end, get};
use crate::support::{Prometheus, Scratch, require, run, said};

const USERS: &str = "basic_auth_users:\n  prometheus: $2y$04$SEfy6fkBVJLApYNv7qQ.Q.U46cy9ody5OVb.VKGhx9Mmx59LyJ9Rq\n";
/// The password of that hash.
const PASSWORD: &str = "alice-secret";

const TLS: &str = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";

/// Makes `ca.crt`, `server.crt` with `server.key` for localhost, and `client.crt` with `client.key`.
fn certificates(scratch: &Scratch) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(DnType::CommonName, "authority");
    let key = KeyPair::generate().expect("a key");
    let authority = params.self_signed(&key).expect("a certificate");
    scratch.write("ca.crt", &authority.pem());
    let issuer = Issuer::new(params, key);
    for (name, names) in [
        (
            "server",
            vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
        ),
        ("client", vec!["client".to_owned()]),
    ] {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(names).expect("names");
        let certificate = params.signed_by(&key, &issuer).expect("a certificate");
        scratch.write(&format!("{name}.crt"), &certificate.pem());
        scratch.write(&format!("{name}.key"), &key.serialize_pem());
    }
}

/// The program with that configuration.
fn listening(scratch: &Scratch, text: &str) -> (Running, SocketAddr) {
    let file = scratch.write("web.yml", text);
    Running::listening(&[&format!("--web.config.file={}", file.display())])
}

fn check(file: &Path) -> (Option<i32>, String) {
    let output = command(&["check-web-config", &file.display().to_string()], &[])
        .output()
        .expect("it starts");
    (output.status.code(), said(&output))
}

#[test]
fn the_check_gives_the_verdict_and_its_exit_code() {
    let scratch = Scratch::new("check_web_config");
    certificates(&scratch);
    let file = scratch.write("web.yml", &format!("{TLS}{USERS}"));
    let name = file.display().to_string();
    assert_eq!(check(&file), (Some(0), format!("{name}: OK\n")));

    let file = scratch.write("web.yml", USERS);
    let (code, said) = check(&file);
    assert_eq!(code, Some(0));
    assert!(
        said.starts_with(&format!(
            "{name}: OK\n{name}: note: logins are required without TLS"
        )),
        "{said}"
    );

    let file = scratch.write("web.yml", "tls_server_config:\n  cert-file: server.crt\n");
    let expected = format!(
        "{name}:2:3: yaml: unmarshal errors: field `cert-file` not found; did you mean `cert_file`?\n"
    );
    assert_eq!(check(&file), (Some(1), expected));

    fs::remove_file(&file).expect("it is there");
    let (code, said) = check(&file);
    assert_eq!(code, Some(1));
    assert!(said.contains("no such file or directory"), "{said}");
}

#[test]
fn a_file_that_can_not_be_used_ends_the_program() {
    let scratch = Scratch::new("web_config_bad");
    let file = scratch.write("web.yml", "basic_auth_users:\n  prometheus: alice-secret\n");
    let file = file.display().to_string();
    let output = end(
        &[
            "--web.listen-address=127.0.0.1:0",
            "--web.config.file",
            &file,
        ],
        &[],
    );
    assert_eq!(output.status.code(), Some(1));
    let log = said(&output);
    assert!(
        log.contains(&format!(
            "{file}:2:15: cannot use the hash of user `prometheus`"
        )),
        "{log}"
    );
    assert!(log.contains("the flag is --web.config.file"), "{log}");
    assert!(!log.contains("alice-secret"), "{log}");
}

#[test]
fn no_file_is_no_configuration() {
    let (_running, address) = Running::listening(&["--web.config.file="]);
    assert_eq!(get(address, "/metrics").0, 200);
}

#[test]
fn a_change_is_told_in_the_log() {
    let scratch = Scratch::new("web_config_log");
    let (mut running, address) = listening(&scratch, USERS);
    assert_eq!(get(address, "/metrics").0, 401);
    scratch.write("web.yml", "basic_auth_users: [\n");
    running.wait_for(|line| {
        line.contains("the previous one stays in effect")
            .then_some(())
    });
    assert_eq!(get(address, "/metrics").0, 401);
    scratch.write("web.yml", "# open to everybody\n");
    running.wait_for(|line| {
        line.contains("Reloaded the web configuration")
            .then_some(())
    });
    assert_eq!(get(address, "/metrics").0, 200);
}

#[test]
fn curl_speaks_every_version_with_it() {
    let Some(curl) = require("curl") else {
        return;
    };
    let scratch = Scratch::new("web_config_curl");
    certificates(&scratch);
    let (_running, address) = listening(&scratch, &format!("{TLS}{USERS}"));
    let authority = scratch.path().join("ca.crt");
    let ask = |arguments: &[&str]| {
        let mut command = Command::new(&curl);
        command
            .args(["--silent", "--show-error", "--max-time", "60", "--cacert"])
            .arg(&authority)
            .args(["--write-out", "\n%{http_code} HTTP/%{http_version}\n"])
            .args(arguments)
            .arg(format!("https://localhost:{}/metrics", address.port()));
        said(&run(&mut command, ""))
    };
    let user = format!("prometheus:{PASSWORD}");
    for (arguments, expected) in [
        (&["--http1.1", "--tlsv1.3"][..], "200 HTTP/1.1"),
        (&["--http2", "--tlsv1.3"], "200 HTTP/2"),
        (&["--http2", "--tls-max", "1.2"], "200 HTTP/2"),
    ] {
        let said = ask(&[arguments, &["--user", &user]].concat());
        assert!(
            said.contains("\napp_active_sessions "),
            "{arguments:?}: {said}"
        );
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    let said = ask(&["--user", "prometheus:wrong"]);
    assert!(said.contains("401 HTTP/2"), "{said}");
    let said = ask(&["--tls-max", "1.1", "--user", &user]);
    assert!(said.contains("curl: ("), "{said}");
}

/// As exporter-toolkit, which leaves the choice of CA certificates to Go.
#[test]
#[cfg(target_os = "linux")]
fn without_a_client_ca_client_certificates_are_verified_against_those_of_the_system() {
    let Some(curl) = require("curl") else {
        return;
    };
    let scratch = Scratch::new("web_config_system");
    certificates(&scratch);
    let text = format!("{TLS}  client_auth_type: RequireAndVerifyClientCert\n");
    let file = scratch.write("web.yml", &text);
    let path = |name: &str| scratch.path().join(name).display().to_string();
    let ask = |system: &str| {
        let file = format!("--web.config.file={}", file.display());
        let arguments = ["--web.listen-address=127.0.0.1:0", &file];
        let folder = path("no-folder");
        let variables = [("SSL_CERT_FILE", system), ("SSL_CERT_DIR", &*folder)];
        let mut running = Running::start(&arguments, &variables);
        let notice = running.wait_for(|line| {
            line.contains("CA certificates of the system")
                .then(|| line.to_owned())
        });
        let url = format!("https://localhost:{}/metrics", running.address().port());
        let mut command = Command::new(&curl);
        command
            .args(["--silent", "--show-error", "--max-time", "60"])
            .args(["--cacert", &path("ca.crt"), "--cert", &path("client.crt")])
            .args(["--key", &path("client.key"), &url]);
        (notice, said(&run(&mut command, "")))
    };
    let (notice, said) = ask(&path("ca.crt"));
    assert!(said.contains("\napp_active_sessions "), "{said}");
    assert!(notice.contains("against the 1 CA certificates"), "{notice}");
    // A system that trusts other authorities.
    let (_, said) = ask(&path("server.crt"));
    assert!(said.contains("curl: ("), "{said}");
}

#[test]
fn a_real_prometheus_scrapes_over_tls_with_a_password() {
    let Some(program) = require("prometheus") else {
        return;
    };
    let scratch = Scratch::new("web_config_prometheus");
    certificates(&scratch);
    let (_running, address) = listening(&scratch, &format!("{TLS}{USERS}"));
    let authority = scratch.path().join("ca.crt");
    let config = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: app_exporter\n  scheme: https\n  tls_config:\n    ca_file: {}\n    server_name: localhost\n  basic_auth:\n    username: prometheus\n    password: {PASSWORD}\n  static_configs:\n  - targets: ['{address}']\n",
        authority.display()
    );
    let config = scratch.write("prometheus.yml", &config);
    let prometheus = Prometheus::start(&program, &scratch, &config, &[]);
    let sessions = prometheus.value("app_active_sessions");
    assert!((10.0..=100.0).contains(&sessions), "{sessions}");
    let reloaded = prometheus.value("exporter_kit_web_config_last_reload_successful");
    assert_eq!(reloaded, 1.0);
    prometheus.assert_scraped_without_error();
}
