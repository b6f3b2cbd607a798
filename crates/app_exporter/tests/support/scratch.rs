//! A folder for one test.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A folder below cargo's for tests, empty at first, removed when dropped.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// `name` says whose it is; no two tests that run at once share a folder.
    pub(crate) fn new(name: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        // The process id keeps two runs of the same test apart.
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = format!("{name}-{}-{count}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
        fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes `content` to the file `name` in one step, so that a reader never sees half of it, making the folders it is in.
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
