//! Published examples of json_exporter, sql_exporter and script_exporter, expressed for app_exporter in no more lines.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::http_source::{Request, answer, serve};
use crate::program::end;
use crate::support::Scratch;

/// A configuration, the file with its samples, and the number of lines of the original, without comments and blank lines.
const EXAMPLES: &[(&str, &str, usize)] = &[
    ("json_exporter/config.yml", "json_exporter/expected.txt", 42),
    ("sql_exporter/pricing.yml", "sql_exporter/pricing.txt", 26),
    ("sql_exporter/standard.yml", "sql_exporter/standard.txt", 68),
    (
        "script_exporter/config.yml",
        "script_exporter/expected.txt",
        30,
    ),
];

/// The widest line that counts as one.
const WIDTH: usize = 140;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/published")
}

fn read(name: &str) -> String {
    fs::read_to_string(folder().join(name)).expect("a file of the example")
}

fn lines(config: &str) -> usize {
    let is_counted = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with('#');
    config.lines().filter(is_counted).count()
}

/// Collects once. The samples that are compared, or all messages.
fn collect(config: &Path, port: u16, expected: &BTreeSet<String>) -> BTreeSet<String> {
    let config = config.to_string_lossy();
    let port = port.to_string();
    let output = end(&["once", "--config.file", &config], &[("PORT", &port)]);
    let metrics = String::from_utf8(output.stdout).expect("UTF-8");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(!metrics.is_empty(), "{said}");
    let samples = metrics.lines().filter(|line| !line.starts_with('#'));
    let is_compared = |line: &&str| !line.starts_with("app_exporter_") || expected.contains(*line);
    samples.filter(is_compared).map(str::to_owned).collect()
}

#[test]
fn published_examples_give_the_same_samples_in_no_more_lines() {
    let scratch = Scratch::new("published");
    let documents = |request: &Request| {
        let name = request.path.trim_start_matches('/');
        answer("200 OK", "", &read(&format!("json_exporter/{name}")))
    };
    let address = serve(|stream| stream, documents);
    let database = rusqlite::Connection::open(scratch.path().join("database.db"));
    let database = database.expect("a database");
    database
        .execute_batch(&read("sql_exporter/database.sql"))
        .expect("tables");
    scratch.write("output.txt", &read("script_exporter/output.txt"));
    for (name, expected, most) in EXAMPLES {
        let config = read(name);
        let count = lines(&config);
        assert!(count <= *most, "{name}: {count} lines, not {most}");
        let wide = config.lines().find(|line| line.chars().count() > WIDTH);
        assert_eq!(wide, None, "{name}");
        let expected: BTreeSet<_> = read(expected).lines().map(str::to_owned).collect();
        let config = scratch.write("config.yml", &config);
        let found = collect(&config, address.port(), &expected);
        assert_eq!(found, expected, "{name}");
    }
}
