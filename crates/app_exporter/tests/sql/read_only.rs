//! Every way out of a session that only reads, for users who may do everything.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::collect;
use crate::support::{MariaDb, Postgres, Scratch, assert_lines};

/// Runs these statements one after the other on one connection, and then one that reads, which must still work.
fn try_all(scratch: &Scratch, database: &str, statements: &[&str]) -> String {
    let queries = statements.iter().enumerate();
    let queries: String = queries
        .map(|(at, statement)| format!("        q{at:02}: {statement:?}\n"))
        .collect();
    let config = format!(
        "sources:\n  all:\n    sql:\n      {database}\n      connections: 1\n      queries:\n{queries}        \
         z: SELECT 7 AS value\n    timeout: 60s\n    metrics: [{{name: app_after, help: A number., from: z}}]\n"
    );
    let text = collect(scratch, &config, &[("PASSWORD", "hunter2")]);
    assert_lines(&text, &["app_after 7.0"]);
    text
}

#[test]
fn nothing_is_written_to_mysql() {
    let Some(mut server) = MariaDb::new("mysql-read-only") else {
        return;
    };
    server.start();
    server.ask(&[
        "CREATE DATABASE shop",
        "CREATE TABLE shop.w (value int)",
        "CREATE TABLE shop.old (value int) ENGINE=MyISAM",
        "INSERT INTO shop.old VALUES (1), (2)",
        "CREATE SEQUENCE shop.s",
        "CREATE FUNCTION shop.f() RETURNS int BEGIN INSERT INTO shop.w VALUES (1); RETURN 1; END",
        "CREATE PROCEDURE shop.p() BEGIN COMMIT; START TRANSACTION READ WRITE; INSERT INTO shop.w VALUES (2); COMMIT; END",
        "CREATE USER exporter@localhost IDENTIFIED BY 'hunter2'",
        "GRANT ALL PRIVILEGES ON *.* TO exporter@localhost WITH GRANT OPTION",
    ]);
    let state = || {
        server.ask(&["SELECT (SELECT count(*) FROM shop.w), (SELECT sum(value) FROM shop.old), \
             (SELECT count(*) FROM information_schema.columns WHERE table_schema = 'shop'), \
             (SELECT count(*) FROM mysql.global_priv), (SELECT md5(group_concat(priv)) FROM mysql.global_priv), \
             (SELECT next_not_cached_value FROM shop.s), @@global.max_connections, @@global.read_only, IS_FREE_LOCK('app')"])
    };
    let before = state();
    let scratch = Scratch::new("mysql-read-only");
    let into = |name: &str| scratch.path().join(name).display().to_string();
    fs::write(scratch.path().join("rows"), "5\n").expect("a file");
    let at = format!(
        "mysql: {{port: {}, database: shop, user: exporter, password: '${{PASSWORD}}'}}",
        server.port()
    );
    let files = [
        format!("SELECT 1 AS value INTO OUTFILE '{}'", into("a")),
        format!("SELECT 1 AS value INTO /*!50000OUTFILE*/ '{}'", into("b")),
        format!("SELECT 1 AS value INTO/**/DUMPFILE '{}'", into("c")),
        format!("LOAD DATA INFILE '{}' INTO TABLE w", into("rows")),
        format!("LOAD DATA LOCAL INFILE '{}' INTO TABLE w", into("rows")),
    ];
    let mut statements = vec![
        // One statement of several.
        "SELECT 1 AS value; SET SESSION TRANSACTION READ WRITE; INSERT INTO w VALUES (5)",
        // Several, one after the other.
        "SET SESSION TRANSACTION READ WRITE",
        "INSERT INTO w VALUES (6)",
        "COMMIT",
        "INSERT INTO w VALUES (7)",
        "ROLLBACK AND CHAIN",
        "START TRANSACTION READ WRITE",
        "REPLACE INTO w VALUES (8)",
        "UPDATE old SET value = 9",
        "DELETE FROM old",
        "WITH a AS (SELECT 1) DELETE FROM old",
        "ANALYZE DELETE FROM old",
        "EXPLAIN DELETE FROM old",
        "TRUNCATE old",
        "DROP TABLE old",
        "ALTER TABLE old ADD more int",
        "RENAME TABLE old TO older",
        "CREATE TABLE more (a int)",
        "CREATE TEMPORARY TABLE w (value int)",
        "INSERT INTO w VALUES (10)",
        "CREATE USER evil",
        "GRANT SELECT ON *.* TO evil IDENTIFIED BY 'a'",
        "SET PASSWORD = PASSWORD('a')",
        "SET GLOBAL max_connections = 100",
        "SET GLOBAL read_only = 1",
        // Programs.
        "CALL p()",
        "SELECT f() AS value",
        "DO f()",
        "SELECT NEXTVAL(s) AS value",
        "SELECT SETVAL(s, 100) AS value",
        "BEGIN NOT ATOMIC COMMIT; START TRANSACTION READ WRITE; INSERT INTO w VALUES (11); COMMIT; END",
        "IF 1 THEN INSERT INTO w VALUES (12); END IF",
        "PREPARE a FROM 'INSERT INTO w VALUES (13)'",
        "EXECUTE a",
        "EXECUTE IMMEDIATE 'INSERT INTO w VALUES (14)'",
        "/*!50000 INSERT INTO w VALUES (15) */",
        "/*M! INSERT INTO w VALUES (16) */",
        "XA START 'a'",
        "LOCK TABLES w WRITE",
        "HANDLER w OPEN",
        "FLUSH TABLES",
        "SHUTDOWN",
        "USE mysql",
        "INSERT INTO w VALUES (17)",
        "SELECT GET_LOCK('app', 0) AS value",
        "SELECT @a := 1 AS value",
        "SELECT 1 / (@a IS NULL) AS value",
    ];
    statements.extend(files.iter().map(String::as_str));
    let text = try_all(&scratch, &at, &statements);
    assert_eq!(state(), before, "{text}");
    assert_eq!(names_in(scratch.path()), ["config.yml", "rows"], "{text}");
    for message in [
        "q00: the server reports `You have an error in your SQL syntax",
        "q02: the server reports `Cannot execute statement in a READ ONLY transaction` (1792)",
    ] {
        assert!(text.contains(message), "{message} is not in\n{text}");
    }
}

#[test]
fn nothing_is_written_to_postgres() {
    let Some(mut server) = Postgres::new("postgres-read-only") else {
        return;
    };
    server.start();
    server.ask(
        "postgres",
        "CREATE ROLE exporter SUPERUSER LOGIN PASSWORD 'hunter2'",
    );
    server.ask(
        "postgres",
        "CREATE TABLE w (value int); CREATE TABLE old (value int); INSERT INTO old VALUES (1), (2);
         CREATE SEQUENCE s;
         CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN INSERT INTO w VALUES (1); RETURN 1; END';
         CREATE FUNCTION g() RETURNS int LANGUAGE plpgsql AS 'BEGIN SET TRANSACTION READ WRITE; INSERT INTO w VALUES (1); RETURN 1; END';
         CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN COMMIT; INSERT INTO w VALUES (2); COMMIT; END'",
    );
    let state = || {
        server.ask(
            "postgres",
            "SELECT (SELECT count(*) FROM w), (SELECT sum(value) FROM old), (SELECT last_value FROM s),
             (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_roles), (SELECT count(*) FROM pg_database),
             (SELECT count(*) FROM pg_largeobject_metadata), current_setting('work_mem')",
        )
    };
    let before = state();
    let scratch = Scratch::new("postgres-read-only");
    // The server runs as another user, who may write there.
    let folder = server.folder().display().to_string();
    let at = format!(
        "postgres: {{port: {}, database: postgres, user: exporter, password: '${{PASSWORD}}'}}",
        server.port()
    );
    let files = [
        format!("COPY (SELECT 1) TO PROGRAM 'touch {folder}/a'"),
        format!("COPY old TO '{folder}/b'"),
        format!("/* a */ COPY (SELECT 1) TO '{folder}/c'"),
        format!("COPY w FROM PROGRAM 'touch {folder}/d; echo 1'"),
    ];
    let mut statements = vec![
        "SELECT 1 AS value; COMMIT; INSERT INTO w VALUES (5)",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        "INSERT INTO w VALUES (6)",
        "COMMIT",
        "INSERT INTO w VALUES (7)",
        "SET TRANSACTION READ WRITE",
        "SET default_transaction_read_only = off",
        "START TRANSACTION READ WRITE",
        "SELECT set_config('transaction_read_only', 'off', false), f()",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "UPDATE old SET value = 8",
        "DELETE FROM old",
        "WITH a AS (INSERT INTO w VALUES (9) RETURNING value) SELECT value FROM a",
        "EXPLAIN ANALYZE INSERT INTO w VALUES (10)",
        "SELECT 1 AS value INTO more",
        "SELECT value FROM old FOR UPDATE",
        "TRUNCATE old",
        "DROP TABLE old",
        "ALTER TABLE old ADD more int",
        "ALTER SYSTEM SET work_mem = '1MB'",
        "CREATE TABLE more (a int)",
        "CREATE TEMPORARY TABLE w (value int)",
        "CREATE ROLE evil",
        "CREATE DATABASE evil",
        "DO 'BEGIN SET TRANSACTION READ WRITE; INSERT INTO w VALUES (11); END'",
        "DO 'BEGIN COMMIT; INSERT INTO w VALUES (12); COMMIT; END'",
        "CALL p()",
        "SELECT f() AS value",
        "SELECT g() AS value",
        "SELECT nextval('s') AS value",
        "SELECT setval('s', 100) AS value",
        "SELECT lo_creat(-1)::text AS value",
        "PREPARE a AS INSERT INTO w VALUES (13)",
        "EXECUTE a",
        "SET ROLE admin",
        "LOCK TABLE w",
        "NOTIFY a",
        "VACUUM",
        "MERGE INTO w USING old ON true WHEN NOT MATCHED THEN INSERT VALUES (14)",
    ];
    statements.extend(files.iter().map(String::as_str));
    let text = try_all(&scratch, &at, &statements);
    assert_eq!(state(), before, "{text}");
    for name in ["a", "b", "c", "d"] {
        assert!(!server.folder().join(name).exists(), "{name}: {text}");
    }
    for message in [
        "q00: the server reports `cannot insert multiple commands into a prepared statement`",
        "q02: the server reports `cannot execute INSERT in a read-only transaction` (25006)",
    ] {
        assert!(text.contains(message), "{message} is not in\n{text}");
    }
}

#[test]
fn nothing_is_written_to_sqlite() {
    let scratch = Scratch::new("sqlite-read-only");
    let path = scratch.path().join("app.db");
    let database = Connection::open(&path).expect("a database");
    let tables =
        "CREATE TABLE w (value INTEGER); INSERT INTO w VALUES (1); CREATE INDEX i ON w (value)";
    database.execute_batch(tables).expect("a table");
    drop(database);
    scratch.write("config.yml", "");
    let (bytes, names) = (
        fs::read(&path).expect("it is there"),
        names_in(scratch.path()),
    );
    let into = |name: &str| scratch.path().join(name).display().to_string();
    let files = [
        format!("ATTACH DATABASE '{}' AS o", into("a.db")),
        format!("VACUUM INTO '{}'", into("b.db")),
        format!(
            "PRAGMA temp_store_directory = '{}'",
            scratch.path().display()
        ),
        format!("SELECT load_extension('{}')", into("c")),
        format!("SELECT writefile('{}', 'a')", into("d")),
        format!("ATTACH 'file:{}?mode=rwc' AS p", into("e.db")),
    ];
    let mut statements: Vec<&str> = files.iter().map(String::as_str).collect();
    statements.extend([
        "PRAGMA query_only = 0",
        "INSERT INTO w VALUES (6)",
        "SELECT 1 AS value; INSERT INTO w VALUES (7)",
        "PRAGMA writable_schema = 1",
        "UPDATE sqlite_schema SET sql = ''",
        "PRAGMA journal_mode = wal",
        "PRAGMA user_version = 5",
        "PRAGMA wal_checkpoint",
        "PRAGMA incremental_vacuum",
        "BEGIN IMMEDIATE",
        "SAVEPOINT a",
        "CREATE TABLE more (a)",
        "CREATE TEMP TABLE more (a)",
        "CREATE TEMP TRIGGER t AFTER INSERT ON w BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE temp.v USING fts5(a)",
        "REINDEX",
        "VACUUM",
        "ANALYZE",
        "DETACH main",
    ]);
    let text = try_all(&scratch, "sqlite: {path: app.db}", &statements);
    assert!(fs::read(&path).expect("it is there") == bytes, "{text}");
    assert_eq!(names_in(scratch.path()), names, "{text}");
    for message in [
        "q07: SQLite reports `attempt to write a readonly database`",
        "q01: SQLite reports `authorization denied",
    ] {
        assert!(text.contains(message), "{message} is not in\n{text}");
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}
