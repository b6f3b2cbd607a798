use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use super::Recipe;
use crate::support::{Scratch, require, run, said};

/// What one request does to its session.
const REQUEST: &str = include_str!("php_files.php");

/// A folder in which PHP keeps its sessions.
struct Sessions {
    php: PathBuf,
    folder: Scratch,
    /// `session.save_path` before the folder: how many folders deeper the files are.
    depth: &'static str,
}

impl Sessions {
    fn request(&self, session: &str, does: &str) {
        let path = format!("{}{}", self.depth, self.folder.path().display());
        let mut command = Command::new(&self.php);
        command.args(["-d", "session.save_handler=files"]);
        command.args(["-d", &format!("session.save_path=\"{path}\"")]);
        let output = run(command.args(["--", session, does]), REQUEST);
        assert_eq!((output.status.success(), &*said(&output)), (true, ""));
    }

    /// Makes the file of a session as old as if its last request had been last year.
    fn age(&self, session: &Path) {
        let last_year = UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        let file = File::options()
            .write(true)
            .open(self.folder.path().join(session))
            .expect("the file");
        file.set_modified(last_year).expect("a time");
    }

    fn recipe(&self, files: &str) -> Recipe {
        let here = self.folder.path().join(files);
        Recipe::new("php-files").with("/var/lib/php/sessions/sess_*", here.to_string_lossy())
    }
}

#[test]
fn files_of_sessions_with_a_request_within_the_lifetime_are_counted() {
    let Some(php) = require("php") else {
        return;
    };
    let (folder, depth) = (Scratch::new("php-sessions"), "");
    let sessions = Sessions { php, folder, depth };
    for session in ["ada", "bob", "eve", "gone"] {
        sessions.request(session, "login");
    }
    sessions.age(Path::new("sess_gone"));
    // A request that changes nothing keeps a session alive all the same.
    sessions.age(Path::new("sess_bob"));
    sessions.request("bob", "look");
    sessions.request("eve", "logout");
    // One in which nothing is kept is an empty file.
    sessions.request("guest", "look");
    // Other programs' files.
    sessions.folder.write("upl_1", "");
    fs::create_dir(sessions.folder.path().join("sess_folder")).expect("a folder");

    let samples = sessions.recipe("sess_*").samples();
    assert_eq!(samples[0], "app_active_sessions{app=\"php\"} 3.0");
    assert!(samples[1].starts_with("app_last_request_timestamp_seconds{app=\"php\"} 1"));
    let bytes = |name: &str| {
        let file = fs::metadata(sessions.folder.path().join(name));
        file.expect("the file").len()
    };
    let bytes = bytes("sess_ada") + bytes("sess_bob");
    assert_eq!(
        samples[2],
        format!("app_session_store_bytes{{app=\"php\"}} {bytes}.0")
    );
}

#[test]
fn files_two_folders_deeper_are_counted() {
    let Some(php) = require("php") else {
        return;
    };
    let (folder, depth) = (Scratch::new("php-sessions-deep"), "2;");
    for deep in ["a/d", "b/o"] {
        fs::create_dir_all(folder.path().join(deep)).expect("folders");
    }
    let sessions = Sessions { php, folder, depth };
    for session in ["ada", "adele", "bob"] {
        sessions.request(session, "login");
    }
    sessions.age(Path::new("a/d/sess_adele"));
    let samples = sessions.recipe("**/sess_*").samples();
    assert_eq!(samples[0], "app_active_sessions{app=\"php\"} 2.0");
}
