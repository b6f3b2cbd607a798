//! The source `sql`, against real servers and files.

mod mysql;
mod postgres;
mod sqlite;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::program::{end, get};
use crate::support::{Scratch, said};

/// The secret that must not be seen.
const SECRET: &str = "hunter2";

/// What one collection prints, which shows no secret.
fn collect(scratch: &Scratch, config: &str, variables: &[(&str, &str)]) -> String {
    let file = scratch.write("config.yml", config);
    let file = file.to_string_lossy();
    let text = said(&end(&["once", "--config.file", &file], variables));
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
    let config = format!("sources:\n{patient}    timeout: 30days\n");
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
        "  {name}:\n    sql:\n      {database}\n      query: {query:?}\n    \
         metrics: [{{name: app_{name}, help: A number.}}]\n"
    )
}

/// Checks for lines that must be there.
fn assert_lines(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(
            text.lines().any(|found| found == *line),
            "{line} is not in\n{text}"
        );
    }
}

/// The errors that are not zero.
fn errors(text: &str) -> Vec<String> {
    let errors = text.lines().filter_map(|line| {
        let line = line.strip_prefix("app_exporter_source_errors_total")?;
        (!line.ends_with(" 0.0")).then(|| line.to_owned())
    });
    errors.collect()
}

/// Scrapes until `wanted` finds what it needs: what the source waits for tells nobody when it is there.
fn scrape_until<T>(address: SocketAddr, wanted: impl Fn(&str) -> Option<T>) -> T {
    until(|| {
        let (_, body) = get(address, "/metrics");
        wanted(&body).ok_or(body)
    })
}

/// Looks until something is found.
fn until<T>(mut look: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) => assert!(Instant::now() < deadline, "still {seen}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
