//! MariaDB, started by the test.

use super::{
    LOGIN, SECRET, assert_replaced, assert_slow_is_stopped, collect, errors, exporter,
    kept_session, login_sources, pool_source, slow_source, source, types_line, types_source,
    write_login_files,
};
use crate::program::get;
use crate::support::{MariaDb, Scratch, assert_lines, until};

/// A value of every type that is read, and what a label says of it.
const TYPES: &[(&str, &str)] = &[
    ("true", "1"),
    ("-9223372036854775807", "-9223372036854775807"),
    ("18446744073709551615", "18446744073709551615"),
    ("CAST(0.1 AS FLOAT)", "0.1"),
    ("1.5e0", "1.5"),
    ("12.50", "12.50"),
    ("CAST(1e20 AS DECIMAL(30))", "100000000000000000000"),
    ("CAST(-1e20 AS DECIMAL(30))", "-100000000000000000000"),
    ("-12345678901234567890123", "-12345678901234567890123"),
    ("SUM(10000)", "10000"),
    ("'ü'", "ü"),
    ("x'6162'", "ab"),
    ("JSON_OBJECT('a', 1)", "{\\\"a\\\": 1}"),
    ("CAST('2026-01-31' AS DATE)", "2026-01-31"),
    ("CAST('12:00:00.25' AS TIME(2))", "12:00:00.25"),
    (
        "CAST('2026-01-31 12:00:00' AS DATETIME)",
        "2026-01-31 12:00:00",
    ),
    (
        "CAST('2026-01-31 12:00:00.5' AS DATETIME(1))",
        "2026-01-31 12:00:00.5",
    ),
    ("UUID() IS NULL", "0"),
    ("NULL", ""),
];

#[test]
fn mysql_gives_every_type_and_says_what_fails() {
    let Some(mut server) = MariaDb::new("mysql") else {
        return;
    };
    server.start();
    let password = "s3cr:t@/ %41'\"\\$1";
    server.ask(&[
        "CREATE DATABASE shop",
        "CREATE USER exporter@localhost IDENTIFIED BY 's3cr:t@/ %41''\"\\\\$1'",
        "CREATE TABLE shop.sessions (name varchar(9), kind ENUM('a', 'b'), flags BIT(12), token VARBINARY(9), small TINYINT UNSIGNED, year YEAR)",
        "INSERT INTO shop.sessions VALUES ('x', 'a', b'100000000001', x'ff00', 255, 2026), ('y', NULL, NULL, NULL, NULL, NULL)",
        "CREATE TABLE shop.numbers SELECT seq AS value FROM shop.seq_1_to_100001",
        "CREATE TABLE shop.secret (name text)",
        "GRANT SELECT ON shop.numbers TO exporter@localhost",
        "GRANT ALL ON shop.sessions TO exporter@localhost",
        "CREATE PROCEDURE shop.two() BEGIN SELECT 1 AS value; SELECT 2 AS value; END",
        "GRANT EXECUTE ON shop.* TO exporter@localhost",
    ]);
    let scratch = Scratch::new("mysql");
    write_login_files(&scratch, server.certificate(), password);

    let (port, socket) = (server.port(), server.socket());
    let address =
        |more: &str| format!("mysql: {{port: {port}, database: shop, user: exporter, {more}}}");
    let at = address(LOGIN);
    let sessions = "SELECT count(*) AS value FROM sessions";
    let config = [
        "sources:\n".to_owned(),
        types_source(&at, TYPES),
        format!(
            "  several:\n    sql:\n      {at}\n      connections: 2\n      queries:\n        \
             rows: SELECT name, kind, flags, small, year FROM sessions\n        \
             moment: \"SELECT 7 AS value, CAST('2026-01-31 12:00:00' AS DATETIME) AS at\"\n        \
             status: SHOW GLOBAL STATUS LIKE 'Threads_connected'\n        \
             both: CALL two()\n        \
             insert: INSERT INTO sessions (name) VALUES ('c')\n        \
             drop: DROP TABLE sessions\n        \
             two: \"SELECT 1 AS value; DELETE FROM sessions\"\n        \
             wrong: SELECT nowhere FROM sessions\n        \
             forbidden: SELECT count(*) AS value FROM secret\n        \
             token: SELECT token AS value FROM sessions\n    timeout: 60s\n    metrics:\n      \
             - {{name: app_small, help: Small., from: rows, value: small, labels: [name, kind, flags, year]}}\n      \
             - {{name: app_moment, help: Moment., from: moment, timestamp: at}}\n      \
             - {{name: app_threads, help: Threads., from: status, value: Value, labels: [Variable_name]}}\n      \
             - {{name: app_both, help: B., from: both}}\n      \
             - {{name: app_insert, help: I., from: insert}}\n      \
             - {{name: app_drop, help: D., from: drop}}\n      \
             - {{name: app_two, help: T., from: two}}\n      \
             - {{name: app_wrong, help: W., from: wrong}}\n      \
             - {{name: app_forbidden, help: F., from: forbidden}}\n      \
             - {{name: app_token, help: T., from: token}}\n"
        ),
        source(
            "socket",
            &format!(
                "mysql: {{socket: '{}', database: shop, user: exporter, {LOGIN}}}",
                socket.display()
            ),
            sessions,
        ),
        login_sources(
            address,
            "SELECT VARIABLE_VALUE <> '' AS value FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'Ssl_cipher'",
        ),
        source("rows", &at, "SELECT value FROM numbers"),
        source(
            "bytes",
            &at,
            "SELECT repeat('x', 20000) AS value FROM numbers",
        )
        .replace("    metrics", "    max_bytes: 1000000\n    metrics"),
        source("huge", &at, "SELECT repeat('x', 10000000) AS value")
            .replace("    metrics", "    max_bytes: 1000000\n    metrics"),
        source("column", &at, "SELECT count(*) AS Value FROM sessions"),
        source("nowhere", "mysql: {socket: none, user: exporter}", sessions),
    ];
    let text = collect(&scratch, &config.concat(), &[("PASSWORD", password)]);
    assert_lines(
        &text,
        &[
            &types_line(TYPES),
            "app_small{name=\"x\",kind=\"a\",flags=\"2049\",year=\"2026\"} 255.0",
            "app_moment 7.0 1769860800000",
            "app_file 2.0",
            "app_socket 2.0",
            "app_tls 1.0",
            "app_plain 0.0",
        ],
    );
    assert!(
        text.contains("app_threads{Variable_name=\"Threads_connected\"} "),
        "{text}"
    );
    assert!(!text.contains("app_small{name=\"y\""), "{text}");
    assert_eq!(
        errors(&text),
        [
            "{source=\"bytes\",reason=\"limit\"} 1.0",
            "{source=\"column\",reason=\"decode\"} 1.0",
            "{source=\"huge\",reason=\"limit\"} 1.0",
            "{source=\"no_password\",reason=\"login\"} 1.0",
            "{source=\"nowhere\",reason=\"connect\"} 1.0",
            "{source=\"rows\",reason=\"limit\"} 1.0",
            "{source=\"several\",reason=\"query\"} 6.0",
            "{source=\"several\",reason=\"decode\"} 1.0",
            "{source=\"wrong_ca\",reason=\"connect\"} 1.0",
            "{source=\"wrong_password\",reason=\"login\"} 1.0",
        ],
        "{text}"
    );
    for message in [
        "both: cannot run the statement: it begins with `CALL`, which can write in spite of a read-only transaction",
        "insert: the server reports `Cannot execute statement in a READ ONLY transaction` (1792)",
        "wrong: the server reports `Unknown column 'nowhere' in '",
        "forbidden: the server reports `SELECT command denied to user",
        "token: the column `value` is not UTF-8; select `hex(…)` of it",
        "wrong_password: `localhost:",
        "Access denied for user 'exporter'@'localhost' (using password: YES)` (1045)",
        "unknown column `value`, did you mean `Value`?",
        "invalid peer certificate",
    ] {
        assert!(text.contains(message), "{message} is not in\n{text}");
    }
    assert_eq!(server.ask(&["SELECT count(*) FROM shop.sessions"]), [["2"]]);
    let slow = "SELECT SLEEP(60) AS value";
    assert_slow_is_stopped(&scratch, &at, slow, &[("PASSWORD", password)]);
}

#[test]
fn mysql_is_found_again_and_nothing_is_left_running() {
    let Some(mut server) = MariaDb::new("mysql-again") else {
        return;
    };
    server.start();
    server.ask(&["CREATE USER exporter@localhost IDENTIFIED BY 'hunter2'"]);
    server.stop();
    let scratch = Scratch::new("mysql-again");
    let at = format!(
        "mysql: {{port: {}, user: exporter, password: '${{PASSWORD}}'}}",
        server.port()
    );
    let one = "SELECT CONNECTION_ID() AS value, SLEEP(0.2)";
    let config = [
        "sources:\n".to_owned(),
        source("kept", &at, "SELECT CONNECTION_ID() AS value"),
        pool_source(&at, one),
        slow_source(&at, "SELECT SLEEP(3600) AS value"),
    ];
    let (mut running, address) = exporter(&scratch, &config.concat());

    // It is down at the start, which is no reason not to start, and then it is up.
    let (status, body) = get(address, "/metrics");
    assert_eq!(status, 200, "{body}");
    assert_lines(&body, &["app_exporter_source_up{source=\"kept\"} 0.0"]);
    server.start();
    let first = kept_session(address);

    // What was too slow ends on the server too; sessions that are not used are closed after a while; that of `kept` stays.
    let own = "SELECT id, info FROM information_schema.processlist WHERE user = 'exporter'";
    until(|| match server.ask(&[own]) {
        rows if rows == [[format!("{first}"), "NULL".to_owned()]] => Ok(()),
        rows => Err(format!("{rows:?}")),
    });

    // A session that the server ended is replaced without a scrape that fails, and so is a server that began anew.
    server.ask(&[&format!("KILL {first}")]);
    assert_replaced(address, first, || {
        server.stop();
        server.start();
    });

    // A source that is configured no more leaves no session.
    let other =
        "sources:\n  a:\n    simulate: {uniform: {}}\n    metrics: [{name: app_a, help: A.}]\n";
    scratch.write("config.yml", other);
    running.signal(rustix::process::Signal::HUP);
    running.wait_for(|line| line.contains("begun=1 ended=3 kept=0").then_some(()));
    until(|| match server.ask(&[own]) {
        rows if rows.is_empty() => Ok(()),
        rows => Err(format!("{rows:?}")),
    });
    running.signal(rustix::process::Signal::TERM);
    let (status, log) = running.end();
    assert!(status.success(), "{log:?}");
    let log = log.join("\n");
    assert!(!log.contains(SECRET) && !log.contains("panicked"), "{log}");
}
