//! Web configuration files of any content.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use exporter_kit::toolkit::check_web_config;

/// A file of this process, in a folder of its own: paths in the configuration begin there.
fn file() -> &'static PathBuf {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    FILE.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("exporter-kit-fuzz-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for the file");
        folder.join("web.yml")
    })
}

/// A verdict, whatever is in the file; and one that says something where it is bad.
pub fn web_configuration(data: &[u8]) {
    // A device that never ends is the operator's choice.
    if data
        .windows(5)
        .any(|bytes| bytes == b"/dev/" || bytes == b"/proc")
    {
        return;
    }
    let file = file();
    fs::write(file, data).expect("the file is written");
    if let Err(error) = check_web_config(file) {
        let said = error.to_string();
        let name = file.display().to_string();
        assert!(
            said.starts_with(&name) && said.len() > name.len() + 2,
            "{said}"
        );
    }
}
