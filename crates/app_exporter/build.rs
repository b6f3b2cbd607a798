//! Passes the commit, its branch and the compiler to the program.
//!
//! Each is "unknown" where it cannot be found, as in a source package.

use std::path::Path;
use std::process::Command;

#[allow(
    clippy::print_stdout,
    reason = "build scripts report to cargo on standard output"
)]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let mut revision = None;
    let mut branch = None;
    // A source package that is unpacked inside another repository must not show that repository's commit.
    if git(&["ls-files", "--error-unmatch", "Cargo.toml"]).is_some() {
        revision = git(&["rev-parse", "HEAD"]);
        branch = git(&["rev-parse", "--abbrev-ref", "HEAD"]);
        // A commit, a checkout or a reset writes to one of these.
        let reference = git(&["rev-parse", "--symbolic-full-name", "HEAD"]);
        let files = ["HEAD", "logs/HEAD", "packed-refs"];
        for file in files.into_iter().chain(reference.as_deref()) {
            // Cargo takes a file that is not there for one that has changed.
            if let Some(path) = git(&["rev-parse", "--git-path", file])
                && Path::new(&path).exists()
            {
                println!("cargo::rerun-if-changed={path}");
            }
        }
    }
    let compiler = std::env::var("RUSTC")
        .ok()
        .and_then(|rustc| first_line(&rustc, &["--version"]))
        .and_then(|line| line.split_whitespace().nth(1).map(str::to_owned));
    for (name, value) in [
        ("REVISION", revision),
        ("BRANCH", branch),
        ("RUST_VERSION", compiler),
    ] {
        let value = value.as_deref().unwrap_or("unknown");
        println!("cargo::rustc-env=APP_EXPORTER_BUILD_{name}={value}");
    }
}

fn git(arguments: &[&str]) -> Option<String> {
    first_line("git", arguments)
}

/// Returns the first line that a program prints, unless it is missing, fails or prints nothing.
fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().next()?.trim();
    (output.status.success() && !line.is_empty()).then(|| line.to_owned())
}
