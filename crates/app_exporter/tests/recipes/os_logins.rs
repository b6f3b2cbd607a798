use super::Recipe;
use crate::support::Scratch;

/// A session's file as systemd-logind writes it.
fn session(user: &str, kind: &str, remote: u8, class: &str, state: &str) -> String {
    format!(
        "# This is private data. Do not parse.\nUID=1000\nUSER={user}\nACTIVE=1\nIS_DISPLAY=0\nSTATE={state}\n\
         REMOTE={remote}\nTYPE={kind}\nCLASS={class}\nSCOPE=session-1.scope\nSERVICE=sshd\nREALTIME=1767225600000000\n"
    )
}

#[test]
fn sessions_of_users_are_counted_and_nobody_is_zero() {
    let folder = Scratch::new("logind-sessions");
    let recipe = || {
        Recipe::new("os-logins").with(
            "login: {}",
            format!("login: {{path: {}}}", folder.path().display()),
        )
    };
    assert_eq!(recipe().samples(), ["app_active_sessions{app=\"os\"} 0.0"]);

    folder.write("1", &session("ada", "tty", 1, "user", "active"));
    folder.write("2", &session("ada", "tty", 1, "user", "online"));
    folder.write("3", &session("grace", "wayland", 0, "user", "active"));
    folder.write("c1", &session("gdm", "wayland", 0, "greeter", "online"));
    folder.write("4", &session("grace", "tty", 1, "user", "closing"));
    assert_eq!(
        recipe().samples(),
        [
            "app_active_sessions{app=\"os\"} 3.0",
            "os_logged_in_sessions{user=\"ada\",type=\"tty\",remote=\"true\"} 2.0",
            "os_logged_in_sessions{user=\"grace\",type=\"wayland\",remote=\"false\"} 1.0",
        ]
    );
}
