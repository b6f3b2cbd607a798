//! `check-web-config`: checks a web configuration file.
//!
//! The library reads the file as its server does; no rule is here.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use exporter_kit::toolkit::check_web_config;

use crate::output::{self, FAILED, MISUSED};

/// Check a web configuration file, with its certificates and keys
///
/// Exits with 0 if a server can start with the file, else with 1.
#[derive(clap::Args, Debug)]
pub(crate) struct CheckWebConfig {
    /// The web configuration file; it wins over --web.config.file
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

impl CheckWebConfig {
    /// Checks the file of the command, or else the `configured` one, which is empty if there is none.
    pub(crate) fn run(&self, configured: &OsStr) -> ExitCode {
        let configured = (!configured.is_empty()).then(|| Path::new(configured));
        let Some(path) = self.file.as_deref().or(configured) else {
            let message = "error: no web configuration file; write check-web-config FILE, add --web.config.file FILE, \
                           or set APP_EXPORTER_WEB_CONFIG_FILE";
            return output::fail(message, MISUSED);
        };
        let file = path.display();
        match check_web_config(path) {
            Ok(notices) => {
                for notice in notices {
                    output::note(&format!("{file}: note: {notice}"));
                }
                output::finish(&format!("{file}: OK\n"))
            }
            Err(error) => output::fail(&error.to_string(), FAILED),
        }
    }
}
