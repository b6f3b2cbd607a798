use std::fs::{self, File};
use std::time::{Duration, UNIX_EPOCH};

use super::Recipe;
use crate::support::Scratch;

/// As PHP writes it: the session's values serialised, in a file named by its identifier.
const SESSION: &str = "user_id|i:42;cart|a:1:{i:0;s:4:\"book\";}";

#[test]
fn files_written_to_within_the_lifetime_are_sessions() {
    let folder = Scratch::new("php-sessions");
    for name in ["sess_0f3a9c", "sess_77b1d2", "sess_e0e0e0"] {
        folder.write(name, SESSION);
    }
    folder.write("sess_older", SESSION);
    let last_year = UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    let older = File::options()
        .write(true)
        .open(folder.path().join("sess_older"))
        .expect("the file");
    older.set_modified(last_year).expect("a time");
    // Other programs' files, and PHP's own uploads.
    folder.write("upl_1", "");
    fs::create_dir(folder.path().join("sess_folder")).expect("a folder");

    let recipe =
        Recipe::new("php-files").with("/var/lib/php/sessions", folder.path().to_string_lossy());
    let samples = recipe.samples();
    assert_eq!(samples[0], "app_active_sessions{app=\"php\"} 3.0");
    let bytes = SESSION.len() * 3;
    assert!(samples.contains(&format!("app_session_store_bytes{{app=\"php\"}} {bytes}.0")));
    assert!(samples[1].starts_with("app_last_request_timestamp_seconds{app=\"php\"} 1"));
}
