//! Writes a registry into a file, in one step for its readers.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::encode::Format;
use crate::registry::Registry;

impl Registry {
    /// Writes everything as Prometheus text 0.0.4 into a file, for node_exporter's textfile collector
    /// (`--collector.textfile.directory`), which reads names that end in `.prom`.
    ///
    /// A reader sees the old file or the new one, never a part: it is written beside `path`, as `path.PID.N`, and then
    /// renamed. If that fails, the old file stays and the new one is removed.
    ///
    /// ```
    /// let registry = exporter_kit::Registry::new();
    /// registry.gauge("backup_last_success_timestamp_seconds", "When the last backup succeeded.")?.set_to_current_time();
    ///
    /// let path = std::env::temp_dir().join(format!("backup-{}.prom", std::process::id()));
    /// registry.write_text_file(&path)?;
    /// assert!(std::fs::read_to_string(&path)?.contains("\nbackup_last_success_timestamp_seconds 1"));
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When a file cannot be created, written or renamed there.
    pub fn write_text_file(&self, path: impl AsRef<Path>) -> Result<(), TextFileError> {
        let path = path.as_ref();
        self.write_and_rename(path).map_err(|source| TextFileError {
            path: path.into(),
            source,
        })
    }

    fn write_and_rename(&self, path: &Path) -> io::Result<()> {
        let (unfinished, file) = create_beside(path)?;
        let written = self
            .write_text(file)
            .and_then(|()| fs::rename(&unfinished, path));
        if written.is_err() {
            // The first error is the one to report.
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    /// Writes chunk by chunk, and closes the file: a rename must find it so on some systems.
    fn write_text(&self, mut file: File) -> io::Result<()> {
        let mut written = Ok(());
        let _ = self.scrape(Format::Text).chunks(|chunk| {
            written = file.write_all(chunk);
            chunk.clear();
            match written {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        });
        written
    }
}

/// Creates a file in the same directory, so that a rename is one step. Its name does not end in `.prom`.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let mut name = path.as_os_str().to_owned();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        name.push(format!(".{}.{number}", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&name) {
            // Left behind by a process that was killed and had the same id, as is usual in containers.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return opened.map(|file| (name.into(), file)),
        }
    }
}

/// The error of a text file that cannot be written.
pub struct TextFileError {
    path: PathBuf,
    source: io::Error,
}

impl TextFileError {
    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for TextFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let remedy = match self.source.kind() {
            io::ErrorKind::NotFound => "create its directory first",
            io::ErrorKind::PermissionDenied => {
                "give this program's user write permission for its directory"
            }
            io::ErrorKind::StorageFull => "free some space there",
            _ => "choose a file in a directory that this program's user can write to",
        };
        let Self { path, source } = self;
        write!(f, "cannot write `{}`: {source}; {remedy}", path.display())
    }
}

crate::error::debug_by_display!(TextFileError);

impl std::error::Error for TextFileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}
