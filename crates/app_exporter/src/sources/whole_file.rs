//! Reads whole files, up to a limit of size.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use crate::decode::Failure;

/// Returns the metadata of a regular file.
///
/// # Errors
/// When it is another kind of file: a pipe or a device could block for ever.
pub(super) fn metadata(path: &Path) -> Result<fs::Metadata, Failure> {
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if metadata.is_file() {
        Ok(metadata)
    } else {
        Err(Failure::connect(format!(
            "`{}`: cannot read: not a regular file",
            path.display()
        )))
    }
}

/// Reads a file.
///
/// # Errors
/// When it cannot be read, or is larger than `most` bytes.
pub(super) fn read(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    metadata(path)?;
    // The length in the metadata is not enough: for files in /proc it is 0.
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| {
            file.take((most as u64).saturating_add(1))
                .read_to_end(&mut bytes)
        })
        .map_err(|error| unreadable(path, &error))?;
    if bytes.len() > most {
        let what = format_args!("`{}`", path.display());
        return Err(Failure::too_large(what, most));
    }
    Ok(bytes)
}

pub(super) fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::connect(format!("`{}`: cannot read: {error}", path.display()))
}
