//! Shared by the recipes for Redis: a server whose user has the rights that the recipe asks for, and no more.

use std::fs;

use redis::Connection;

use super::Recipe;
use crate::redis::Server;
use crate::support::Scratch;

/// A Redis as its framework would fill it.
pub(crate) struct Store {
    pub(crate) server: Server,
    scratch: Scratch,
    name: &'static str,
}

impl Store {
    /// For the recipe of that name. None if the server is missing.
    pub(crate) fn start(name: &'static str) -> Option<Self> {
        let scratch = Scratch::new(&format!("{name}-store"));
        let server = Server::start(&scratch, "s", &[])?;
        let text = fs::read_to_string(super::folder().join(format!("{name}.yml")));
        let text = text.expect("the recipe");
        let mut lines = text.lines().map(|line| line.trim_start_matches(['#', ' ']));
        let rights = lines.find(|line| line.starts_with("ACL SETUSER "));
        let rights = rights
            .expect("what it needs")
            .replace("PASSWORD", "hunter2");
        let _: redis::Value = server.say(&rights);
        Some(Self {
            server,
            scratch,
            name,
        })
    }

    pub(crate) fn connection(&self) -> Connection {
        self.server.connection()
    }

    /// The socket, for other programs.
    pub(crate) fn socket(&self) -> String {
        self.scratch.path().join("s").display().to_string()
    }

    /// The recipe, asking this server.
    pub(crate) fn recipe(&self) -> Recipe {
        Recipe::new(self.name)
            .with("localhost:6379", format!("unix:{}", self.socket()))
            .variable("APP_PASSWORD", "hunter2")
    }
}

/// Runs commands, each written as its words.
pub(crate) fn run(connection: &mut Connection, commands: &[&[&str]]) {
    for words in commands {
        let done = redis::Cmd::new().arg(*words).exec(connection);
        done.unwrap_or_else(|error| panic!("{words:?}: {error}"));
    }
}
