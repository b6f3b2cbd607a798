//! Verdicts on configuration files: `NAME.good.yml` can be used, `NAME.bad.yml` is refused with `NAME.bad.txt`.

use std::path::Path;

use crate::program::end;
use crate::sources::{compare, with_extension};

#[test]
fn every_file_gets_its_verdict() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config");
    let files = with_extension(&folder, "yml");
    assert!(!files.is_empty());
    for file in files {
        let name = file.to_string_lossy();
        let output = end(&["check-config", &name], &[("SECRET", "hunter2")]);
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(!said.contains("hunter2"), "{said}");
        if name.ends_with(".good.yml") {
            assert_eq!(
                (output.status.code(), said.as_str()),
                (Some(0), ""),
                "{name}"
            );
        } else {
            assert_eq!(output.status.code(), Some(1), "{name}: {said}");
            let said = said.replace(&format!("{}/", folder.display()), "");
            compare(&file.with_extension("txt"), &said);
        }
    }
}

#[test]
fn names_that_break_rules_have_an_exit_code_of_their_own() {
    let scratch = crate::support::Scratch::new("check-config-lint");
    let file = scratch.write(
        "config.yml",
        "sources:\n  a:\n    simulate: {uniform: {}}\n    metrics:\n      - {name: app_wait_milliseconds, help: Waiting.}\n",
    );
    let output = end(&["check-config", &file.to_string_lossy()], &[]);
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(
        said.contains(":5:16: app_wait_milliseconds: use base unit"),
        "{said}"
    );
}

#[test]
fn names_of_single_numbers_are_free_and_get_a_warning() {
    let scratch = crate::support::Scratch::new("check-config-names");
    for name in [
        "users_count",
        "orders_total",
        "db_size_sum",
        "x_bucket",
        "thing_info",
    ] {
        for kind in ["gauge", "unknown", "counter"] {
            if (name, kind) == ("orders_total", "counter") {
                continue;
            }
            let text = format!(
                "sources:\n  a:\n    simulate: {{uniform: {{minimum: 5, maximum: 5}}}}\n    metrics:\n      - {{name: {name}, type: {kind}, help: Five.}}\n"
            );
            let file = scratch.write("config.yml", &text);
            let output = end(&["check-config", &file.to_string_lossy()], &[]);
            let said = String::from_utf8(output.stderr).expect("UTF-8");
            assert_eq!(output.status.code(), Some(3), "{name} {kind}: {said}");
            assert!(said.contains(":5:16: ") && said.contains(name), "{said}");
            let output = end(&["once", "--config.file", &file.to_string_lossy()], &[]);
            let printed = String::from_utf8(output.stdout).expect("UTF-8");
            assert!(printed.contains(&format!("\n{name} 5.0\n")), "{printed}");
        }
    }
}

/// Every Go program has such names.
#[test]
fn a_gauge_beside_a_counter_of_its_name_is_shown_and_gets_a_warning() {
    let scratch = crate::support::Scratch::new("check-config-two");
    let file = scratch.write(
        "config.yml",
        "sources:\n  t:\n    simulate: {uniform: {minimum: 5, maximum: 5}}\n    metrics: [{name: sessions, help: X.},{name: sessions_total, type: counter, help: X.}]\n",
    );
    let output = end(&["check-config", &file.to_string_lossy()], &[]);
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(3), "{said}");
    let expected = ":4:49: `sessions_total` and `sessions` share the name `sessions` in OpenMetrics, which shows them without their type; rename one of the two\n";
    assert!(said.contains(expected), "{said}");
    let output = end(&["once", "--config.file", &file.to_string_lossy()], &[]);
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    for line in [
        "\n# TYPE sessions gauge\nsessions 5.0\n",
        "\n# TYPE sessions_total counter\nsessions_total 5.0\n",
    ] {
        assert!(printed.contains(line), "{printed}");
    }
}

#[test]
fn the_reference_in_the_documentation_is_the_one_that_is_printed() {
    let output = end(&["reference"], &[]);
    let page = String::from_utf8(output.stdout).expect("UTF-8");
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    compare(&docs.join("configuration.md"), &page);
}

#[test]
fn the_schema_knows_every_key_of_the_example() {
    let output = end(&["schema"], &[]);
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    let source = &schema["$defs"]["SourceConfig"];
    assert_eq!(source["additionalProperties"], false);
    for key in [
        "simulate", "file", "files", "command", "http", "sql", "metrics", "timeout",
    ] {
        assert!(
            source["properties"][key]["description"].is_string()
                || source["properties"][key]["anyOf"].is_array(),
            "{key}: {source}"
        );
    }
}
