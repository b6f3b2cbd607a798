//! A clock that is set back: nothing that waits, expires or is measured looks at it.

use std::fs;
use std::path::{Path, PathBuf};

/// The places that read the time of day, which is shown or sent and never compared.
const READERS: [&str; 1] = ["model/timestamp.rs"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Everything that waits or expires uses `Instant`, which never goes back. The lint that bans the wall clock
/// elsewhere is checked too.
#[test]
fn only_timestamps_read_the_wall_clock() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&home.join("src"), &mut files);
    assert!(files.len() > 50, "{files:?}");
    for file in files {
        let reads = fs::read_to_string(&file)
            .unwrap()
            .contains("SystemTime::now()");
        let may = READERS.iter().any(|reader| file.ends_with(reader));
        assert_eq!(reads, may, "{}", file.display());
    }
    let lints = fs::read_to_string(home.join("../../clippy.toml")).unwrap();
    assert!(lints.contains("path = \"std::time::SystemTime::now\""));
}
