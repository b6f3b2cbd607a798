use std::path::Path;
use std::process::Command;

use super::Recipe;
use crate::support::{MariaDb, require, run, said};

/// Laravel's own session manager makes its table and its sessions. Debian has Laravel 8 or 10, and the files that concern
/// sessions in the database have not changed since in what is read here.
const FILL: &str = include_str!("laravel.php");

/// Runs it with Laravel's drivers against the server at that socket.
pub(super) fn laravel(php: &Path, what: &str, socket: &Path) {
    let mut command = Command::new(php);
    command.args(["-r", FILL, "--", what]).arg(socket);
    let output = run(&mut command, "");
    assert_eq!((output.status.success(), &*said(&output)), (true, ""));
}

pub(super) fn check(server: &MariaDb) {
    let Some(php) = require("php-laravel") else {
        return;
    };
    server.ask(&["CREATE DATABASE laravel"]);
    laravel(&php, "table", &server.socket());
    let recipe = Recipe::new("laravel").on_mysql(server);
    let numbers = |user: u32, guest: u32| {
        [("user", user), ("guest", guest)].map(|(kind, n)| {
            format!("app_active_sessions{{kind=\"{kind}\",app=\"laravel\"}} {n}.0")
        })
    };
    assert_eq!(recipe.samples(), numbers(0, 0));
    laravel(&php, "database", &server.socket());
    let mut found = recipe.samples();
    found.sort_by(|a, b| b.cmp(a));
    assert_eq!(found, numbers(2, 1));
}
