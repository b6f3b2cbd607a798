//! Packages as they would be published: built from what is in them alone, and complete.

use std::fs;
use std::path::Path;

use crate::run::{Failure, Outcome, announce, cargo, in_ci, step};
use crate::workspace::{Package, Workspace};

/// Lines of a README at least: a stub is shorter.
const README_LINES: usize = 20;

/// Licences of the workspace, each in every package as well.
const LICENCES: &[&str] = &["LICENSE-APACHE", "LICENSE-MIT"];

/// Keys of a manifest that a published package needs.
const KEYS: &[&str] = &[
    "description",
    "license",
    "rust-version",
    "readme",
    "documentation",
    "keywords",
    "categories",
];

pub(super) fn run(workspace: &Workspace) -> Outcome {
    let packages = workspace.published()?;
    let mut package = cargo(&["package"]);
    for published in &packages {
        package.args(["--package", &published.name]);
    }
    // A clone is clean. At work the check is of the files as they are.
    if !in_ci() {
        package.arg("--allow-dirty");
    }
    step("package", &mut package)?;

    announce("contents of the packages");
    let folder = workspace.target()?.join("package");
    let mut faults = Vec::new();
    for published in &packages {
        let Package { name, version } = published;
        let folder = folder.join(format!("{name}-{version}"));
        let found = faults_of(&folder, version, Path::new(""));
        faults.extend(
            found
                .into_iter()
                .map(|fault| format!("package {name}: {fault}")),
        );
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(Failure::new(faults.join("\n  ")))
}

/// Everything that is wrong with the unpacked package in `folder`; `root` has the licences.
fn faults_of(folder: &Path, version: &str, root: &Path) -> Vec<String> {
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let mut faults = Vec::new();
    let readme = read(&folder.join("README.md"));
    let lines = readme.lines().count();
    if lines < README_LINES {
        faults.push(format!(
            "README.md has {lines} lines; it is missing or a stub"
        ));
    }
    for licence in LICENCES {
        let text = read(&folder.join(licence));
        if text.is_empty() || text != read(&root.join(licence)) {
            faults.push(format!(
                "{licence} is missing, or not the one of the repository"
            ));
        }
    }
    let manifest = read(&folder.join("Cargo.toml"));
    if !manifest.contains(&format!("\nversion = \"{version}\"\n")) {
        faults.push(format!("Cargo.toml does not have the version {version}"));
    }
    for key in KEYS {
        if !manifest.contains(&format!("\n{key} = ")) {
            faults.push(format!("Cargo.toml has no `{key}`"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stub_without_licences_is_named_and_a_whole_package_is_not() {
        let folder = std::env::temp_dir().join(format!("xtask-package-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
        write("README.md", "../../README.md");
        write("Cargo.toml", "[package]\nversion = \"0.1.0\"\n");
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let faults = faults_of(&folder, "0.2.0", root).join("; ");
        for fault in [
            "README.md has 1 lines",
            "LICENSE-MIT",
            "version 0.2.0",
            "no `keywords`",
        ] {
            assert!(faults.contains(fault), "{fault} in {faults}");
        }

        write("README.md", &"line\n".repeat(README_LINES));
        for licence in LICENCES {
            fs::copy(root.join(licence), folder.join(licence)).unwrap();
        }
        let keys: String = KEYS.iter().map(|key| format!("{key} = \"x\"\n")).collect();
        write(
            "Cargo.toml",
            &format!("[package]\nversion = \"0.2.0\"\n{keys}"),
        );
        assert_eq!(faults_of(&folder, "0.2.0", root), Vec::<String>::new());
        fs::remove_dir_all(&folder).unwrap();
    }
}
