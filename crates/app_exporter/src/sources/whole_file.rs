//! Reading whole files, but not without a limit.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use crate::decode::Failure;

/// What is known of a file beside its content.
///
/// # Errors
/// When it is no regular file: a pipe or a device could be waited on for ever.
pub(super) fn metadata(path: &Path) -> Result<fs::Metadata, Failure> {
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if metadata.is_file() {
        Ok(metadata)
    } else {
        Err(Failure::connect(format!(
            "`{}` is no regular file",
            path.display()
        )))
    }
}

/// What is in a file.
///
/// # Errors
/// When it can't be read, or has more bytes than that.
pub(super) fn read(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    metadata(path)?;
    // The length that metadata tells can be wrong: files in /proc have none.
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| {
            file.take((most as u64).saturating_add(1))
                .read_to_end(&mut bytes)
        })
        .map_err(|error| unreadable(path, &error))?;
    if bytes.len() > most {
        return Err(Failure::limit(format!(
            "`{}` has more than {most} bytes; raise `max_bytes`",
            path.display()
        )));
    }
    Ok(bytes)
}

pub(super) fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::connect(format!("can't read `{}`: {error}", path.display()))
}
