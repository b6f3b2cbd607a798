//! The source `sql`, against real servers and files.

mod columns;
mod logins;
mod mysql;
mod postgres;
mod read_only;
mod sqlite;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use crate::program::{Running, command, end, get};
use crate::support::{Scratch, assert_lines, said, sample, until};

/// The secret that must not be seen.
const SECRET: &str = "hunter2";

/// Output of one collection, checked for secrets.
fn collect(scratch: &Scratch, config: &str, variables: &[(&str, &str)]) -> String {
    let file = scratch.write("config.yml", config);
    let file = file.to_string_lossy();
    let arguments = ["once", "--timeout=60s", "--config.file", &file];
    let text = said(&end(&arguments, variables));
    for (name, secret) in variables
        .iter()
        .filter(|(name, _)| name.contains("PASSWORD"))
    {
        assert!(!text.contains(secret), "{name} is shown: {text}");
    }
    text
}

/// That a statement of a database that is there may take a month, which is longer than some limits can be.
fn assert_patient(scratch: &Scratch, database: &str, variables: &[(&str, &str)]) {
    let patient = source("patient", database, "SELECT 7 AS value");
    let patient = patient.replace("timeout: 60s", "timeout: 30days");
    let config = format!("sources:\n{patient}");
    let file = scratch.write("patient.yml", &config);
    let file = file.to_string_lossy();
    let text = said(&end(
        &["once", "--timeout=30days", "--config.file", &file],
        variables,
    ));
    assert_lines(&text, &["app_patient 7.0"]);
}

/// A source of one query, whose metric has the source's name.
fn source(name: &str, database: &str, query: &str) -> String {
    format!(
        "  {name}:\n    sql:\n      {database}\n      query: {query:?}\n    timeout: 60s\n    \
         metrics: [{{name: app_{name}, help: A number.}}]\n"
    )
}

/// The password as a configuration has it.
const LOGIN: &str = "password: '${PASSWORD}'";

/// Sources for every way to be let in, and not to be. `address` is where the server is, with more; `is_encrypted` asks it that.
fn login_sources(address: impl Fn(&str) -> String, is_encrypted: &str) -> String {
    let trusting = |file: &str| address(&format!("{LOGIN}, tls: {{ca_file: {file}}}"));
    let sessions = "SELECT count(*) AS value FROM sessions";
    [
        source("file", &address("password_file: password"), sessions),
        source("tls", &trusting("ca.pem"), is_encrypted),
        source("plain", &address(LOGIN), is_encrypted),
        source("wrong_ca", &trusting("other.pem"), sessions),
        source(
            "wrong_password",
            &address("password: '${PASSWORD}x'"),
            sessions,
        ),
        source("no_password", &address("tls: false"), sessions),
    ]
    .concat()
}

/// The files that they name.
fn write_login_files(scratch: &Scratch, certificate: &Path, password: &str) {
    fs::copy(certificate, scratch.path().join("ca.pem")).expect("a copy");
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]);
    scratch.write("other.pem", &other.expect("a certificate").cert.pem());
    scratch.write("password", &format!("{password}\n"));
}

/// A source `types` of one row, whose columns have values of all types.
fn types_source(database: &str, types: &[(&str, &str)]) -> String {
    let columns = types.iter().enumerate();
    let (columns, names): (Vec<_>, Vec<_>) = columns
        .map(|(i, (value, _))| (format!("{value} AS c{i}"), format!("c{i}")))
        .unzip();
    let query = format!("SELECT {}", columns.join(", "));
    format!(
        "  types:\n    sql:\n      {database}\n      query: {query:?}\n    timeout: 60s\n    \
         metrics: [{{name: app_types_info, type: info, help: Types., labels: [{}]}}]\n",
        names.join(", ")
    )
}

/// The line of its metric, whose labels say what was read.
fn types_line(types: &[(&str, &str)]) -> String {
    let labels = types.iter().enumerate();
    let labels: Vec<_> = labels
        .map(|(i, (_, label))| format!("c{i}=\"{label}\""))
        .collect();
    format!("app_types_info{{{}}} 1.0", labels.join(","))
}

/// Output of one collection of a quick statement, a slow one and a quick one, with so much time that the `done` ones are.
fn with_a_slow_one(
    scratch: &Scratch,
    database: &str,
    slow: &str,
    variables: &[(&str, &str)],
    done: &[&str],
) -> String {
    // A machine that stands still needs more time for the quick ones as well.
    for seconds in [2, 4, 8, 16, 32] {
        let config = format!(
            "sources:\n  slow:\n    sql:\n      {database}\n      connections: 1\n      \
             queries: {{a: SELECT 1 AS value, slow: {slow}, z: SELECT 1 AS value}}\n    timeout: {seconds}s\n    metrics:\n      \
             - {{name: app_quick, help: Q., from: a}}\n      \
             - {{name: app_slow, help: S., from: slow}}\n      \
             - {{name: app_later, help: L., from: z}}\n"
        );
        let text = collect(scratch, &config, variables);
        if done.iter().all(|name| sample(&text, name) == Some(1.0)) {
            return text;
        }
    }
    panic!("not even the quick statements are done");
}

/// That a statement which takes long is stopped on the server when the time of its source is over: what was asked before is there,
/// for what comes after no time is left.
fn assert_slow_is_stopped(
    scratch: &Scratch,
    database: &str,
    slow: &str,
    variables: &[(&str, &str)],
) {
    let text = with_a_slow_one(scratch, database, slow, variables, &["app_quick"]);
    let timeouts = "{source=\"slow\",reason=\"timeout\"} 2.0";
    assert_eq!(errors(&text), [timeouts], "{text}");
    let said = "slow: slow: cannot run the statement: not finished in time, so it was cancelled; raise `timeout`, or make it faster; z: cannot run the statement: no time left; ";
    assert!(text.contains(said), "{text}");
}

/// A program with that configuration, for the tests of what becomes of connections.
fn exporter(scratch: &Scratch, config: &str) -> (Running, SocketAddr) {
    let file = scratch.write("config.yml", config);
    let file = file.to_string_lossy();
    let arguments = ["--web.listen-address=127.0.0.1:0", "--config.file", &file];
    let mut program = command(&arguments, &[("PASSWORD", SECRET)]);
    program.stdout(Stdio::null());
    let mut running = Running::spawn(program);
    let address = running.address();
    (running, address)
}

const POOLED: [&str; 4] = ["a", "b", "c", "d"];

/// A source `pool` that has as many connections as are allowed, for more statements than that. Each gives the number of its session
/// and takes a while.
fn pool_source(database: &str, statement: &str) -> String {
    let queries = POOLED.map(|name| format!("{name}: \"{statement}\""));
    let metrics = POOLED.map(|name| {
        format!(
            "      - {{name: app_pool, help: P., from: {name}, static_labels: {{query: {name}}}}}\n"
        )
    });
    format!(
        "  pool:\n    sql:\n      {database}\n      connections: 2\n      keep_idle: 200ms\n      \
         queries: {{{}}}\n    timeout: 60s\n    metrics:\n{}",
        queries.join(", "),
        metrics.concat()
    )
}

/// A source `slow` that is never done.
fn slow_source(database: &str, statement: &str) -> String {
    format!(
        "  slow:\n    sql:\n      {database}\n      query: {statement}\n    \
         timeout: 5s\n    metrics: [{{name: app_slow, help: S.}}]\n"
    )
}

/// The session of `kept`, which answers at first not at all and then, over and over, on one connection, while two sessions do the work
/// of the four statements of `pool` and `slow` is not done.
fn kept_session(address: SocketAddr) -> f64 {
    let first = scrape_until(address, |body| sample(body, "app_kept"));
    scrape_until(address, |body| {
        assert_eq!(sample(body, "app_kept"), Some(first), "{body}");
        assert_lines(body, &["app_exporter_source_up{source=\"slow\"} 0.0"]);
        let sessions = POOLED.map(|query| sample(body, &format!("app_pool{{query=\"{query}\"}}")));
        let mut sessions: Vec<f64> = sessions.into_iter().flatten().collect();
        assert_eq!(sessions.len(), POOLED.len(), "{body}");
        sessions.sort_by(f64::total_cmp);
        sessions.dedup();
        // There are more where the machine stands still until one was idle for too long.
        (sessions.len() == 2).then_some(())
    });
    first
}

/// Asserts that a session which the server has ended is replaced without a failed scrape, and likewise after a restart.
fn assert_replaced(address: SocketAddr, ended: f64, restart: impl FnOnce()) {
    let body = get(address, "/metrics").1;
    let second = sample(&body, "app_kept");
    assert!(second.is_some() && second != Some(ended), "{body}");
    restart();
    let body = get(address, "/metrics").1;
    assert!(sample(&body, "app_kept").is_some(), "{body}");
    assert_lines(
        &body,
        &["app_exporter_source_errors_total{source=\"kept\",reason=\"connect\"} 1.0"],
    );
}

/// The errors that are not zero.
fn errors(text: &str) -> Vec<String> {
    let errors = text.lines().filter_map(|line| {
        let line = line.strip_prefix("app_exporter_source_errors_total")?;
        (!line.ends_with(" 0.0")).then(|| line.to_owned())
    });
    errors.collect()
}

/// Scrapes until `wanted` finds what it needs, as the source does not report when it is ready.
fn scrape_until<T>(address: SocketAddr, wanted: impl Fn(&str) -> Option<T>) -> T {
    until(|| {
        let (_, body) = get(address, "/metrics");
        wanted(&body).ok_or(body)
    })
}
