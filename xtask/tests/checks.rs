//! Checks of the text that hold for this repository at any time; `cargo xtask ci` runs all of them.

use std::process::Command;

/// Runs the check `name` on this repository.
#[track_caller]
fn passes(name: &str) {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["check", name])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    let [said, failed] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{said}{failed}");
}

#[test]
fn rooms_of_the_library_use_each_other_in_one_direction() {
    passes("direction");
}

#[test]
fn at_most_two_files_import_each_other() {
    passes("circles");
}

#[test]
fn links_lead_somewhere() {
    passes("links");
}

#[test]
fn nothing_is_said_to_be_missing_without_a_proof() {
    passes("absences");
}

#[test]
fn programs_in_the_readme_are_tested() {
    passes("readme");
}

#[test]
fn an_unknown_check_is_named_with_those_there_are() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["check", "spelling"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("`spelling`") && said.contains("direction"),
        "{said}"
    );
}
