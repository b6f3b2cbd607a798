//! Who is let in: passwords, users with few rights, TLS.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::server::{say, socket_path};
use super::{Server, once, socket, source};
use crate::support::{Scratch, assert_lines};

#[test]
fn redis_users_get_what_they_may() {
    let scratch = Scratch::new("redis-login");
    let Some(server) = Server::start(&scratch, "s", &["--requirepass", "hunter2"]) else {
        return;
    };
    let mut connection = server.connection();
    for line in [
        "AUTH hunter2",
        "SET app:sessions 45",
        "SET secret:plan 7",
        // Neither may ask about commands; one may count, the other not even that.
        "ACL SETUSER counter on >c0unter ~app:* +get +scan",
        "ACL SETUSER nobody on >n0body ~app:*",
    ] {
        let _: redis::Value = say(&mut connection, line);
    }
    scratch.write("password", "hunter2\n");
    let place = socket(&socket_path(&scratch, "s"));
    let of = |name: &str, login: &str, queries: &[(&str, &str)]| {
        source(name, &format!("{place}\n      {login}"), queries)
    };
    let sessions = ("sessions", "{command: [GET, app:sessions]}");
    let config = [
        "sources:\n".to_owned(),
        of("known", "password: '${PASSWORD}'", &[sessions]),
        of("filed", "password_file: password", &[sessions]),
        of(
            "named",
            "user: '${NAME}'\n      password: '${PASSWORD}'",
            &[sessions],
        ),
        of(
            "few",
            "user: counter\n      password: c0unter",
            &[
                sessions,
                ("plan", "{command: [GET, secret:plan]}"),
                ("keys", "{count_keys: '*'}"),
                ("size", "{command: [STRLEN, app:sessions]}"),
                ("ranks", "{command: [ZREVRANK, app:ranks, ada]}"),
            ],
        ),
        of("none", "user: nobody\n      password: n0body", &[sessions]),
        of("wrong", "password: wr0ng", &[sessions]),
        of("nameless", "# no login", &[sessions]),
        of("unfiled", "password_file: none", &[sessions]),
        of(
            "afar",
            "database: 99\n      password: '${PASSWORD}'",
            &[sessions],
        ),
    ]
    .concat();
    let text = once(
        &scratch,
        &config,
        &[("PASSWORD", "hunter2"), ("NAME", "default")],
    );
    for secret in ["hunter2", "c0unter", "n0body", "wr0ng"] {
        assert!(!text.contains(secret), "{secret} is shown: {text}");
    }
    let login = |name: &str, count: u8| {
        format!("app_exporter_source_errors_total{{source=\"{name}\",reason=\"login\"}} {count}.0")
    };
    assert_lines(
        &text,
        &[
            "known_sessions 45.0",
            "filed_sessions 45.0",
            "named_sessions 45.0",
            "few_sessions 45.0",
            "few_keys 2.0",
            &login("few", 2),
            "app_exporter_source_errors_total{source=\"few\",reason=\"query\"} 1.0",
            &login("none", 1),
            &login("wrong", 1),
            &login("nameless", 1),
            &login("unfiled", 1),
            "app_exporter_source_errors_total{source=\"afar\",reason=\"query\"} 1.0",
        ],
    );
    for said in [
        "cannot log in: WRONGPASS",
        "the server requires a password; add `password`",
        "NOPERM",
        "`+command|info`",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn redis_with_tls_is_trusted_if_its_authority_is() {
    let scratch = Scratch::new("redis-tls");
    // Who has no name of its own looks as if it had signed itself.
    let params = |name: &str| {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).expect("parameters");
        params.distinguished_name.push(DnType::CommonName, name);
        params
    };
    let authority = |name: &str| {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        CertifiedIssuer::self_signed(params, key).expect("a certificate")
    };
    let (ours, theirs) = (authority("ours"), authority("theirs"));
    scratch.write("ca.pem", &ours.pem());
    scratch.write("other-ca.pem", &theirs.pem());
    for (name, issuer) in [("server", &ours), ("client", &ours), ("stranger", &theirs)] {
        let key = KeyPair::generate().expect("a key");
        let certificate = params(name).signed_by(&key, issuer).expect("a certificate");
        scratch.write(&format!("{name}.pem"), &certificate.pem());
        scratch.write(&format!("{name}-key.pem"), &key.serialize_pem());
    }
    let Some(server) = Server::with_tls(&scratch, &["--tls-ca-cert-file", "ca.pem"]) else {
        return;
    };
    let size = [("size", "{command: [DBSIZE]}")];
    let of = |name: &str, tls: &str| {
        let port = server.port();
        source(
            name,
            &format!("address: localhost:{port}\n      {tls}"),
            &size,
        )
    };
    let client = "cert_file: client.pem, key_file: client-key.pem";
    let config = [
        "sources:\n".to_owned(),
        of("trusted", &format!("tls: {{ca_file: ca.pem, {client}}}")),
        of(
            "untrusted",
            &format!("tls: {{ca_file: other-ca.pem, {client}}}"),
        ),
        of("unknown", &format!("tls: {{{client}}}")),
        of("nameless", "tls: {ca_file: ca.pem}"),
        of(
            "stranger",
            "tls: {ca_file: ca.pem, cert_file: stranger.pem, key_file: stranger-key.pem}",
        ),
        of("plain", "# no TLS"),
    ]
    .concat();
    let text = once(&scratch, &config, &[]);
    assert_lines(&text, &["trusted_size 0.0"]);
    for name in ["untrusted", "unknown", "nameless", "stranger", "plain"] {
        assert_lines(
            &text,
            &[&format!(
                "app_exporter_source_errors_total{{source=\"{name}\",reason=\"connect\"}} 1.0"
            )],
        );
    }
}
