//! `app_exporter check-web-config`: says whether a server could start with a web configuration file.
//!
//! Knows no rule itself: the library reads the file as a server does.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use exporter_kit::toolkit::check_web_config;

/// A server could not start with it.
const BAD: u8 = 1;

/// Check a web configuration file, with the certificates and keys that it names
///
/// Exits with 0 if a server could start with it, 1 if not.
#[derive(clap::Args, Debug)]
pub(crate) struct CheckWebConfig {
    /// The file, as --web.config.file would name it
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl CheckWebConfig {
    /// Checks, and says what it finds: the verdict last, on standard output if it is good.
    pub(crate) fn run(&self) -> ExitCode {
        let file = self.file.display();
        // Who does not read on knows enough; the exit code says it all the same.
        match check_web_config(&self.file) {
            Ok(notices) => {
                let mut err = io::stderr().lock();
                for notice in notices {
                    let _ = writeln!(err, "{file}: note: {notice}");
                }
                let _ = writeln!(io::stdout().lock(), "{file}: good");
                ExitCode::SUCCESS
            }
            Err(error) => {
                let _ = writeln!(io::stderr().lock(), "{error}");
                ExitCode::from(BAD)
            }
        }
    }
}
