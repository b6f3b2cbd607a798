//! Standard output and standard error of the subcommands, and the exit codes that follow from them.

use std::io::{self, ErrorKind, Write as _};
use std::process::ExitCode;

/// The command failed, or its output cannot be written.
pub(crate) const FAILED: u8 = 1;
/// The command line is invalid; running it again does not help.
pub(crate) const MISUSED: u8 = 2;

/// Writes the whole result of a command to standard output. Ends with 0, or with 1 if that fails.
pub(crate) fn finish(text: &str) -> ExitCode {
    print(text).map_or_else(|failed| failed, |()| ExitCode::SUCCESS)
}

/// Writes to standard output. A reader that closed the pipe has read enough, so that is not an error.
///
/// # Errors
/// The exit code, when the text cannot be written. Standard error then has the reason.
pub(crate) fn print(text: &str) -> Result<(), ExitCode> {
    let mut out = io::stdout().lock();
    // Standard output keeps what follows the last line feed, and ignores errors when the program ends.
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let message = format!("standard output: cannot write: {error}");
            Err(fail(&message, FAILED))
        }
        _ => Ok(()),
    }
}

/// Writes a line to standard error. The exit code reports the failure even where that is closed.
pub(crate) fn note(message: &str) {
    let _ = writeln!(io::stderr().lock(), "{message}");
}

/// Writes a line to standard error, and ends with `code`.
pub(crate) fn fail(message: &str, code: u8) -> ExitCode {
    note(message);
    ExitCode::from(code)
}
