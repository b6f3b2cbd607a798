use std::process::Command;

use super::stored_in_redis::Store;
use crate::redis::say;
use crate::support::{require, run, said, wait_until};

/// Express, express-session and connect-redis themselves: an application, and those who visit it.
const APPLICATION: &str = include_str!("express/application.js");

#[test]
fn redis_express() {
    let (Some(store), Some(node)) = (
        Store::start("express-connect-redis"),
        require("node-express"),
    ) else {
        return;
    };
    let mut command = Command::new(&node);
    // Its packages are beside it.
    command.current_dir(node.with_file_name(""));
    let filled = run(command.args(["-e", APPLICATION, &store.socket()]), "");
    assert!(filled.status.success(), "{}", said(&filled));

    let mut connection = store.connection();
    wait_until("the short session is over", || {
        let keys: Vec<String> = say(&mut connection, "KEYS sess:*");
        keys.len() == 2
    });
    let samples = store.recipe().samples();
    assert_eq!(samples, ["app_active_sessions{app=\"express\"} 2.0"]);
}
