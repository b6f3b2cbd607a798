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
