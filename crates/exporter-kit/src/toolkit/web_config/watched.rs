//! The files that a configuration was read from, and whether they are still the same.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// More than any file that a web configuration is made of has, in bytes.
const MAX_BYTES: u64 = 4 << 20;

/// The files that were asked for, whether they could be read or not.
#[derive(Debug, Default)]
pub(super) struct Watched(Vec<(PathBuf, Stamp)>);

/// What changes when a file does. `None` where there is no file.
type Stamp = Option<(u64, Option<SystemTime>, Identity)>;

/// Which file it is, and when it, its name or its rights were changed.
#[cfg(unix)]
type Identity = (u64, u64, i64, i64);
#[cfg(not(unix))]
type Identity = ();

impl Watched {
    /// Reads a file, and remembers it.
    pub(super) fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        // Before it is read: a change in between must not be missed.
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

    /// Whether one of the files has changed since it was read.
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

/// Why a file can't be read, as people search for it.
pub(super) fn reason(path: &Path, error: &io::Error) -> String {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => {
            format!(
                "open `{path}`: no such file or directory; a relative path begins at the folder of the configuration file"
            )
        }
        io::ErrorKind::PermissionDenied => {
            format!("open `{path}`: permission denied; let the user that runs this program read it")
        }
        io::ErrorKind::FileTooLarge => {
            format!("open `{path}`: it has more than {MAX_BYTES} bytes; name another file")
        }
        _ => format!("open `{path}`: {error}; name a file that can be read"),
    }
}
