//! Access control before the router: rate limit, headers, open paths.

use super::authority::Folder;
use crate::http::client;

#[test]
fn the_five_headers_are_in_every_answer() {
    let folder = Folder::new("headers");
    let server = folder.serve("headers.good.yml");
    let address = server.local_addresses()[0];
    for path in ["/metrics", "/", "/nowhere"] {
        let answer = client::get(address, path, &[]);
        for (name, value) in [
            ("content-security-policy", "default-src 'self'"),
            ("x-frame-options", "deny"),
            ("x-content-type-options", "nosniff"),
            ("x-xss-protection", "1; mode=block"),
            (
                "strict-transport-security",
                "max-age=31536000; includeSubDomains",
            ),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
    }
}

#[test]
fn a_limit_refuses_what_is_more_before_anything_else() {
    let folder = Folder::new("limit");
    let with_users = super::authority::fixture("rate_limit.good.yml")
        + &super::authority::fixture("users_without_tls.good.yml")
        + &super::authority::fixture("headers.good.yml");
    let server = folder.serve_text(&with_users);
    let address = server.local_addresses()[0];
    let statuses: Vec<_> = (0..5)
        .map(|_| client::get(address, "/metrics", &[]).status)
        .collect();
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
    let answer = client::get(address, "/metrics", &[]);
    assert_eq!(answer.text(), "Too Many Requests\n");
    assert_eq!(answer.header("x-frame-options"), None);
}

#[test]
fn an_interval_of_nothing_is_no_limit_and_a_burst_of_nothing_lets_nobody_in() {
    let folder = Folder::new("no_limit");
    let server = folder.serve("rate_limit_off.good.yml");
    for _ in 0..20 {
        assert_eq!(
            client::get(server.local_addresses()[0], "/metrics", &[]).status,
            200
        );
    }
    let server = folder.serve("rate_limit_without_burst.good.yml");
    assert_eq!(
        client::get(server.local_addresses()[0], "/metrics", &[]).status,
        429
    );
}

#[test]
fn open_paths_need_no_login_and_others_do() {
    let folder = Folder::new("open");
    let server = folder.serve("open_paths.good.yml");
    let address = server.local_addresses()[0];
    for (path, status) in [
        ("/", 200),
        ("/?a=b", 200),
        ("/-/healthy/", 401),
        ("//", 401),
        ("/metrics", 401),
        ("/metrics?/", 401),
        ("/-/healthy/../../metrics", 401),
    ] {
        assert_eq!(client::get(address, path, &[]).status, status, "{path}");
    }
    // The site decides what is there.
    assert_ne!(client::get(address, "/-/healthy", &[]).status, 401);
}
