//! Targets of `/probe` with logins and ports of their own.

use std::net::SocketAddr;

use crate::http_source::{answer, serve};
use crate::probe::{has, probe};
use crate::program::Running;
use crate::support::Scratch;

/// Answers with the number of the tenant that has this login.
fn tenants() -> SocketAddr {
    serve(
        |stream| stream,
        |request| {
            let header = |name: &str| request.headers.get(name).map_or("", String::as_str);
            match (header("authorization"), header("x-tenant")) {
                // a:one and b:two
                ("Basic YTpvbmU=", "a") => answer("200 OK", "", "1"),
                ("Basic Yjp0d28=", "b") => answer("200 OK", "", "2"),
                _ => answer("401 Unauthorized", "", ""),
            }
        },
    )
}

#[test]
fn each_target_has_the_login_that_the_configuration_gives_it() {
    let scratch = Scratch::new("probe-logins");
    let tenants = tenants();
    scratch.write("of-b", "two\n");
    let config = format!(
        "sources:
  tenant:
    probe:
      targets:
        - {{target: '127.0.0.1:{port}', variables: {{USER: a, PASSWORD: '${{OF_A}}'}}}}
        - {{target: 'localhost:*', variables: {{USER: b}}}}
        - '127.0.0.*:*'
    http: {{url: 'http://${{target}}/', basic: {{user: '${{USER}}', password: '${{PASSWORD}}'}}, headers: {{X-Tenant: '${{USER}}'}}, format: number}}
    metrics: [{{name: app_tenant, help: A number.}}]
  file:
    probe: {{targets: [{{target: b, variables: {{AT: '127.0.0.1:{port}'}}}}, '..']}}
    http: {{url: 'http://${{AT}}/', basic: {{user: '${{target}}', password_file: 'of-${{target}}'}}, headers: {{X-Tenant: '${{target}}'}}, format: number}}
    metrics: [{{name: app_file, help: A number.}}]
  port:
    probe: {{targets: ['*']}}
    http: {{url: 'http://127.0.0.1:${{target}}/', basic: {{user: a, password: one}}, headers: {{X-Tenant: a}}, format: number}}
    metrics: [{{name: app_port, help: A number.}}]
",
        port = tenants.port()
    );
    let file = scratch.write("config.yml", &config);
    let arguments = [
        "--web.listen-address=127.0.0.1:0",
        "--config.file",
        &file.to_string_lossy(),
    ];
    let variables = [("OF_A", "one"), ("USER", "nobody"), ("PASSWORD", "two")];
    let mut running = Running::start(&arguments, &variables);
    let address = running.address();
    let port = tenants.port();
    for (source, target, line) in [
        ("tenant", format!("127.0.0.1:{port}"), "app_tenant 1.0"),
        // The user is the target's, the password that of the environment.
        ("tenant", format!("localhost:{port}"), "app_tenant 2.0"),
        (
            "tenant",
            format!("127.0.0.2:{port}"),
            "app_exporter_source_up{source=\"tenant\"} 0.0",
        ),
        ("file", "b".to_owned(), "app_file 2.0"),
        ("port", port.to_string(), "app_port 1.0"),
        (
            "port",
            "1".to_owned(),
            "app_exporter_source_up{source=\"port\"} 0.0",
        ),
    ] {
        let (status, text) = probe(address, source, &target);
        assert_eq!(status, 200, "{target}: {text}");
        assert!(has(&text, line), "{source} {target}: {line} in {text}");
    }
    for (source, target, refused) in [
        ("port", "http", 503),
        ("port", "70000", 503),
        ("port", "80@evil", 403),
        ("port", "80%2Fadmin", 403),
        ("tenant", "localhost:80:80", 403),
        ("tenant", "localhost:80%2F", 403),
        ("tenant", "127.0.0.1:x", 503),
        ("file", "a&USER=a", 403),
    ] {
        let (status, text) = probe(address, source, target);
        assert_eq!(status, refused, "{source} {target}: {text}");
    }
    // A request brings no variables.
    let (_, text) = probe(
        address,
        "tenant",
        &format!("127.0.0.2:{port}&USER=a&PASSWORD=one"),
    );
    assert!(
        has(&text, "app_exporter_source_up{source=\"tenant\"} 0.0"),
        "{text}"
    );
}
