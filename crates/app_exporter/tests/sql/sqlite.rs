//! SQLite: a file of the test.

use rusqlite::Connection;

use super::{SECRET, assert_patient, collect, errors, source, with_a_slow_one};
use crate::program::{Running, get};
use crate::support::{Scratch, assert_lines, until};

#[test]
fn sqlite_is_read_and_never_written_to() {
    let scratch = Scratch::new("sqlite");
    let path = scratch.path().join("app.db");
    let database = Connection::open(&path).expect("a database");
    database
        .execute_batch(
            "CREATE TABLE users (name TEXT, age INTEGER, height REAL, token BLOB);
             INSERT INTO users VALUES ('ada', 36, 1.5, x'ff00'), ('bob', NULL, 1.75, 'text'), ('ada', 1, 1, NULL);",
        )
        .expect("a table");
    scratch.write(
        "no.db",
        &"no database, but long enough to be one".repeat(10),
    );
    let file = "sqlite: {path: app.db}";
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT";
    let config = [
        "sources:\n".to_owned(),
        format!(
            "  all:\n    sql:\n      {file}\n      queries:\n        \
             users: SELECT name, count(*) AS n, max(age) AS age, max(height) AS height FROM users GROUP BY name\n        \
             total: SELECT 9223372036854775807 AS value\n        \
             wrong: SELECT * FROM nowhere\n        \
             writes: DELETE FROM users\n        \
             schema: CREATE TABLE more (a)\n    timeout: 60s\n    \
             metrics:\n      \
             - {{name: app_users, help: Users., from: users, value: n, labels: [name]}}\n      \
             - {{name: app_age, help: Age., from: users, value: age, labels: [name, height]}}\n      \
             - {{name: app_all, help: All., from: total}}\n      \
             - {{name: app_wrong, help: Wrong., from: wrong}}\n      \
             - {{name: app_writes, help: Writes., from: writes}}\n      \
             - {{name: app_schema, help: Schema., from: schema}}\n"
        ),
        source("rows", file, &format!("{endless} x AS value FROM n")),
        source("bytes", file, "SELECT hex(randomblob(1000000)) AS value")
            .replace("    metrics", "    max_bytes: 1000000\n    metrics"),
        source(
            "blob",
            file,
            "SELECT token AS value FROM users WHERE token = x'ff00'",
        ),
        source("column", file, "SELECT count(*) AS number FROM users"),
        source("none", "sqlite: {path: none.db}", "SELECT 1 AS value"),
        source("no", "sqlite: {path: no.db}", "SELECT 1 AS value"),
    ];
    let text = collect(&scratch, &config.concat(), &[("PASSWORD", SECRET)]);
    assert_lines(
        &text,
        &[
            "app_users{name=\"ada\"} 2.0",
            "app_users{name=\"bob\"} 1.0",
            "app_age{name=\"ada\",height=\"1.5\"} 36.0",
            "app_all 9223372036854775807.0",
        ],
    );
    assert!(!text.contains("app_age{name=\"bob\""), "{text}");
    assert_eq!(
        errors(&text),
        [
            "{source=\"all\",reason=\"query\"} 3.0",
            "{source=\"blob\",reason=\"decode\"} 1.0",
            "{source=\"bytes\",reason=\"limit\"} 1.0",
            "{source=\"column\",reason=\"decode\"} 1.0",
            "{source=\"no\",reason=\"connect\"} 1.0",
            "{source=\"none\",reason=\"connect\"} 1.0",
            "{source=\"rows\",reason=\"limit\"} 1.0",
        ],
        "{text}"
    );
    for message in [
        "wrong: SQLite reports `no such table: nowhere",
        "writes: SQLite reports `attempt to write a readonly database`",
        "schema: SQLite reports `attempt to write a readonly database`",
        "the column `value` is not UTF-8",
        "unknown column `value`; there is `number`",
        "more than 100000 rows",
        "the rows: more than 1000000 bytes",
    ] {
        assert!(text.contains(message), "{message} is not in\n{text}");
    }
    let count = "SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM sqlite_schema)";
    let left: i64 = database
        .query_row(count, (), |row| row.get(0))
        .expect("a count");
    assert_eq!(left, 4);
    let slow = format!("{endless} count(*) AS value FROM n");
    let text = with_a_slow_one(&scratch, file, &slow, &[], &["app_quick", "app_later"]);
    let timeouts = "{source=\"slow\",reason=\"timeout\"} 1.0";
    assert_eq!(errors(&text), [timeouts], "{text}");
}

#[test]
fn sqlite_that_is_locked_costs_time_and_one_that_is_replaced_is_seen() {
    let scratch = Scratch::new("sqlite-locked");
    let path = scratch.path().join("app.db");
    let fill = |number: u32| {
        let database = Connection::open(&path).expect("a database");
        let table = format!("CREATE TABLE t (value); INSERT INTO t VALUES ({number})");
        database.execute_batch(&table).expect("a table");
        database
    };
    let config = source("value", "sqlite: {path: app.db}", "SELECT value FROM t");
    let config = format!("sources:\n{config}");
    let database = fill(1);
    assert_lines(&collect(&scratch, &config, &[]), &["app_value 1.0"]);
    assert_patient(&scratch, "sqlite: {path: app.db}", &[]);
    database.execute_batch("BEGIN EXCLUSIVE").expect("a lock");
    let hurried = config.replace("timeout: 60s", "timeout: 2s");
    // Where the machine is busy until the deadline is over, nobody is left to say why.
    until(|| {
        let text = collect(&scratch, &hurried, &[]);
        let timeout = "{source=\"value\",reason=\"timeout\"} 1.0";
        assert_eq!(errors(&text), [timeout], "{text}");
        let why = text.contains("locked by another program");
        if why { Ok(()) } else { Err(text) }
    });
    drop(database);

    let file = scratch.write("config.yml", &config);
    let (_running, address) = Running::listening(&["--config.file", &file.to_string_lossy()]);
    let shows = |line: &str| get(address, "/metrics").1.lines().any(|it| it == line);
    assert!(shows("app_value 1.0"));
    std::fs::remove_file(&path).expect("it was there");
    fill(2);
    assert!(shows("app_value 2.0"));
}
