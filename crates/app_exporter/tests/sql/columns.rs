//! One column or row that cannot be read costs itself.

use super::{SECRET, collect, errors, source};
use crate::support::{MariaDb, Postgres, Scratch, assert_lines, sample};

/// Values of types that are read as text, and what a label says of them.
const TEXTS: &[(&str, &str)] = &[
    ("'pg_class'::regclass", "pg_class"),
    ("'16/B374D848'::pg_lsn", "16/B374D848"),
    ("ARRAY[1, 2]", "{1,2}"),
    ("ARRAY['a', 'b c']", "{a,\\\"b c\\\"}"),
    ("12.5::money", "$12.50"),
    ("'[1,3)'::int4range", "[1,3)"),
    ("'(1,2)'::point", "(1,2)"),
    ("ROW(1, 'a')", "(1,a)"),
    ("B'101'", "101"),
    // Beside them, the others are as they always are.
    (
        "'2026-01-31 12:00:00+02'::timestamptz",
        "2026-01-31T10:00:00Z",
    ),
    ("12.50::numeric", "12.50"),
    ("true", "true"),
    ("NULL::int[]", ""),
];

#[test]
fn postgres_columns_and_rows_that_cannot_be_read_cost_themselves() {
    let Some(mut server) = Postgres::new("postgres-columns") else {
        return;
    };
    server.start();
    server.ask("postgres", "CREATE ROLE exporter LOGIN PASSWORD 'hunter2'");
    let at = format!(
        "postgres: {{port: {}, database: postgres, user: exporter, password: '${{PASSWORD}}'}}",
        server.port()
    );
    let metrics = |source: &str, metric: &str| {
        source.replace("{name: app_", &format!("{{{metric}, name: app_"))
    };
    let config = [
        "sources:\n".to_owned(),
        super::types_source(&at, TEXTS),
        metrics(
            &source("databases", &at, "SELECT * FROM pg_database"),
            "value: datconnlimit, labels: [datname]",
        ),
        metrics(
            &source("acl", &at, "SELECT * FROM pg_database; -- all of them"),
            "value: datconnlimit, labels: [datname]",
        ),
        metrics(
            &source(
                "twice",
                &at,
                "SELECT ARRAY[1] AS a, 5 AS value, 'x' AS a, 6 AS value",
            ),
            "labels: [a]",
        ),
        metrics(
            &source(
                "ages",
                &at,
                "SELECT le, count FROM (VALUES ('0.1', 3), ('1', 9), ('+Inf', 11)) AS t(le, count)",
            ),
            "type: histogram, bucket: le, value: count",
        ),
        metrics(
            &source(
                "bytes",
                &at,
                "SELECT k, 1 AS value FROM (VALUES ('a'::bytea), ('\\xff00'::bytea), ('c'::bytea)) AS t(k)",
            ),
            "labels: {user: k}",
        ),
    ];
    let text = collect(
        &Scratch::new("postgres-columns"),
        &config.concat(),
        &[("PASSWORD", SECRET)],
    );
    assert_lines(
        &text,
        &[
            &super::types_line(TEXTS),
            "app_databases{datname=\"postgres\"} -1.0",
            "app_databases{datname=\"template0\"} -1.0",
            "app_twice{a=\"{1}\"} 5.0",
            "app_ages_bucket{le=\"0.1\"} 3",
            "app_ages_bucket{le=\"1.0\"} 9",
            "app_ages_bucket{le=\"+Inf\"} 11",
            "app_ages_count 11",
            "app_bytes{user=\"a\"} 1.0",
            "app_bytes{user=\"c\"} 1.0",
            "app_exporter_source_up{source=\"bytes\"} 1.0",
        ],
    );
    // It can be no part of another statement, and a type in it has no binary form.
    assert!(
        text.contains("no binary output function available for type aclitem"),
        "{text}"
    );
    assert!(
        text.contains("app_bytes: the column `k` is not UTF-8; select `encode(…, 'hex')` of it"),
        "{text}"
    );
    assert_eq!(
        errors(&text),
        [
            "{source=\"acl\",reason=\"query\"} 1.0",
            "{source=\"bytes\",reason=\"decode\"} 1.0",
        ],
        "{text}"
    );
}

#[test]
fn every_database_of_postgres_is_found() {
    let Some(mut server) = Postgres::new("postgres-databases") else {
        return;
    };
    server.start();
    server.ask("postgres", "CREATE ROLE exporter LOGIN PASSWORD 'hunter2'");
    for (name, rows) in [("tenant_a", 1), ("tenant_b", 2), ("other", 3)] {
        server.ask("postgres", &format!("CREATE DATABASE {name}"));
        let table = format!(
            "CREATE TABLE sessions AS SELECT generate_series(1, {rows}); GRANT SELECT ON sessions TO exporter"
        );
        server.ask(name, &table);
    }
    server.ask("postgres", "CREATE DATABASE tenant_c");
    server.ask("postgres", "CREATE DATABASE tenant_d");
    server.ask(
        "postgres",
        "REVOKE CONNECT ON DATABASE tenant_d FROM public",
    );
    let keys = format!(
        "port: {}, user: exporter, password: '${{PASSWORD}}'",
        server.port()
    );
    every_database("postgres", &keys);
}

#[test]
fn every_database_of_mysql_is_found() {
    let Some(mut server) = MariaDb::new("mysql-databases") else {
        return;
    };
    server.start();
    server.ask(&["CREATE USER exporter@localhost IDENTIFIED BY 'hunter2'"]);
    for (name, rows) in [
        ("tenant_a", 1),
        ("tenant_b", 2),
        ("other", 3),
        ("tenant_c", 0),
    ] {
        server.ask(&[&format!("CREATE DATABASE {name}")]);
        if rows > 0 {
            let table =
                format!("CREATE TABLE {name}.sessions SELECT seq FROM {name}.seq_1_to_{rows}");
            server.ask(&[&table]);
        }
        server.ask(&[&format!("GRANT SELECT ON {name}.* TO exporter@localhost")]);
    }
    let keys = format!(
        "port: {}, user: exporter, password: '${{PASSWORD}}'",
        server.port()
    );
    every_database("mysql", &keys);
}

/// One source for the databases of a server, of which `tenant_c` lacks the table.
fn every_database(kind: &str, keys: &str) {
    let scratch = Scratch::new(&format!("{kind}-databases"));
    let source = |name: &str, databases: &str| {
        source(
            name,
            &format!("{kind}: {{{keys}, databases: {databases}}}"),
            "SELECT count(*) AS value FROM sessions",
        )
        .replace("{name: app_", "{labels: [database], name: app_")
    };
    let config = [
        "sources:\n".to_owned(),
        source("tenants", "['tenant_*']"),
        source("named", "[other, tenant_a]"),
        source("none", "['shop_*']"),
    ];
    let text = collect(&scratch, &config.concat(), &[("PASSWORD", SECRET)]);
    assert_lines(
        &text,
        &[
            "app_tenants{database=\"tenant_a\"} 1.0",
            "app_tenants{database=\"tenant_b\"} 2.0",
            "app_named{database=\"other\"} 3.0",
            "app_named{database=\"tenant_a\"} 1.0",
            "app_exporter_source_up{source=\"tenants\"} 1.0",
        ],
    );
    assert_eq!(
        sample(&text, "app_tenants{database=\"other\"}"),
        None,
        "{text}"
    );
    assert_eq!(
        errors(&text),
        [
            "{source=\"none\",reason=\"query\"} 1.0",
            "{source=\"tenants\",reason=\"query\"} 1.0",
        ],
        "{text}"
    );
    for message in [
        "`tenant_c`: the server reports `",
        "cannot find a database: `databases` matches none of the ",
    ] {
        assert!(text.contains(message), "{message} is not in\n{text}");
    }
}

#[test]
fn mysql_and_sqlite_rows_that_cannot_be_read_cost_themselves() {
    let scratch = Scratch::new("bad-rows");
    rusqlite::Connection::open(scratch.path().join("t.db")).expect("a database");
    let statement =
        "SELECT 'a' AS k, 1 AS value UNION ALL SELECT x'ff00', 2 UNION ALL SELECT 'c', 3";
    let labelled = |source: String| source.replace("{name: app_", "{labels: {user: k}, name: app_");
    let mut config = "sources:\n".to_owned();
    config += &labelled(source("lite", "sqlite: {path: t.db}", statement));
    let server = MariaDb::new("mysql-rows").map(|mut server| {
        server.start();
        server.ask(&["CREATE USER exporter@localhost IDENTIFIED BY 'hunter2'"]);
        server
    });
    let mut names = vec!["lite"];
    if let Some(server) = &server {
        let at = format!(
            "mysql: {{port: {}, user: exporter, password: '${{PASSWORD}}'}}",
            server.port()
        );
        config += &labelled(source("my", &at, statement));
        names.push("my");
    }
    let text = collect(&scratch, &config, &[("PASSWORD", SECRET)]);
    for name in names {
        assert_lines(
            &text,
            &[
                &format!("app_{name}{{user=\"a\"}} 1.0"),
                &format!("app_{name}{{user=\"c\"}} 3.0"),
                &format!(
                    "app_exporter_source_errors_total{{source=\"{name}\",reason=\"decode\"}} 1.0"
                ),
            ],
        );
        let message = format!("app_{name}: the column `k` is not UTF-8; select `hex(…)` of it");
        assert!(text.contains(&message), "{message} is not in\n{text}");
    }
}
