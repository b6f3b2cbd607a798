//! A folder for one test.

use std::fs;
use std::path::{Path, PathBuf};

/// A folder below cargo's for tests, empty at first, removed when dropped.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// `name` is the test's, so that tests that run at once do not share a folder.
    pub(crate) fn new(name: &str) -> Self {
        // The process id keeps two runs of the same test apart.
        let folder = format!("{name}-{}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
        fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes `content` to the file `name` in one step, so that nobody ever reads half of it, making the folders it is in.
    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.join(name);
        let folder = path.parent().expect("a file in the folder");
        fs::create_dir_all(folder).expect("the file's folder");
        let new = folder.join(".new");
        fs::write(&new, content).expect("the new file");
        fs::rename(new, &path).expect("the file");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is below the target folder, where nobody minds.
        let _ = fs::remove_dir_all(&self.0);
    }
}
