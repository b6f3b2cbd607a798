//! MariaDB, started by the test.

use std::fs;

use super::{SECRET, assert_lines, collect, errors, scrape_until, source, until};
use crate::program::{Running, get};
use crate::support::{MariaDb, Scratch};

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
    fs::copy(&server.certificate, scratch.path().join("ca.pem")).expect("a copy");
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]);
    scratch.write("other.pem", &other.expect("a certificate").cert.pem());
    scratch.write("password", &format!("{password}\n"));

    let (port, socket) = (server.port, server.socket());
    let address =
        |more: &str| format!("mysql: {{port: {port}, database: shop, user: exporter, {more}}}");
    let login = "password: '${PASSWORD}'";
    let at = address(login);
    let columns: Vec<_> = TYPES
        .iter()
        .enumerate()
        .map(|(i, (value, _))| format!("{value} AS c{i}"))
        .collect();
    let names: Vec<_> = (0..TYPES.len()).map(|i| format!("c{i}")).collect();
    let sessions = "SELECT count(*) AS value FROM sessions";
    let config = [
        "sources:\n".to_owned(),
        format!(
            "  types:\n    sql:\n      {at}\n      query: {:?}\n    \
             metrics: [{{name: app_types_info, type: info, help: Types., labels: [{}]}}]\n",
            format!("SELECT {}", columns.join(", ")),
            names.join(", ")
        ),
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
        format!(
            "  slow:\n    sql:\n      {at}\n      connections: 1\n      \
             queries: {{a: SELECT 1 AS value, slow: SELECT SLEEP(60) AS value, z: SELECT 1 AS value}}\n    timeout: 5s\n    metrics:\n      \
             - {{name: app_quick, help: Q., from: a}}\n      \
             - {{name: app_slow, help: S., from: slow}}\n      \
             - {{name: app_later, help: L., from: z}}\n"
        ),
        source("file", &address("password_file: password"), sessions),
        source(
            "socket",
            &format!(
                "mysql: {{socket: '{}', database: shop, user: exporter, {login}}}",
                socket.display()
            ),
            sessions,
        ),
        source(
            "tls",
            &address(&format!("{login}, tls: {{ca_file: ca.pem}}")),
            "SELECT VARIABLE_VALUE <> '' AS value FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'Ssl_cipher'",
        ),
        source(
            "plain",
            &at,
            "SELECT VARIABLE_VALUE <> '' AS value FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'Ssl_cipher'",
        ),
        source(
            "wrong_ca",
            &address(&format!("{login}, tls: {{ca_file: other.pem}}")),
            sessions,
        ),
        source(
            "wrong_password",
            &address("password: '${PASSWORD}x'"),
            sessions,
        ),
        source("no_password", &address("tls: false"), sessions),
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
    let labels: Vec<_> = TYPES
        .iter()
        .enumerate()
        .map(|(i, (_, label))| format!("c{i}=\"{label}\""))
        .collect();
    assert_lines(
        &text,
        &[
            &format!("app_types_info{{{}}} 1.0", labels.join(",")),
            "app_small{name=\"x\",kind=\"a\",flags=\"2049\",year=\"2026\"} 255.0",
            "app_moment 7.0 1769860800000",
            "app_both 1.0",
            "app_quick 1.0",
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
            "{source=\"several\",reason=\"query\"} 5.0",
            "{source=\"several\",reason=\"decode\"} 1.0",
            "{source=\"slow\",reason=\"timeout\"} 2.0",
            "{source=\"wrong_ca\",reason=\"connect\"} 1.0",
            "{source=\"wrong_password\",reason=\"login\"} 1.0",
        ],
        "{text}"
    );
    for message in [
        "insert: the server says `Cannot execute statement in a READ ONLY transaction` (1792)",
        "wrong: the server says `Unknown column 'nowhere' in '",
        "forbidden: the server says `SELECT command denied to user",
        "token: the column `value` has bytes that are no text; select `hex(…)` of it",
        "slow: slow: the statement was not done in time and was stopped; z: no time was left for the statement",
        "wrong_password: `localhost:",
        "Access denied for user 'exporter'@'localhost' (using password: YES)` (1045)",
        "there is no column `value`, did you mean `Value`?",
        "invalid peer certificate",
    ] {
        assert!(text.contains(message), "{message} is not in\n{text}");
    }
    assert_eq!(server.ask(&["SELECT count(*) FROM shop.sessions"]), [["2"]]);
}

#[test]
fn mysql_is_found_again_and_nothing_is_left_running() {
    let Some(mut server) = MariaDb::new("mysql-again") else {
        return;
    };
    // Its port is known from the first start on.
    server.start();
    server.ask(&["CREATE USER exporter@localhost IDENTIFIED BY 'hunter2'"]);
    server.stop();
    let scratch = Scratch::new("mysql-again");
    let at = format!(
        "mysql: {{port: {}, user: exporter, password: '${{PASSWORD}}'}}",
        server.port
    );
    let one = "SELECT CONNECTION_ID() AS value, SLEEP(0.2)";
    let config = [
        "sources:\n".to_owned(),
        source("kept", &at, "SELECT CONNECTION_ID() AS value"),
        // As many connections as are allowed, for more statements than that.
        format!(
            "  pool:\n    sql:\n      {at}\n      connections: 2\n      keep_idle: 200ms\n      \
             queries: {{a: \"{one}\", b: \"{one}\", c: \"{one}\", d: \"{one}\"}}\n    metrics:\n{}",
            ["a", "b", "c", "d"]
                .map(|name| format!("      - {{name: app_pool, help: P., from: {name}, static_labels: {{query: {name}}}}}\n"))
                .concat()
        ),
        format!(
            "  slow:\n    sql:\n      {at}\n      query: SELECT SLEEP(3600) AS value\n    \
             timeout: 5s\n    metrics: [{{name: app_slow, help: S.}}]\n"
        ),
    ];
    let file = scratch.write("config.yml", &config.concat());
    let mut program = crate::program::command(
        &[
            "--web.listen-address=127.0.0.1:0",
            "--config.file",
            &file.to_string_lossy(),
        ],
        &[("PASSWORD", SECRET)],
    );
    program.stdout(std::process::Stdio::null());
    let mut running = Running::spawn(program);
    let address = running.address();
    let value = |body: &str, name: &str| {
        let line = body.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.trim().parse::<f64>().ok())
    };

    // It is down at the start, which is no reason not to start, and then it is up.
    let (status, body) = get(address, "/metrics");
    assert_eq!(status, 200, "{body}");
    assert_lines(&body, &["app_exporter_source_up{source=\"kept\"} 0.0"]);
    server.start();
    let first = scrape_until(address, |body| value(body, "app_kept"));
    // The connection is kept.
    let again = get(address, "/metrics").1;
    assert_eq!(value(&again, "app_kept"), Some(first), "{again}");

    // Two sessions did the work of four statements.
    let mut sessions: Vec<_> = ["a", "b", "c", "d"]
        .iter()
        .map(|query| value(&again, &format!("app_pool{{query=\"{query}\"}}")))
        .collect();
    assert!(sessions.iter().all(Option::is_some), "{again}");
    sessions.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
    sessions.dedup();
    assert_eq!(sessions.len(), 2, "{again}");

    // What was too slow ends on the server too; sessions that are not used are closed after a while; that of `kept` stays.
    assert_lines(&again, &["app_exporter_source_up{source=\"slow\"} 0.0"]);
    let own = "SELECT id, info FROM information_schema.processlist WHERE user = 'exporter'";
    until(|| match server.ask(&[own]) {
        rows if rows == [[format!("{first}"), "NULL".to_owned()]] => Ok(()),
        rows => Err(format!("{rows:?}")),
    });

    // A session that the server ended is replaced without a scrape that fails, and so is a server that began anew.
    server.ask(&[&format!("KILL {first}")]);
    let body = get(address, "/metrics").1;
    let second = value(&body, "app_kept");
    assert!(second.is_some() && second != Some(first), "{body}");
    server.stop();
    server.start();
    let body = get(address, "/metrics").1;
    assert!(value(&body, "app_kept").is_some(), "{body}");
    assert_lines(
        &body,
        &["app_exporter_source_errors_total{source=\"kept\",reason=\"connect\"} 1.0"],
    );

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
