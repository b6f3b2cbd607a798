//! Certificates as the world has them, shown by real servers: self-signed, by address, of another name, and pinned.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedKey, DnType, IsCa, KeyPair};

use crate::http_source::{answer, serve};
use crate::program::{Running, end};
use crate::redis::Server;
use crate::support::{MariaDb, Postgres, Scratch, assert_lines, require, run, said, sample};

/// The output of `openssl req -x509 -subj /CN=NAME -addext subjectAltName=…` makes: a CA certificate that is its own issuer.
fn self_signed(name: &str, alternatives: &[&str]) -> CertifiedKey<KeyPair> {
    let names: Vec<String> = alternatives.iter().map(|&it| it.to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let signing_key = KeyPair::generate().expect("a key");
    let cert = params.self_signed(&signing_key).expect("a certificate");
    CertifiedKey { cert, signing_key }
}

/// The fingerprint as `openssl x509 -fingerprint -sha256` prints it.
fn fingerprint(own: &CertifiedKey<KeyPair>) -> String {
    let digest = rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
    let digest = digest
        .tls13()
        .expect("of TLS 1.3")
        .common
        .hash_provider
        .hash(own.cert.der());
    let pairs: Vec<_> = digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    pairs.join(":")
}

/// A web server that shows this certificate and answers 45.
fn serve_https(own: &CertifiedKey<KeyPair>) -> SocketAddr {
    let key = rustls::pki_types::PrivateKeyDer::try_from(own.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key.expect("a key"))
        .expect("usable");
    let tls = Arc::new(tls);
    serve(
        move |stream| {
            let connection = rustls::ServerConnection::new(Arc::clone(&tls)).expect("a connection");
            rustls::StreamOwned::new(connection, stream)
        },
        |_| answer("200 OK", "", "45"),
    )
}

/// One collection of sources `NAME: KEYS`, each with a metric `app_NAME`.
fn collect(scratch: &Scratch, sources: &[(&str, String)]) -> String {
    let file = scratch.write("config.yml", &configuration(sources));
    said(&end(
        &["once", "--config.file", &file.to_string_lossy()],
        &[],
    ))
}

fn configuration(sources: &[(&str, String)]) -> String {
    let mut config = "sources:\n".to_owned();
    for (name, keys) in sources {
        config += &format!(
            "  {name}:\n    {keys}\n    metrics: [{{name: app_{name}, help: A number.}}]\n"
        );
    }
    config
}

/// The same source under every key for TLS: `source` makes it of a host and the keys.
fn assert_every_way(
    scratch: &Scratch,
    own: &CertifiedKey<KeyPair>,
    number: f64,
    source: impl Fn(&str, &str) -> String,
) {
    let other = self_signed("localhost", &["localhost"]);
    scratch.write("own.pem", &own.cert.pem());
    scratch.write("other.pem", &other.cert.pem());
    let pin = fingerprint(own);
    let plain = pin.replace(':', "").to_lowercase();
    let text = collect(
        scratch,
        &[
            ("named", source("localhost", "{ca_file: own.pem}")),
            ("address", source("127.0.0.1", "{ca_file: own.pem}")),
            (
                "server_name",
                source("127.0.0.1", "{ca_file: own.pem, server_name: localhost}"),
            ),
            (
                "wrong_name",
                source("localhost", "{ca_file: own.pem, server_name: db.example}"),
            ),
            (
                "pinned",
                source("127.0.0.1", &format!("{{fingerprint: '{pin}'}}")),
            ),
            (
                "pinned_plain",
                source("localhost", &format!("{{fingerprint: {plain:?}}}")),
            ),
            (
                "pinned_other",
                source(
                    "localhost",
                    &format!("{{fingerprint: '{}'}}", fingerprint(&other)),
                ),
            ),
            ("other", source("localhost", "{ca_file: other.pem}")),
            ("unknown", source("localhost", "{}")),
            ("blind", source("127.0.0.1", "{insecure_skip_verify: true}")),
        ],
    );
    for name in ["named", "server_name", "pinned", "pinned_plain", "blind"] {
        assert_eq!(
            sample(&text, &format!("app_{name}")),
            Some(number),
            "{name}: {text}"
        );
    }
    for name in ["address", "wrong_name", "pinned_other", "other", "unknown"] {
        let error =
            format!("app_exporter_source_errors_total{{source=\"{name}\",reason=\"connect\"}} 1.0");
        assert_lines(&text, &[&error]);
    }
    let remedy = "name its CA certificate, or the certificate itself, with `ca_file`, or pin it with `fingerprint`";
    for message in [
        "name that one with `server_name`",
        &format!(
            "the certificate has another fingerprint, `{pin}`; if the server has a new certificate"
        ),
        &format!("invalid peer certificate: UnknownIssuer; {remedy}"),
    ] {
        assert!(text.contains(message), "{message} is not in\n{text}");
    }
}

#[test]
fn https_in_every_way() {
    let scratch = Scratch::new("tls-http");
    for own in [
        self_signed("localhost", &["localhost"]),
        self_signed("localhost", &[]),
    ] {
        let port = serve_https(&own).port();
        assert_every_way(&scratch, &own, 45.0, |host, tls| {
            format!("http: {{url: 'https://{host}:{port}/', format: number, tls: {tls}}}")
        });
    }
    // By address, with and without the list of names.
    for (at, own) in [
        self_signed("127.0.0.1", &["127.0.0.1"]),
        self_signed("127.0.0.1", &[]),
    ]
    .iter()
    .enumerate()
    {
        let port = serve_https(own).port();
        scratch.write("own.pem", &own.cert.pem());
        let http = format!(
            "http: {{url: 'https://127.0.0.1:{port}/', format: number, tls: {{ca_file: own.pem}}}}"
        );
        let text = collect(&scratch, &[("address", http)]);
        assert_eq!(sample(&text, "app_address"), Some(45.0), "{at}: {text}");
    }
    // A common name counts only without any other name.
    let own = self_signed("localhost", &["db.example"]);
    let port = serve_https(&own).port();
    scratch.write("own.pem", &own.cert.pem());
    let http = format!(
        "http: {{url: 'https://localhost:{port}/', format: number, tls: {{ca_file: own.pem}}}}"
    );
    let text = collect(&scratch, &[("name", http)]);
    assert!(text.contains("name that one with `server_name`"), "{text}");
}

#[test]
fn https_as_curl_does() {
    let Some(curl) = require("curl") else { return };
    let scratch = Scratch::new("tls-curl");
    let own = self_signed("localhost", &[]);
    let port = serve_https(&own).port();
    let file = scratch.write("own.pem", &own.cert.pem());
    let url = format!("https://localhost:{port}/");
    let output = run(
        Command::new(curl).args(["-sS", &url, "--cacert"]).arg(file),
        "",
    );
    assert_eq!(said(&output), "45");
    let http = format!("http: {{url: '{url}', format: number, tls: {{ca_file: own.pem}}}}");
    assert_eq!(
        sample(&collect(&scratch, &[("a", http)]), "app_a"),
        Some(45.0)
    );
}

/// Gives a server that has not started yet this certificate.
fn show(certificate: &Path, own: &CertifiedKey<KeyPair>) {
    fs::write(certificate, own.cert.pem()).expect("a file");
    fs::write(
        certificate.with_extension("key"),
        own.signing_key.serialize_pem(),
    )
    .expect("a file");
}

#[test]
fn postgres_in_every_way() {
    let Some(mut server) = Postgres::new("tls-postgres") else {
        return;
    };
    let own = self_signed("localhost", &[]);
    show(server.certificate(), &own);
    server.start();
    server.ask("postgres", "CREATE ROLE exporter LOGIN PASSWORD 'hunter2'");
    let port = server.port();
    sql_in_every_way("postgres", port, ", database: postgres", &own);
}

#[test]
fn mysql_in_every_way() {
    let Some(mut server) = MariaDb::new("tls-mysql") else {
        return;
    };
    let own = self_signed("localhost", &[]);
    show(server.certificate(), &own);
    server.start();
    server.ask(&["CREATE USER exporter@localhost IDENTIFIED BY 'hunter2'"]);
    sql_in_every_way("mysql", server.port(), "", &own);
}

fn sql_in_every_way(kind: &str, port: u16, more: &str, own: &CertifiedKey<KeyPair>) {
    let scratch = Scratch::new(&format!("tls-{kind}"));
    let source = |host: &str, tls: &str| {
        format!(
            "sql: {{{kind}: {{host: {host}, port: {port}{more}, user: exporter, password: hunter2, {tls}}}, query: SELECT 45 AS value}}"
        )
    };
    assert_every_way(&scratch, own, 45.0, |host, tls| {
        source(host, &format!("tls: {tls}"))
    });
    let other = "tls: {ca_file: other.pem}";
    let trusting = "tls: {ca_file: own.pem}";
    let text = collect(
        &scratch,
        &[
            ("disable", source("127.0.0.1", "sslmode: disable")),
            ("prefer", source("127.0.0.1", "sslmode: prefer")),
            ("require", source("127.0.0.1", "sslmode: require")),
            (
                "require_ca",
                source("127.0.0.1", &format!("sslmode: require, {trusting}")),
            ),
            (
                "require_other",
                source("127.0.0.1", &format!("sslmode: require, {other}")),
            ),
            (
                "verify_ca",
                source("127.0.0.1", &format!("sslmode: verify-ca, {trusting}")),
            ),
            (
                "verify_ca_other",
                source("127.0.0.1", &format!("sslmode: verify-ca, {other}")),
            ),
            (
                "verify_full",
                source("127.0.0.1", &format!("sslmode: verify-full, {trusting}")),
            ),
            (
                "verify_full_name",
                source("localhost", &format!("sslmode: verify-full, {trusting}")),
            ),
        ],
    );
    for name in [
        "disable",
        "prefer",
        "require",
        "require_ca",
        "verify_ca",
        "verify_full_name",
    ] {
        assert_eq!(
            sample(&text, &format!("app_{name}")),
            Some(45.0),
            "{name}: {text}"
        );
    }
    for name in ["require_other", "verify_ca_other", "verify_full"] {
        let error =
            format!("app_exporter_source_errors_total{{source=\"{name}\",reason=\"connect\"}} 1.0");
        assert_lines(&text, &[&error]);
    }
}

#[test]
fn each_start_warns_of_servers_that_are_not_verified() {
    let scratch = Scratch::new("tls-warnings");
    let own = self_signed("localhost", &[]);
    scratch.write("own.pem", &own.cert.pem());
    let sources = [
        (
            "verified",
            "http: {url: 'https://localhost:1/', format: number}",
        ),
        (
            "blind",
            "http: {url: 'https://localhost:1/', format: number, tls: {insecure_skip_verify: true}}",
        ),
        (
            "cache",
            "redis: {address: 'localhost:1', tls: {insecure_skip_verify: true}, queries: {a: {command: [DBSIZE]}}}",
        ),
        (
            "prefer",
            "sql: {postgres: {user: a, sslmode: prefer}, query: SELECT 1 AS value}",
        ),
        (
            "require",
            "sql: {mysql: {user: a, sslmode: require}, query: SELECT 1 AS value}",
        ),
        (
            "trusting",
            "sql: {mysql: {user: a, sslmode: require, tls: {ca_file: own.pem}}, query: SELECT 1 AS value}",
        ),
    ];
    let file = scratch.write(
        "config.yml",
        &configuration(&sources.map(|(name, keys)| (name, keys.to_owned()))),
    );
    let file = file.to_string_lossy();
    let arguments = ["--config.file", &file];
    let (running, _) = Running::listening(&arguments);
    running.signal(rustix::process::Signal::TERM);
    let (_, log) = running.end();
    for subcommand in [&["once", "--timeout=1s"][..], &["check-config"]] {
        let said = said(&end(&[subcommand, &arguments].concat(), &[]));
        let warning = "source `blind`: `insecure_skip_verify: true` accepts every certificate";
        assert!(said.contains(warning), "{said}");
    }
    let warned: Vec<_> = log
        .iter()
        .filter(|line| line.contains("level=WARN"))
        .collect();
    let keys = [
        ("blind", "insecure_skip_verify: true"),
        ("cache", "insecure_skip_verify: true"),
        ("prefer", "sslmode: prefer"),
        ("require", "sslmode: require"),
    ];
    assert_eq!(warned.len(), keys.len(), "{log:?}");
    for (line, (name, key)) in warned.iter().zip(keys) {
        let warning = format!("source `{name}`: `{key}` accepts every certificate");
        assert!(line.contains(&warning), "{warning} is not in {line}");
    }
}

#[test]
fn redis_in_every_way() {
    let scratch = Scratch::new("tls-redis");
    let own = self_signed("localhost", &[]);
    scratch.write("server.pem", &own.cert.pem());
    scratch.write("server-key.pem", &own.signing_key.serialize_pem());
    let more = [
        "--tls-ca-cert-file",
        "server.pem",
        "--tls-auth-clients",
        "no",
    ];
    let Some(server) = Server::with_tls(&scratch, &more) else {
        return;
    };
    let port = server.port();
    assert_every_way(&scratch, &own, 0.0, |host, tls| {
        format!(
            "redis: {{address: '{host}:{port}', tls: {tls}, queries: {{a: {{command: [DBSIZE]}}}}}}"
        )
    });
}
