//! The next compilers: the library builds with the nightly Rust of the machine.

use std::process::Command;

use crate::run::{Outcome, announce, output, step};
use crate::workspace::Workspace;

/// Toolchain of rustup.
const NIGHTLY: &str = "nightly";

/// Checks the library with nightly Rust, in a folder of its own. A machine without it skips the check and says so.
pub(super) fn run(workspace: &Workspace) -> Outcome {
    let mut version = Command::new("rustup");
    version.args(["run", NIGHTLY, "cargo", "--version"]);
    if let Err(why) = output(&mut version) {
        announce("nightly Rust: NOT checked, this machine does not have it");
        println!("{why}");
        return Ok(());
    }
    let mut check = Command::new("rustup");
    check.args(["run", NIGHTLY, "cargo", "check"]);
    check.args(["-p", "exporter-kit", "--all-features", "--target-dir"]);
    check.arg(workspace.target()?.join(NIGHTLY));
    step("nightly Rust", &mut check)
}
