//! The file for node_exporter's textfile collector.

use std::fs;
use std::path::{Path, PathBuf};

use exporter_kit::Registry;

/// An empty folder for one test; removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = format!("{name}-{}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The names in it, sorted.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_file_has_everything_and_nothing_else_is_left() {
    let folder = Folder::new("text_file_whole");
    let path = folder.0.join("job.prom");
    fs::write(&path, "old").unwrap();
    let registry = Registry::new();
    let rows = registry
        .add(exporter_kit::Gauge::define("rows", "Rows by table.").labels(["table"]))
        .unwrap();
    for table in 0..20_000 {
        rows.with([&*table.to_string()]).set(table);
    }
    registry.write_text_file(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.len() > 300_000, "it is more than one chunk");
    assert_eq!(text, registry.to_text());
    assert_eq!(folder.names(), ["job.prom"]);
}

#[test]
fn a_file_that_can_not_be_renamed_is_removed() {
    let folder = Folder::new("text_file_rename");
    let path = folder.0.join("job.prom");
    // A directory that is not empty can't be replaced by a file.
    fs::create_dir(&path).unwrap();
    fs::write(path.join("inside"), "").unwrap();
    let error = Registry::new().write_text_file(&path).unwrap_err();
    assert_eq!(error.path(), path);
    assert!(error.to_string().contains("job.prom`: "), "{error}");
    assert_eq!(folder.names(), ["job.prom"]);
}

#[test]
fn a_directory_that_is_not_there_is_named_with_the_remedy() {
    let folder = Folder::new("text_file_missing");
    let path = folder.0.join("no/job.prom");
    let error = Registry::new()
        .write_text_file(&path)
        .unwrap_err()
        .to_string();
    assert!(error.contains(&format!("`{}`", path.display())), "{error}");
    assert!(error.ends_with("; create its directory first"), "{error}");
}
