use std::process::Command;

use super::Recipe;
use crate::support::{Postgres, require, run, said};

/// ActiveRecord itself makes the table and its rows. The gem with the session store is in no Debian package: what it does
/// with them is written from its sources (lib/generators/active_record/templates/migration.rb,
/// lib/action_dispatch/session/active_record_store.rb).
const FILL: &str = include_str!("rails.rb");

pub(super) fn check(server: &Postgres) {
    let Some(ruby) = require("ruby-activerecord") else {
        return;
    };
    server.ask("postgres", "CREATE DATABASE myapp_production");
    let rails = |what: &str| {
        let mut command = Command::new(&ruby);
        command
            .args(["-e", FILL, what, &server.port().to_string()])
            .env("PGPASSWORD", Postgres::PASSWORD)
            // The application's own time zone, which is not the server's, must not matter.
            .env("TZ", "America/Caracas");
        let output = run(&mut command, "");
        assert_eq!((output.status.success(), &*said(&output)), (true, ""));
    };
    rails("table");
    let recipe = Recipe::new("rails").on_postgres(server, "myapp_production");
    assert_eq!(recipe.samples(), ["app_active_sessions{app=\"rails\"} 0.0"]);
    rails("sessions");
    assert_eq!(recipe.samples(), ["app_active_sessions{app=\"rails\"} 3.0"]);
}
