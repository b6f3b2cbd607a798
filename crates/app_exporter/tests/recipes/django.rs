use std::process::Command;

use super::Recipe;
use crate::support::{Postgres, require, run, said};

/// Django itself makes its tables and its sessions.
const FILL: &str = include_str!("django.py");

pub(super) fn check(server: &Postgres) {
    let Some(python) = require("python") else {
        return;
    };
    server.ask("postgres", "CREATE DATABASE mysite");
    let mut command = Command::new(python);
    command
        .args(["-c", FILL, &server.port().to_string()])
        .env("PGPASSWORD", Postgres::PASSWORD);
    let output = run(&mut command, "");
    assert!(output.status.success(), "{}", said(&output));

    let recipe = Recipe::new("django").on_postgres(server, "mysite");
    let samples = [
        "app_active_sessions{app=\"django\"} 3.0",
        "app_expired_sessions{app=\"django\"} 2.0",
    ];
    assert_eq!(recipe.samples(), samples);
}
