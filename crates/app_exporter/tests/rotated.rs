//! Secrets and certificates in files, which may change while the program runs: the next connection has what they say.

use std::net::SocketAddr;
use std::process::Command;

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};

use crate::http_source::serve_https;
use crate::program::{Running, end, get};
use crate::redis::Server;
use crate::support::{MariaDb, Postgres, Scratch, run, said};

/// A certificate that vouches for itself.
fn own() -> CertifiedKey<KeyPair> {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    generate_simple_self_signed(names).expect("a certificate")
}

/// The program with one source of that name and kind.
fn exporting(scratch: &Scratch, source: &str) -> (Running, SocketAddr) {
    let config = format!(
        "sources:\n  a:\n    {source}\n    metrics: [{{name: app_number, help: A number.}}]\n"
    );
    let file = scratch.write("config.yml", &config);
    Running::listening(&["--config.file", &file.to_string_lossy()])
}

/// What one scrape says of the source: its number, or the reason for which it has failed that often.
fn assert_scraped(address: SocketAddr, line: &str) {
    let (_, body) = get(address, "/metrics");
    let line = match line.split_once(' ') {
        Some((reason, count)) if reason != "app_number" => {
            format!("app_exporter_source_errors_total{{source=\"a\",reason=\"{reason}\"}} {count}")
        }
        _ => line.to_owned(),
    };
    assert!(
        body.lines().any(|found| found == line),
        "{line} is not in\n{body}"
    );
}

#[test]
fn https_certificates_may_change() {
    let (ours, theirs) = (own(), own());
    let server = serve_https(&ours);
    let scratch = Scratch::new("rotated-https");
    let client = |it: &CertifiedKey<KeyPair>| {
        scratch.write("client.pem", &it.cert.pem());
        scratch.write("key.pem", &it.signing_key.serialize_pem());
    };
    scratch.write("ca.pem", &theirs.cert.pem());
    client(&theirs);
    let (_running, address) = exporting(
        &scratch,
        &format!(
            "http: {{url: 'https://{server}/', format: number, \
             tls: {{ca_file: ca.pem, cert_file: client.pem, key_file: key.pem}}}}"
        ),
    );
    assert_scraped(address, "connect 1.0");
    scratch.write("ca.pem", &ours.cert.pem());
    assert_scraped(address, "connect 2.0");
    client(&ours);
    assert_scraped(address, "app_number 7.0");
    // One that is broken for now is named, and costs only the time until it is whole.
    scratch.write("ca.pem", "");
    assert_scraped(address, "connect 3.0");
    scratch.write("ca.pem", &ours.cert.pem());
    assert_scraped(address, "app_number 7.0");
}

#[test]
fn postgres_password_and_authority_may_change() {
    let Some(mut server) = Postgres::new("rotated-postgres") else {
        return;
    };
    server.start();
    server.ask("postgres", "CREATE ROLE exporter LOGIN PASSWORD 'hunter2'");
    let right = std::fs::read_to_string(server.certificate()).expect("the certificate");
    let keys = "database: postgres, host: localhost";
    sql_rotates("postgres", server.port(), keys, &right);
}

#[test]
fn mysql_password_and_authority_may_change() {
    let Some(mut server) = MariaDb::new("rotated-mysql") else {
        return;
    };
    server.start();
    server.ask(&["CREATE USER exporter@localhost IDENTIFIED BY 'hunter2'"]);
    let right = std::fs::read_to_string(server.certificate()).expect("the certificate");
    sql_rotates("mysql", server.port(), "host: localhost", &right);
}

fn sql_rotates(kind: &str, port: u16, keys: &str, certificate: &str) {
    let scratch = Scratch::new(&format!("rotated-{kind}"));
    scratch.write("password", "hunter1\n");
    scratch.write("ca.pem", &own().cert.pem());
    let (_running, address) = exporting(
        &scratch,
        &format!(
            "sql: {{{kind}: {{port: {port}, {keys}, user: exporter, password_file: password, \
             tls: {{ca_file: ca.pem}}}}, query: SELECT 7 AS value}}"
        ),
    );
    assert_scraped(address, "connect 1.0");
    scratch.write("ca.pem", certificate);
    assert_scraped(address, "login 1.0");
    scratch.write("password", "hunter2\n");
    assert_scraped(address, "app_number 7.0");
}

#[test]
fn redis_password_and_authority_may_change() {
    let scratch = Scratch::new("rotated-redis");
    let ours = own();
    scratch.write("server.pem", &ours.cert.pem());
    scratch.write("server-key.pem", &ours.signing_key.serialize_pem());
    let more = [
        ["--requirepass", "hunter2"],
        ["--tls-ca-cert-file", "server.pem"],
        ["--tls-auth-clients", "no"],
    ];
    let server = Server::with_tls(&scratch, &more.concat());
    let Some(server) = server else { return };
    scratch.write("password", "hunter1\n");
    scratch.write("ca.pem", &own().cert.pem());
    let (_running, address) = exporting(
        &scratch,
        &format!(
            "redis: {{address: 'localhost:{}', password_file: password, tls: {{ca_file: ca.pem}}, \
             queries: {{a: {{command: [DBSIZE]}}}}}}",
            server.port()
        ),
    );
    assert_scraped(address, "connect 1.0");
    scratch.write("ca.pem", &ours.cert.pem());
    assert_scraped(address, "login 1.0");
    scratch.write("password", "hunter2\n");
    assert_scraped(address, "app_number 0.0");
}

#[test]
fn a_secret_in_a_pipe_holds_up_no_other_source() {
    let scratch = Scratch::new("secret-in-a-pipe");
    let made = run(Command::new("mkfifo").arg(scratch.path().join("pipe")), "");
    assert!(made.status.success(), "{}", said(&made));
    let waits = |name: &str| {
        format!(
            "  {name}:\n    http: {{url: 'http://127.0.0.1:9/', format: number, bearer_file: pipe}}\n    \
             metrics: [{{name: app_{name}, help: A number.}}]\n"
        )
    };
    let config = format!(
        "sources:\n{}{}{}  z:\n    simulate: {{steps: {{values: [7]}}}}\n    \
         metrics: [{{name: app_z, help: A number.}}]\n",
        waits("a"),
        waits("b"),
        waits("c")
    );
    let file = scratch.write("config.yml", &config);
    let text = said(&end(
        &["once", "--config.file", &file.to_string_lossy()],
        &[],
    ));
    for part in ["app_z 7.0\n", "pipe`: cannot read: not a regular file"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}
