//! Files that change while the server runs.

use std::net::SocketAddr;

use exporter_kit::Server;

use super::authority::{Folder, fixture};
use super::client::{Speaks, assert_metrics, get};
use crate::http::client::{self, until};

const SUCCESSFUL: &str = "exporter_kit_web_config_last_reload_successful";

/// The server's metric about the last reload.
fn was_successful(folder: &Folder, address: SocketAddr) -> bool {
    let answer = get(folder, address).text;
    let line = answer
        .lines()
        .find(|line| line.starts_with(&format!("{SUCCESSFUL} ")));
    line.unwrap().ends_with(" 1.0")
}

fn address(server: &Server) -> SocketAddr {
    server.local_addresses()[0]
}

#[test]
fn a_renewed_certificate_is_shown_without_a_restart() {
    let folder = Folder::new("renewed");
    let server = folder.serve("no_auth.good.yml");
    let address = address(&server);
    assert_metrics(&get(&folder, address));
    folder.renew_server();
    // The client trusts the new authority alone.
    until("the new certificate is shown", || {
        Speaks::default().get(&folder, address, &[]).is_ok()
    });
    assert!(was_successful(&folder, address));
    let text = get(&folder, address).text;
    assert!(text.contains("\nexporter_kit_web_config_last_reload_success_timestamp_seconds "));
    assert!(text.contains("\nexporter_kit_web_config_certificate_not_after_timestamp_seconds "));
}

#[test]
fn a_key_of_another_certificate_changes_nothing_until_it_fits() {
    let folder = Folder::new("mismatch");
    let server = folder.serve("no_auth.good.yml");
    let address = address(&server);
    assert!(was_successful(&folder, address));
    let key = std::fs::read_to_string(folder.path("server.key")).unwrap();
    let other = std::fs::read_to_string(folder.path("other.key")).unwrap();
    folder.write("server.key", &other);
    until("the metric says so", || !was_successful(&folder, address));
    assert_metrics(&get(&folder, address));
    // Something else is corrected, and the key is still wrong.
    std::fs::remove_file(folder.path("server.key")).unwrap();
    folder.write(
        "ca.pem",
        &std::fs::read_to_string(folder.path("ca.pem")).unwrap(),
    );
    assert!(!was_successful(&folder, address));
    folder.write("server.key", &key);
    until("the metric says so", || was_successful(&folder, address));
}

#[test]
fn garbage_and_nothing_leave_the_last_good_configuration_in_force() {
    let folder = Folder::new("garbage");
    let server = folder.serve("users.good.yml");
    let address = address(&server);
    let alice = "Authorization: Basic YWxpY2U6YWxpY2Utc2VjcmV0";
    let ask = |header: &str| Speaks::default().get(&folder, address, &[header]).unwrap();
    let successful = || {
        let answer = ask(alice).text;
        answer.contains(&format!("\n{SUCCESSFUL} 1.0\n"))
    };
    assert!(successful());
    for garbage in [
        "%\0garbage",
        "basic_auth_users:\n  alice: broken\n",
        // Nothing is less than TLS.
        "",
        &fixture("users_without_tls.good.yml"),
    ] {
        folder.write("web.yml", garbage);
        until("the change is seen", || !successful());
        assert_eq!(ask("X-Nothing: 1").status(), 401);
        folder.take("users.good.yml");
        until("the correction is seen", successful);
    }
    std::fs::remove_file(folder.path("web.yml")).unwrap();
    until("it is missed", || !successful());
    folder.take("users.good.yml");
    until("it is back", successful);
}

#[test]
fn users_and_headers_come_and_go() {
    let folder = Folder::new("users_change");
    let server = folder.serve("users_without_tls.good.yml");
    let address = address(&server);
    let alice = "Authorization: Basic YWxpY2U6YWxpY2Utc2VjcmV0";
    let bob = "Authorization: Basic Ym9iOmJvYi1zZWNyZXQ=";
    let status = |header| client::get(address, "/metrics", &[header]).status;
    assert_eq!((status(alice), status(bob)), (200, 401));
    let users = fixture("users_without_tls.good.yml");
    // Whoever was remembered as let in, or not, is judged anew.
    let swapped = users.replace(
        "alice: $2y$04$SEfy6fkBVJLApYNv7qQ.Q.U46cy9ody5OVb.VKGhx9Mmx59LyJ9Rq",
        "bob: $2b$05$Q7zd03BJQXkJUXt/NF7E3OPpK8qMUcXnMxiyPWBTzCefnDRFHepei",
    );
    folder.write("web.yml", &(swapped + &fixture("headers.good.yml")));
    until("bob is let in", || status(bob) == 200);
    assert_eq!(status(alice), 401);
    let answer = client::get(address, "/metrics", &[bob]);
    assert_eq!(answer.header("x-frame-options"), Some("deny"));
    folder.write("web.yml", "{}");
    until("everybody is let in", || status("X-Nothing: 1") == 200);
    folder.write("web.yml", &users);
    until("alice alone is let in", || status("X-Nothing: 1") == 401);
    assert_eq!((status(alice), status(bob)), (200, 401));
}

#[test]
fn a_token_and_a_client_authority_are_read_again() {
    let folder = Folder::new("token_change");
    let server = folder.serve("bearer_tokens.good.yml");
    let status = |token: &str| {
        let header = format!("Authorization: Bearer {token}");
        client::get(address(&server), "/metrics", &[&header]).status
    };
    assert_eq!(status("monitoring-token-0123456789"), 200);
    folder.write("token.txt", "another-token-0123456789");
    until("the new token is accepted", || {
        status("another-token-0123456789") == 200
    });
    assert_eq!(status("monitoring-token-0123456789"), 401);

    let server = folder.serve("require_and_verify_client_cert.good.yml");
    let stranger = Speaks::with_certificate("strange.crt", "strange.key");
    assert!(stranger.get(&folder, address(&server), &[]).is_err());
    let strange = std::fs::read_to_string(folder.path("strange_ca.pem")).unwrap();
    folder.write("client_ca.pem", &strange);
    until("the stranger is let in", || {
        stranger.get(&folder, address(&server), &[]).is_ok()
    });
}
