//! Running another program under a headline, and what a command says when one fails.

use std::ffi::OsStr;
use std::fmt;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

/// The result of every command of `cargo xtask`.
pub(crate) type Outcome = Result<(), Failure>;

/// A failed command: the message, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    message: String,
}

impl Failure {
    /// A failure of the work itself: exit code 1.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            code: 1,
            message: message.into(),
        }
    }

    /// A failure that has been told in full already, and kindly: exit code 1 and no further word.
    pub(crate) fn told() -> Self {
        Self::new("")
    }

    /// Returns whether the failure was reported in full already.
    pub(crate) fn is_told(&self) -> bool {
        self.message.is_empty()
    }

    /// The same failure with another exit code.
    pub(crate) fn with_code(self, code: u8) -> Self {
        Self { code, ..self }
    }

    /// A command line that asks for nothing we know: exit code 2.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            code: 2,
            message: message.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Runs `command` under `headline`, its output going straight to ours.
///
/// Fails with the program's own exit code, and with the line that repeats it.
pub(crate) fn step(headline: &str, command: &mut Command) -> Outcome {
    let line = command_line(command);
    announce(&format!("{headline}: {line}"));
    let begun = Instant::now();
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|err| Failure::new(format!("`{line}` could not be started: {err}")))?;
    ended(headline, &line, status, begun)
}

/// As [`step`], and returns what the program printed to its standard output.
pub(crate) fn echoed(headline: &str, command: &mut Command) -> Result<String, Failure> {
    let line = command_line(command);
    announce(&format!("{headline}: {line}"));
    let start = |err| Failure::new(format!("`{line}` could not be started: {err}"));
    let begun = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(start)?;
    let mut printed = String::new();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            println!("{line}");
            printed.push_str(&line);
            printed.push('\n');
        }
    }
    let status = child.wait().map_err(start)?;
    ended(headline, &line, status, begun).map(|()| printed)
}

/// The outcome of the program that `line` repeats. Prints how long it ran.
fn ended(headline: &str, line: &str, status: ExitStatus, begun: Instant) -> Outcome {
    println!("== {headline}: {} s", begun.elapsed().as_secs());
    if status.success() {
        return Ok(());
    }
    Err(Failure {
        // A program that a signal ended has no code of its own.
        code: status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(1),
        message: format!("{headline} failed ({status}); repeat it with `{line}`"),
    })
}

/// Returns the standard output of `command`; an error has its standard error in it.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let line = command_line(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|err| Failure::new(format!("`{line}` could not be started: {err}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::new(format!(
            "`{line}` failed ({}): {}",
            output.status,
            said.trim()
        )));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Prints a headline that stands out between the outputs of two programs.
pub(crate) fn announce(headline: &str) {
    println!("\n== {headline}");
    // The programs write to the same place without our buffer. A closed pipe is theirs to notice.
    let _ = io::stdout().flush();
}

/// The cargo that runs us, so that its toolchain is the one that is used.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// Returns whether this is a CI run, in which every test has to run.
pub(crate) fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}

/// The command as one would type it in a shell, with the variables we set for it.
fn command_line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    let mut words: Vec<String> = command
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)))
        .map(|(name, value)| format!("{}={}", name.display(), quoted(value)))
        .collect();
    words.push(quoted(program));
    words.extend(command.get_args().map(quoted));
    words.join(" ")
}

/// `word` as a shell takes it for one word.
fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@,+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_carries_the_programs_code_and_how_to_repeat_it() {
        let mut command = Command::new("sh");
        command.args(["-c", "exit $CODE"]).env("CODE", "7");
        let failure = step("a step", &mut command).unwrap_err();
        assert_eq!(failure.code, 7);
        let repeat = "`CODE=7 sh -c 'exit $CODE'`";
        assert!(failure.to_string().contains(repeat), "{failure}");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let failure = output(&mut Command::new("no-such-program-here")).unwrap_err();
        assert!(
            failure.to_string().contains("`no-such-program-here`"),
            "{failure}"
        );
    }
}
