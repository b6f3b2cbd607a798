//! The ways in which MariaDB's users prove who they are.

use super::{SECRET, collect, errors, source};
use crate::support::{MariaDb, Scratch, assert_lines};

#[test]
fn mysql_users_of_every_method_log_in() {
    let Some(mut server) = MariaDb::new("mysql-logins") else {
        return;
    };
    server.start();
    server.ask(&[
        "INSTALL SONAME 'auth_ed25519'",
        "INSTALL SONAME 'auth_pam'",
        "CREATE USER pam@localhost IDENTIFIED VIA pam",
        "CREATE USER native@localhost IDENTIFIED VIA mysql_native_password USING PASSWORD('hunter2')",
        "CREATE USER edwards@localhost IDENTIFIED VIA ed25519 USING PASSWORD('hunter2')",
        "CREATE USER either@localhost IDENTIFIED VIA ed25519 USING PASSWORD('other') OR mysql_native_password USING PASSWORD('hunter2')",
        "CREATE USER empty@localhost IDENTIFIED VIA mysql_native_password",
        "CREATE USER old@localhost IDENTIFIED VIA mysql_old_password USING '7c9615e96f2b5b0f'",
    ]);
    let (port, socket) = (server.port(), server.socket());
    let ask = |name: &str, keys: &str| {
        source(
            name,
            &format!("mysql: {{port: {port}, {keys}}}"),
            "SELECT 45 AS value",
        )
    };
    let with = |user: &str| format!("user: {user}, password: '${{PASSWORD}}'");
    let config = [
        "sources:\n".to_owned(),
        ask("native", &with("native")),
        ask("edwards", &with("edwards")),
        ask("either", &with("either")),
        ask(
            "encrypted",
            &format!("{}, sslmode: require", with("edwards")),
        ),
        ask("empty", "user: empty"),
        source(
            "socket",
            &format!(
                "mysql: {{socket: '{}', {}}}",
                socket.display(),
                with("edwards")
            ),
            "SELECT 45 AS value",
        ),
        ask("wrong", "user: edwards, password: falsch"),
        ask("missing", "user: edwards"),
        ask("old", &with("old")),
        ask("nobody", &with("nobody")),
        ask("pam", &with("pam")),
        source(
            "nowhere",
            "mysql: {port: 1, user: native}",
            "SELECT 45 AS value",
        ),
    ];
    let text = collect(
        &Scratch::new("mysql-logins"),
        &config.concat(),
        &[("PASSWORD", SECRET)],
    );
    let good = [
        "native",
        "edwards",
        "either",
        "encrypted",
        "empty",
        "socket",
    ];
    let lines = good.map(|name| format!("app_{name} 45.0"));
    assert_lines(&text, &lines.each_ref().map(String::as_str));
    let login = ["missing", "nobody", "old", "pam", "wrong"]
        .map(|name| format!("{{source=\"{name}\",reason=\"login\"}} 1.0"));
    let mut expected = login.to_vec();
    expected.insert(2, "{source=\"nowhere\",reason=\"connect\"} 1.0".to_owned());
    assert_eq!(errors(&text), expected, "{text}");
    let pam = "cannot log in: the server wants the login method `dialog`, which is not built in; give the user ";
    assert!(text.contains(pam), "{text}");
    assert!(!text.contains("panicked"), "{text}");
}
