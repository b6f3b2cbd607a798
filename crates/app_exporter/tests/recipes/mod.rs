//! The recipes in `examples`, each against a store that is filled as its framework fills it.
//!
//! A file here for each recipe, named as it is.

#[cfg(unix)]
mod django;
#[cfg(unix)]
mod express_connect_redis;
#[cfg(unix)]
mod flask_session_redis;
#[cfg(unix)]
mod keycloak;
#[cfg(unix)]
mod laravel;
#[cfg(unix)]
mod laravel_redis;
#[cfg(unix)]
mod mysql_connections;
mod nginx_stub_status;
mod os_logins;
mod php_files;
#[cfg(unix)]
mod php_fpm;
#[cfg(unix)]
mod postgresql_connections;
#[cfg(unix)]
mod rails;
#[cfg(unix)]
mod redis_server;
#[cfg(unix)]
mod spring_session_jdbc;
#[cfg(unix)]
mod spring_session_redis;
#[cfg(unix)]
mod stored_in_redis;

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::end;
use crate::sources::with_extension;
use crate::support::Scratch;
#[cfg(unix)]
use crate::support::{MariaDb, Postgres};

/// A recipe, with what has to be replaced where it runs.
pub(crate) struct Recipe {
    text: String,
    scratch: Scratch,
    variables: Vec<(String, String)>,
}

impl Recipe {
    /// `examples/NAME.yml`.
    pub(crate) fn new(name: &str) -> Self {
        let text = fs::read_to_string(folder().join(format!("{name}.yml")));
        Self {
            text: text.expect("the recipe"),
            scratch: Scratch::new(name),
            variables: Vec::new(),
        }
    }

    /// The same with another address, path or the like in place of what the recipe has.
    pub(crate) fn with(mut self, written: &str, here: impl AsRef<str>) -> Self {
        assert!(
            self.text.contains(written),
            "`{written}` is not in the recipe"
        );
        self.text = self.text.replace(written, here.as_ref());
        self
    }

    /// The same with a variable of the environment.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same on a server of the test's, for a user who has the rights that the recipe names, in that database, and no other. They are rights to read.
    #[cfg(unix)]
    pub(crate) fn on_postgres(self, server: &Postgres, database: &str) -> Self {
        for grant in self.grants() {
            server.ask(database, &grant);
        }
        self.at_port(server.port())
    }

    /// The same on MariaDB.
    #[cfg(unix)]
    pub(crate) fn on_mysql(self, server: &MariaDb) -> Self {
        for grant in self.grants() {
            server.ask(&[&grant]);
        }
        self.at_port(server.port())
    }

    #[cfg(unix)]
    fn at_port(self, port: u16) -> Self {
        let host = "host: localhost\n";
        self.with(host, format!("{host}        port: {port}\n"))
            .variable("APP_PASSWORD", "hunter2")
    }

    /// The rights that its first comment says it needs.
    #[cfg(unix)]
    fn grants(&self) -> Vec<String> {
        let lines = self.text.lines();
        let grants: Vec<_> = lines
            .filter_map(|line| line.strip_prefix("#     GRANT "))
            .map(|rest| format!("GRANT {rest}"))
            .collect();
        assert!(!grants.is_empty(), "{}", self.text);
        for grant in &grants {
            let reads = [
                "GRANT SELECT ",
                "GRANT pg_read_all_stats ",
                "GRANT PROCESS ",
            ];
            let more = [", INSERT", "ALL", "GRANT OPTION"];
            let is_enough = reads.iter().any(|right| grant.starts_with(right));
            assert!(
                is_enough && !more.iter().any(|right| grant.contains(right)),
                "{grant}"
            );
        }
        grants
    }

    /// The samples of one collection, without the exporter's own. Nothing must have failed.
    pub(crate) fn samples(&self) -> Vec<String> {
        let file = self.scratch.write("recipe.yml", &self.text);
        let variables: Vec<_> = self
            .variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let output = end(
            &["once", "--config.file", &file.to_string_lossy()],
            &variables,
        );
        let failures = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            (output.status.code(), &*failures),
            (Some(0), ""),
            "{}",
            self.text
        );
        let metrics = String::from_utf8(output.stdout).expect("UTF-8");
        let own = |line: &&str| line.starts_with('#') || line.starts_with("app_exporter_");
        metrics
            .lines()
            .filter(|line| !own(line))
            .map(str::to_owned)
            .collect()
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

#[test]
fn every_recipe_can_be_used_says_what_it_counts_and_is_tested() {
    let list = fs::read_to_string(folder().join("README.md")).expect("the list");
    let recipes = with_extension(&folder(), "yml");
    assert!(!recipes.is_empty());
    for recipe in recipes {
        let text = fs::read_to_string(&recipe).expect("text");
        for part in ["\n# Counts: ", "\n# Does not count: ", "\n# Needs: "] {
            assert!(text.contains(part), "{part} in {}", recipe.display());
        }
        let file = recipe.file_name().expect("a name").to_string_lossy();
        assert!(list.contains(&format!("]({file})")), "{file} in the list");
        let test = file.replace('-', "_").replace(".yml", ".rs");
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recipes");
        assert!(tests.join(&test).exists(), "{test}");

        // Every variable that any of them needs.
        let variables = [("APP_PASSWORD", "hunter2")];
        let output = end(&["check-config", &recipe.to_string_lossy()], &variables);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*said), (Some(0), ""), "{file}");
    }
}

/// One server for all of them: it takes a while to begin.
#[cfg(unix)]
#[test]
fn postgres_recipes_count_what_is_there() {
    let Some(mut server) = Postgres::new("postgres-recipes") else {
        return;
    };
    server.start();
    server.ask(
        "postgres",
        "CREATE ROLE app_exporter LOGIN PASSWORD 'hunter2'",
    );
    django::check(&server);
    keycloak::check(&server);
    rails::check(&server);
    spring_session_jdbc::check(&server);
    postgresql_connections::check(&server);
}

#[cfg(unix)]
#[test]
fn mysql_recipes_count_what_is_there() {
    let Some(mut server) = MariaDb::new("mysql-recipes") else {
        return;
    };
    server.start();
    server.ask(&["CREATE USER app_exporter@localhost IDENTIFIED BY 'hunter2'"]);
    laravel::check(&server);
    mysql_connections::check(&server);
}
