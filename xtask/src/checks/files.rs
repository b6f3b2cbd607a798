//! The files of the repository, as git knows them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::output;

/// Files with the extension `extension` that git tracks or would track, in order.
pub(super) fn with_extension(root: &Path, extension: &str) -> Result<Vec<PathBuf>, String> {
    let mut files = all(root)?;
    files.retain(|file| file.extension().is_some_and(|found| found == extension));
    Ok(files)
}

/// Every file that git tracks or would track, in order.
pub(super) fn all(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut git = Command::new("git");
    git.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    if root != Path::new("") {
        git.current_dir(root);
    }
    let listed = output(&mut git).map_err(|failure| failure.to_string())?;
    let mut files: Vec<PathBuf> = listed
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        // One that is deleted and not committed yet is listed, too.
        .filter(|file| root.join(file).is_file())
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

pub(super) fn read(root: &Path, file: &Path) -> Result<String, String> {
    let path = root.join(file);
    fs::read_to_string(&path).map_err(|err| format!("cannot read `{}`: {err}", path.display()))
}
