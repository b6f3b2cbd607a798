//! PostgreSQL, started by the test.

use super::{
    LOGIN, SECRET, assert_patient, assert_replaced, assert_slow_is_stopped, collect, errors,
    exporter, kept_session, login_sources, pool_source, slow_source, source, types_line,
    types_source, write_login_files,
};
use crate::program::get;
use crate::support::{Postgres, Scratch, assert_lines, sample, until};

/// A value of every type that is read, and what a label says of it.
const TYPES: &[(&str, &str)] = &[
    ("true", "true"),
    ("(-32768)::int2", "-32768"),
    ("2147483647", "2147483647"),
    ("9007199254740993::int8", "9007199254740993"),
    ("0.1::float4", "0.1"),
    ("1.5::float8", "1.5"),
    ("'-Infinity'::float8", "-inf"),
    ("12.50::numeric", "12.50"),
    ("(-0.000012345678)::numeric", "-0.000012345678"),
    ("1e20::numeric", "100000000000000000000"),
    ("sum(10000::int8)", "10000"),
    ("'NaN'::numeric", "NaN"),
    ("'ü'::text", "ü"),
    ("'a'::varchar(3)", "a"),
    ("'a'::char(3)", "a  "),
    ("'a'::\"char\"", "a"),
    ("'a'::name", "a"),
    ("'{\"a\": 1}'::json", "{\\\"a\\\": 1}"),
    ("'{\"a\":1}'::jsonb", "{\\\"a\\\": 1}"),
    ("'open'::state", "open"),
    ("'x'::short", "x"),
    ("'\\x6162'::bytea", "ab"),
    (
        "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    ),
    ("'2026-01-31'::date", "2026-01-31"),
    ("'infinity'::date", "infinity"),
    ("'0044-03-15 BC'::date", "-0043-03-15"),
    ("'12:00:00.25'::time", "12:00:00.25"),
    (
        "'2026-01-31 12:00:00.5'::timestamp",
        "2026-01-31T12:00:00.5",
    ),
    (
        "'2026-01-31 12:00:00+02'::timestamptz",
        "2026-01-31T10:00:00Z",
    ),
    ("'1 year 2 mons 3 days 04:05:06.5'::interval", "37015506.5"),
    ("'10.0.0.1'::inet", "10.0.0.1"),
    ("'2001:db8::/32'::cidr", "2001:db8::/32"),
    ("4294967295::oid", "4294967295"),
    ("NULL::int", ""),
    ("NULL", ""),
];

#[test]
fn postgres_gives_every_type_and_says_what_fails() {
    let Some(mut server) = Postgres::new("postgres") else {
        return;
    };
    server.start();
    let password = "s3cr:t@/ %41'\"\\$1";
    server.ask("postgres", "CREATE DATABASE shop");
    server.ask(
        "postgres",
        "CREATE ROLE exporter LOGIN PASSWORD 's3cr:t@/ %41''\"\\$1'",
    );
    server.ask(
        "shop",
        "CREATE TYPE state AS ENUM ('open', 'closed'); CREATE DOMAIN short AS varchar(9);
         CREATE TABLE sessions (name text); INSERT INTO sessions VALUES ('a'), ('b');
         CREATE TABLE secret (name text); GRANT ALL ON sessions TO exporter",
    );
    let scratch = Scratch::new("postgres");
    write_login_files(&scratch, server.certificate(), password);

    let port = server.port();
    let address = |more: &str| {
        format!(
            "postgres: {{host: localhost, port: {port}, database: shop, user: exporter, {more}}}"
        )
    };
    let at = address(LOGIN);
    let socket = server.folder().display();
    let sessions = "SELECT count(*) AS value FROM sessions";
    let config = [
        "sources:\n".to_owned(),
        types_source(&at, TYPES),
        format!(
            "  several:\n    sql:\n      {at}\n      connections: 2\n      queries:\n        \
             rows: SELECT * FROM (VALUES ('a', 1, 2.5), ('b', NULL, 9007199254740993)) AS r(name, number, size)\n        \
             moment: \"SELECT 7 AS value, '2026-01-31 12:00:00+00'::timestamptz AS at, '2026-01-31'::date AS day\"\n        \
             empty: SELECT 1 AS value WHERE false\n        \
             insert: INSERT INTO sessions VALUES ('c')\n        \
             drop: DROP TABLE sessions\n        \
             two: \"SELECT 1; DELETE FROM sessions\"\n        \
             wrong: SELECT * FROM nowhere\n        \
             forbidden: SELECT count(*) AS value FROM secret\n        \
             array: \"SELECT ARRAY[1] AS value\"\n        \
             parameter: SELECT $1::int AS value\n    timeout: 60s\n    metrics:\n      \
             - {{name: app_number, help: Number., from: rows, value: number, labels: [name]}}\n      \
             - {{name: app_size, help: Size., from: rows, value: size, labels: [name]}}\n      \
             - {{name: app_moment, help: Moment., from: moment, timestamp: at}}\n      \
             - {{name: app_day, help: Day., from: moment, timestamp: day}}\n      \
             - {{name: app_empty, help: Empty., from: empty, default: 0}}\n      \
             - {{name: app_insert, help: I., from: insert}}\n      \
             - {{name: app_drop, help: D., from: drop}}\n      \
             - {{name: app_two, help: T., from: two}}\n      \
             - {{name: app_wrong, help: W., from: wrong}}\n      \
             - {{name: app_forbidden, help: F., from: forbidden}}\n      \
             - {{name: app_array, help: A., from: array}}\n      \
             - {{name: app_parameter, help: P., from: parameter}}\n"
        ),
        source(
            "socket",
            &format!(
                "postgres: {{socket: '{socket}', port: {port}, database: shop, user: exporter, {LOGIN}}}"
            ),
            sessions,
        ),
        login_sources(
            address,
            "SELECT ssl AS value FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
        ),
        source("rows", &at, "SELECT generate_series(1, 100001) AS value"),
        source(
            "bytes",
            &at,
            "SELECT repeat('x', 20000) AS value FROM generate_series(1, 100)",
        )
        .replace("    metrics", "    max_bytes: 1000000\n    metrics"),
        source("huge", &at, "SELECT repeat('x', 50000000) AS value")
            .replace("    metrics", "    max_bytes: 1000000\n    metrics"),
        source("column", &at, "SELECT count(*) AS \"Value\" FROM sessions"),
        source(
            "nowhere",
            "postgres: {socket: none, user: exporter}",
            sessions,
        ),
    ];
    let variables = [("PASSWORD", password)];
    let text = collect(&scratch, &config.concat(), &variables);
    assert_lines(
        &text,
        &[
            &types_line(TYPES),
            "app_number{name=\"a\"} 1.0",
            "app_size{name=\"a\"} 2.5",
            "app_size{name=\"b\"} 9007199254740993.0",
            "app_moment 7.0 1769860800000",
            "app_day 7.0 1769817600000",
            "app_empty 0.0",
            "app_file 2.0",
            "app_socket 2.0",
            "app_tls 1.0",
            "app_plain 0.0",
        ],
    );
    assert!(!text.contains("app_number{name=\"b\"}"), "{text}");
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
        "insert: the server reports `cannot execute INSERT in a read-only transaction` (25006)",
        "drop: the server reports `cannot execute DROP TABLE in a read-only transaction` (25006)",
        "two: the server reports `cannot insert multiple commands into a prepared statement` (42601)",
        "wrong: the server reports `relation \"nowhere\" does not exist` (42P01)",
        "forbidden: the server reports `permission denied for table secret` (42501)",
        "app_array: `{1}` is not a number; extract a number with `regex`, or map it to one with `map`",
        "wrong_password: `localhost:",
        "password authentication failed for user \"exporter\"` (28P01)",
        "unknown column `value`, did you mean `Value`?",
        "invalid peer certificate",
        "the server requires a password; add `password` or `password_file`",
    ] {
        assert!(text.contains(message), "{message} is not in\n{text}");
    }
    assert_eq!(server.ask("shop", "SELECT count(*) FROM sessions"), [["2"]]);
    let slow = "SELECT pg_sleep(60)::text AS value";
    assert_slow_is_stopped(&scratch, &at, slow, &variables);
    let on_socket = format!(
        "postgres: {{socket: '{}', port: {}, database: shop, user: exporter, password: '${{PASSWORD}}'}}",
        server.folder().display(),
        server.port()
    );
    assert_patient(&scratch, &on_socket, &[("PASSWORD", password)]);
    behind_a_pooler(&server, password, &scratch);
    on_its_console(&server, password, &scratch);
}

/// One session of the server's for all statements, side by side and one after the other, also of types that have to be
/// looked up: nothing of one is left to the next.
fn behind_a_pooler(server: &Postgres, password: &str, scratch: &Scratch) {
    let Some((_running, port)) = server.pooler("exporter", password) else {
        return;
    };
    let queries = ["a", "b", "c", "d"]
        .map(|name| format!("{name}: \"SELECT 7 AS value, 'open'::state AS state\""))
        .join(", ");
    let metrics = ["a", "b", "c", "d"]
        .map(|name| format!("{{name: app_{name}, help: A number., from: {name}, labels: [state]}}"))
        .join(", ");
    let config = format!(
        "sources:\n  pooled:\n    sql:\n      postgres: {{socket: '{}', port: {port}, database: shop, user: exporter, \
         password: '${{PASSWORD}}'}}\n      queries: {{{queries}}}\n    metrics: [{metrics}]\n",
        server.folder().display()
    );
    for _ in 0..2 {
        let text = collect(scratch, &config, &[("PASSWORD", password)]);
        let lines = ["a", "b", "c", "d"].map(|name| format!("app_{name}{{state=\"open\"}} 7.0"));
        assert_lines(&text, &lines.each_ref().map(String::as_str));
    }
}

/// The pooler's own console, which has no transactions and sends everything as text.
fn on_its_console(server: &Postgres, password: &str, scratch: &Scratch) {
    let Some((_running, port)) = server.pooler("exporter", password) else {
        return;
    };
    let at = format!(
        "postgres: {{socket: '{}', port: {port}, database: pgbouncer, user: exporter, password: '${{PASSWORD}}'}}",
        server.folder().display()
    );
    let config = format!(
        "sources:\n{}{}  pools:\n    sql:\n      {at}\n      query: SHOW POOLS\n    metrics:\n      \
         - {{name: pgbouncer_clients_active, help: Clients., value: cl_active, labels: [database, user]}}\n      \
         - {{name: pgbouncer_clients_waiting, help: Clients that wait., value: cl_waiting, labels: [database, user]}}\n",
        source("select", &at, "SELECT 1 AS value"),
        source("ends", &at, "SHUTDOWN"),
    );
    let text = collect(scratch, &config, &[("PASSWORD", password)]);
    assert_lines(
        &text,
        &["pgbouncer_clients_waiting{database=\"pgbouncer\",user=\"pgbouncer\"} 0.0"],
    );
    let active = sample(
        &text,
        "pgbouncer_clients_active{database=\"pgbouncer\",user=\"pgbouncer\"}",
    );
    // Those that ask at this moment.
    assert!(active.is_some_and(|active| active >= 1.0), "{text}");
    let refused =
        "cannot run the statement: this is the console of PgBouncer; begin it with `SHOW`";
    assert_eq!(text.matches(refused).count(), 2, "{text}");
}

#[test]
fn postgres_is_found_again_and_nothing_is_left_running() {
    let Some(mut server) = Postgres::new("postgres-again") else {
        return;
    };
    server.start();
    server.ask("postgres", "CREATE ROLE exporter LOGIN PASSWORD 'hunter2'");
    server.stop();
    let scratch = Scratch::new("postgres-again");
    let at = format!(
        "postgres: {{port: {}, database: postgres, user: exporter, password: '${{PASSWORD}}'}}",
        server.port()
    );
    let own =
        "SELECT count(*) AS value FROM pg_stat_activity WHERE application_name = 'app_exporter'";
    let one = "SELECT pg_backend_pid() AS value, pg_sleep(0.2)::text";
    let config = [
        "sources:\n".to_owned(),
        source("kept", &at, "SELECT pg_backend_pid() AS value"),
        pool_source(&at, one),
        slow_source(&at, "SELECT pg_sleep(3600)::text AS value"),
    ];
    let (running, address) = exporter(&scratch, &config.concat());

    // It is down at the start, which is no reason not to start, and then it is up.
    let (status, body) = get(address, "/metrics");
    assert_eq!(status, 200, "{body}");
    assert_lines(&body, &["app_exporter_source_up{source=\"kept\"} 0.0"]);
    server.start();
    let first = kept_session(address);

    // What was too slow is told so, and ends: the server's log has it, and nothing runs on.
    server.wait_for_log("canceling statement due to user request");
    let active = "SELECT query FROM pg_stat_activity WHERE state <> 'idle' AND application_name = 'app_exporter'";
    until(|| match server.ask("postgres", active) {
        rows if rows.is_empty() => Ok(()),
        rows => Err(format!("{rows:?}")),
    });
    // Those that are not used are closed after a while; that of `kept` stays.
    until(|| match server.ask("postgres", own) {
        rows if rows == [["1"]] => Ok(()),
        rows => Err(format!("{rows:?}")),
    });

    // A session that the server ended is replaced without a scrape that fails, and so is a server that began anew.
    server.ask("postgres", &format!("SELECT pg_terminate_backend({first})"));
    assert_replaced(address, first, || {
        server.stop();
        server.start();
    });

    // A program that ends leaves no session.
    running.signal(rustix::process::Signal::TERM);
    let (status, log) = running.end();
    assert!(status.success(), "{log:?}");
    assert!(!log.join("\n").contains(SECRET), "{log:?}");
    until(|| match server.ask("postgres", own) {
        rows if rows == [["0"]] => Ok(()),
        rows => Err(format!("{rows:?}")),
    });
}
