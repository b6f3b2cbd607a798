//! The files of a configuration, and the detection of their changes.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The largest size of a file, in bytes; more than any file of a web configuration needs.
const MAX_BYTES: u64 = 4 << 20;

/// All files that were read, readable or not.
#[derive(Debug, Default)]
pub(super) struct Watched(Vec<(PathBuf, Stamp)>);

/// The properties that change with a file. `None` for a missing file.
type Stamp = Option<(u64, Option<SystemTime>, Identity)>;

/// The identity of a file, and the time of the last change of its content, name or permissions.
#[cfg(unix)]
type Identity = (u64, u64, i64, i64);
#[cfg(not(unix))]
type Identity = ();

impl Watched {
    /// Reads a file and remembers its state.
    pub(super) fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        // Before the read, so that a change in between is detected.
        self.0.push((path.to_owned(), stamp(path)));
        let mut content = Vec::new();
        File::open(path)?
            .take(MAX_BYTES + 1)
            .read_to_end(&mut content)?;
        if content.len() as u64 > MAX_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(content)
    }

    /// Returns whether a file has changed since it was read.
    pub(super) fn have_changed(&self) -> bool {
        self.0.iter().any(|(path, before)| stamp(path) != *before)
    }
}

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((
        metadata.len(),
        metadata.modified().ok(),
        identity(&metadata),
    ))
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt as _;
    (
        metadata.dev(),
        metadata.ino(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    )
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Identity {}

/// The reason why a file cannot be read, in the words of Go. The remedy is for a file that does not exist.
pub(super) fn explain(path: &Path, error: &io::Error, remedy: &str) -> String {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => {
            format!("open `{path}`: no such file or directory; {remedy}")
        }
        io::ErrorKind::PermissionDenied => {
            format!(
                "open `{path}`: permission denied; allow the user of this program to read the file"
            )
        }
        io::ErrorKind::FileTooLarge => {
            format!("open `{path}`: the file is larger than {MAX_BYTES} bytes; name another file")
        }
        _ => format!("open `{path}`: {error}; name a readable file"),
    }
}
