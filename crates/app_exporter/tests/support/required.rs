//! Real systems, by the names that the table in xtask's `servers.rs` gives them.

use std::path::PathBuf;

/// The path of the real program `name`, where `cargo xtask test` found or installed it.
///
/// `None` means that this test is left out, which is printed. In CI nothing is left out: a panic.
#[allow(
    clippy::print_stderr,
    reason = "the test runner captures it and shows it beside the test it is about"
)]
pub(crate) fn require(name: &str) -> Option<PathBuf> {
    let variable = format!(
        "EXPORTER_KIT_TEST_{}",
        name.to_uppercase().replace('-', "_")
    );
    if let Some(path) = std::env::var_os(&variable) {
        return Some(path.into());
    }
    let why = format!("`{variable}` is not set; `cargo xtask test` finds {name} and sets it");
    assert!(
        std::env::var_os("CI").is_none_or(|value| value != "true"),
        "in CI no test is left out: {why}"
    );
    eprintln!("left out: {why}");
    None
}
