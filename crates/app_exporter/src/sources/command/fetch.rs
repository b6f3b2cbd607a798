//! One run of a program, and its rows.

use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use exporter_kit::Number;
use tokio::process::Command as Program;
use tokio::time::Instant;

use crate::config::Fault;
use crate::decode::{Cell, Decoder, Failure, Format, Limits, Part, Parts, Table, Wanted};
use crate::sources::command::config::{CommandConfig, EXIT};
use crate::sources::command::group::{Complaint, Group};
use crate::sources::command::leftovers::{Run, VARIABLE};
use crate::sources::command::success::Success;
use crate::sources::origin::{Fetch, Surroundings, TARGETED};
use crate::sources::visit::Visit;

/// The variable with the folders of programs.
const PATH: &str = "PATH";

/// Runs a program.
#[derive(Debug)]
pub(super) struct Command {
    start: Arc<Start>,
    success: Success,
    decoder: Option<Arc<Decoder>>,
    /// The results of a failed program, all of which failed.
    parts: Parts,
    wants_exit: bool,
    limits: Limits,
}

/// The command line, environment and folder of a program.
#[derive(Debug)]
struct Start {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Environment,
    directory: PathBuf,
}

/// Variables, whose values may be secret.
struct Environment(Vec<(String, String)>);

impl Command {
    pub(super) fn new(
        config: &CommandConfig,
        wanted: Wanted,
        limits: Limits,
        surroundings: Surroundings<'_>,
    ) -> Result<Self, Fault> {
        let format = config.format.as_ref();
        Ok(Self {
            start: Arc::new(Start::new(config, surroundings)?),
            success: config
                .success
                .as_ref()
                .map_or_else(Success::default, |it| (**it).clone()),
            parts: format.map(Format::parts).unwrap_or_default(),
            wants_exit: !wanted.of(EXIT).is_empty() || format.is_none(),
            decoder: format.map(|format| Arc::new(format.decoder(wanted, limits))),
            limits,
        })
    }

    fn failed(&self, status: ExitStatus, complaint: &Complaint) -> Failure {
        // Hidden as a whole before it is cut into lines, as a secret may have several.
        let complaint = self.start.environment.hide(complaint);
        let last = complaint.lines().rfind(|line| !line.trim().is_empty());
        let said = last.map(|line| {
            let line: String = line.trim().escape_debug().take(200).collect();
            format!("; standard error: `{line}`")
        });
        Failure::query(format!(
            "`{}`: failed with {status}{}",
            self.start.program.display(),
            said.unwrap_or_default()
        ))
    }
}

impl Start {
    fn new(config: &CommandConfig, surroundings: Surroundings<'_>) -> Result<Self, Fault> {
        let folder = surroundings.folder;
        let mut argv = config.argv.iter();
        let program = argv.next().map_or("", |program| program.as_str());
        if let (Some(written), Some(_)) = (config.argv.first(), surroundings.target)
            && written.as_str().contains(TARGETED)
        {
            return Err(Fault::at(
                written.place(),
                "a request must not choose the program; write `${target}` in an argument",
            ));
        }
        // A name without `/` is found in PATH; a relative path begins at the configuration's folder.
        let program = if program.contains('/') {
            folder.join(program)
        } else {
            PathBuf::from(program)
        };
        Ok(Self {
            // The system resolves a relative path after the change of folder.
            program: match (program.is_relative(), program.components().count()) {
                (true, 2..) => std::path::absolute(&program).unwrap_or(program),
                _ => program,
            },
            // A target replaces the placeholder, and never adds arguments.
            arguments: argv
                .map(|argument| surroundings.targeted(argument.as_str()).into_owned())
                .collect(),
            environment: Environment::new(config, surroundings)?,
            directory: folder.join(config.directory.as_deref().unwrap_or(Path::new(""))),
        })
    }

    /// Starts the program. It blocks if the file system of the program does.
    fn start(&self) -> Result<Group, Failure> {
        let mut program = Program::new(&self.program);
        let run = Run::begin();
        program
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.0.iter().map(|(name, value)| (name, value)))
            .env(VARIABLE, run.mark())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if !self.directory.as_os_str().is_empty() {
            program.current_dir(&self.directory);
        }
        // A process group, so that child processes can be killed too.
        #[cfg(unix)]
        program.process_group(0);
        let child = program.spawn().map_err(|error| {
            let name = self.program.display();
            if let Some(interpreter) = missing_interpreter(&self.program, &error) {
                return Failure::connect(format!(
                    "`{name}`: cannot start: its interpreter `{interpreter}` does not exist; install it, or correct the first line of the script"
                ));
            }
            let remedy = remedy(&self.program, &error);
            Failure::connect(format!("`{name}`: cannot start: {error}{remedy}"))
        })?;
        Ok(Group::new(child, run))
    }
}

/// The interpreter in the first line of a script, if the script exists but cannot start for want of it.
fn missing_interpreter(program: &Path, error: &io::Error) -> Option<String> {
    /// More than the system reads of such a line.
    const MOST: u64 = 512;
    if error.kind() != io::ErrorKind::NotFound {
        return None;
    }
    let mut begin = Vec::new();
    let script = std::fs::File::open(program).ok()?;
    script.take(MOST).read_to_end(&mut begin).ok()?;
    let begin = String::from_utf8_lossy(&begin);
    let line = begin.strip_prefix("#!")?.lines().next()?;
    let interpreter = line.split_whitespace().next()?;
    Some(interpreter.escape_debug().to_string())
}

/// The remedy for a program that cannot start. A whole command line as the program's name is a common mistake.
fn remedy(program: &Path, error: &io::Error) -> &'static str {
    let is_command_line = program.to_string_lossy().contains(char::is_whitespace);
    match error.kind() {
        io::ErrorKind::NotFound if is_command_line => {
            "; it runs without a shell: list program and arguments one by one, or write `[sh, -c, …]`"
        }
        io::ErrorKind::NotFound => "; check the name, or write the whole path",
        io::ErrorKind::PermissionDenied => "; make the file executable for the exporter's user",
        _ => "",
    }
}

impl Environment {
    fn new(config: &CommandConfig, surroundings: Surroundings<'_>) -> Result<Self, Fault> {
        let passed = [PATH]
            .into_iter()
            .chain(config.pass_environment.iter().map(String::as_str));
        let mut all: Vec<(String, String)> = passed
            .filter_map(|name| Some((name.to_owned(), (surroundings.variable)(name)?)))
            .collect();
        for (name, value) in &config.environment {
            all.push((name.clone(), value.resolved(surroundings.variable)?));
        }
        Ok(Self(all))
    }

    /// Removes the values of variables from what a program printed, and the end of one that was cut.
    fn hide(&self, said: &Complaint) -> String {
        /// Shorter values are not secrets, and match everywhere.
        const SHORTEST: usize = 4;
        let values = self.0.iter().filter(|(name, _)| name != PATH);
        let mut values: Vec<&str> = values.map(|(_, value)| value.as_str()).collect();
        // Longest first: a value that is part of another would leave the rest of it.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.retain(|value| value.len() >= SHORTEST);
        let ends = values.iter().filter(|_| said.is_cut);
        let cut = ends.map(|value| end_of(value, &said.text)).max();
        let rest = said.text.get(cut.unwrap_or_default()..);
        let rest = String::from_utf8_lossy(rest.unwrap_or_default());
        values.iter().fold(rest.into_owned(), |said, value| {
            said.replace(value, "<secret>")
        })
    }
}

/// The length of the longest end of a secret with which a text begins.
fn end_of(secret: &str, text: &[u8]) -> usize {
    let secret = secret.as_bytes();
    let longest = secret.len().saturating_sub(1).min(text.len());
    let ends = (1..=longest).rev();
    let ends = ends.filter(|length| secret.ends_with(text.get(..*length).unwrap_or_default()));
    ends.max().unwrap_or_default()
}

impl Fetch for Command {
    async fn fetch(&self, visit: &Visit) -> Result<Vec<Part>, Failure> {
        let started = Instant::now();
        let start = Arc::clone(&self.start);
        let mut group = visit.blocking(move || start.start()).await?;
        let (status, output, complaint) = group.finish(self.limits, visit).await?;
        let seconds = started.elapsed();
        let mut parts = Vec::new();
        if self.wants_exit {
            parts.push(Part::rows(EXIT, Ok(exit(status, seconds))));
        }
        let Some(decoder) = &self.decoder else {
            return Ok(parts);
        };
        if status
            .code()
            .is_some_and(|code| self.success.includes(code))
        {
            parts.extend(visit.decode(decoder, output).await?);
            return Ok(parts);
        }
        let failure = self.failed(status, &complaint);
        if !self.wants_exit {
            return Err(failure);
        }
        parts.extend(self.parts.failed(&failure));
        Ok(parts)
    }
}

fn exit(status: ExitStatus, seconds: Duration) -> Table {
    let number = |number: Option<i32>| {
        number.map_or(Cell::Null, |number| {
            Cell::Number(Number::I64(number.into()))
        })
    };
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None;
    Table::of_one_row([
        ("code", number(status.code())),
        ("signal", number(signal)),
        ("seconds", Cell::Number(Number::F64(seconds.as_secs_f64()))),
    ])
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(values: &[&str], text: &str, is_cut: bool) -> String {
        let values = values
            .iter()
            .map(|value| ("KEY".to_owned(), (*value).to_owned()));
        let text = text.as_bytes().to_vec();
        Environment(values.collect()).hide(&Complaint { text, is_cut })
    }

    #[test]
    fn what_is_left_of_a_secret_that_was_cut_is_hidden_too() {
        for (text, expected) in [
            ("ter2 is wrong, hunter2", " is wrong, <secret>"),
            ("2\nhunter2 is wrong", "\n<secret> is wrong"),
            ("hunter2 is wrong", "<secret> is wrong"),
            ("line2 of it", "line2 of it"),
        ] {
            assert_eq!(hidden(&["hunter2"], text, true), expected);
        }
        assert_eq!(hidden(&["hunter2"], "2 are wrong", false), "2 are wrong");
        // A character that was cut in its middle, and lines.
        let environment = Environment(vec![("KEY".to_owned(), "pässword\nlines".to_owned())]);
        let hide = |text: &[u8]| {
            let text = text.to_vec();
            environment.hide(&Complaint { text, is_cut: true })
        };
        assert_eq!(hide(b"\xa4ssword\nlines are wrong"), " are wrong");
        assert_eq!(hide("no pässword\nlines".as_bytes()), "no <secret>");
    }
}
