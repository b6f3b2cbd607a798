//! What a program prints, and how it ends.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use exporter_kit::Number;
use exporter_kit::scrape::Deadline;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command as Program};
use tokio::time::{Instant, timeout};

use crate::config::{At, Fault, HiddenTemplate, Place};
use crate::decode::{Cell, Decoder, Failure, Format, Limits, Part, PartInfo, Parts, Table, Wanted};
use crate::sources::origin::{Fetch, Fetcher, Origin, SourceInfo, Surroundings, TARGETED, decode};

/// How the program ended.
const EXIT: &str = "exit";
/// Where programs are found.
const PATH: &str = "PATH";

/// What is said of it where sources are listed.
pub(super) const INFO: SourceInfo = SourceInfo {
    name: "command",
    about: "what a program prints, in any format, and how it ends",
    rows: "the format's, and `exit` with code, signal, seconds",
    configured: |source| SourceInfo::under("command", source.command.as_ref()),
};

/// What a program prints. It is started without a shell and ended, with everything that it has started, when its time
/// is over.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommandConfig {
    /// The program and its arguments, each by itself. Everyone on this machine can see them: a secret belongs in
    /// `environment`.
    argv: Vec<At<String>>,
    /// How its standard output is read. Without it there is only its `exit`: code, signal, seconds.
    #[serde(default)]
    format: Option<Format>,
    /// Variables of its environment. It has these, the passed ones and `PATH`, and no others.
    #[serde(default)]
    environment: BTreeMap<String, At<HiddenTemplate>>,
    /// Variables that are passed on as they are.
    #[serde(default)]
    pass_environment: Vec<String>,
    /// The folder that it runs in: this file's unless this says otherwise.
    #[serde(default)]
    directory: Option<PathBuf>,
    /// The exit codes after which its output counts: 0 unless this says otherwise.
    #[serde(default)]
    success: Option<Vec<i32>>,
}

impl Origin for CommandConfig {
    fn parts(&self) -> Parts {
        let exit = PartInfo::new(EXIT, &["code", "signal", "seconds"]);
        match &self.format {
            None => Parts {
                list: vec![exit],
                first_is_default: true,
            },
            Some(format) => format.parts().and(exit),
        }
    }

    fn format(&self) -> Option<&Format> {
        self.format.as_ref()
    }

    fn check(&self, place: Place, faults: &mut Vec<Fault>) {
        let argument = |argument: &&At<String>| argument.contains('\0');
        match self.argv.first() {
            Some(program) if !program.is_empty() => (),
            Some(program) => faults.push(Fault::at(
                program.place(),
                "the program has no name; write it",
            )),
            None => faults.push(Fault::at(
                place,
                "`argv` is empty; write the program and its arguments",
            )),
        }
        if let Some(argument) = self.argv.iter().find(argument) {
            faults.push(Fault::at(
                argument.place(),
                "an argument can't have the character NUL; drop it",
            ));
        }
        for name in self.environment.keys().chain(&self.pass_environment) {
            if name.is_empty() || name.contains(['=', '\0']) {
                let name = name.escape_debug();
                faults.push(Fault::at(
                    place,
                    format!("`{name}` is no name of a variable; it is not empty and has no `=`"),
                ));
            }
        }
    }

    fn build(
        &self,
        wanted: Wanted,
        limits: Limits,
        surroundings: Surroundings<'_>,
    ) -> Result<Fetcher, Fault> {
        Ok(Fetcher::new(Command::new(
            self,
            wanted,
            limits,
            surroundings,
        )?))
    }
}

/// Runs a program.
#[derive(Debug)]
pub(crate) struct Command {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Environment,
    directory: PathBuf,
    success: Vec<i32>,
    decoder: Option<Arc<Decoder>>,
    /// The parts that its output would have been, where it has none.
    parts: Parts,
    wants_exit: bool,
    limits: Limits,
}

/// Variables, whose values may be secret.
struct Environment(Vec<(String, String)>);

impl Command {
    fn new(
        config: &CommandConfig,
        wanted: Wanted,
        limits: Limits,
        surroundings: Surroundings<'_>,
    ) -> Result<Self, Fault> {
        let passed = [PATH]
            .into_iter()
            .chain(config.pass_environment.iter().map(String::as_str));
        let mut environment: Vec<(String, String)> = passed
            .filter_map(|name| Some((name.to_owned(), (surroundings.variable)(name)?)))
            .collect();
        for (name, value) in &config.environment {
            let value = value
                .resolve(surroundings.variable)
                .map_err(|message| Fault::at(value.place(), message))?;
            environment.push((name.clone(), value));
        }
        let folder = surroundings.folder;
        let directory = folder.join(config.directory.as_deref().unwrap_or(Path::new("")));
        let mut argv = config.argv.iter();
        let program = argv.next().map_or("", |program| program.as_str());
        if let (Some(written), Some(_)) = (config.argv.first(), surroundings.target)
            && written.contains(TARGETED)
        {
            return Err(Fault::at(
                written.place(),
                "the program itself can't be chosen by a request; write `${target}` in an argument",
            ));
        }
        // A name alone is looked for in PATH, a path begins at the configuration.
        let program = if program.contains('/') {
            folder.join(program)
        } else {
            PathBuf::from(program)
        };
        Ok(Self {
            // The program is looked for after the folder has changed.
            program: match (program.is_relative(), program.components().count()) {
                (true, 2..) => std::path::absolute(&program).unwrap_or(program),
                _ => program,
            },
            // In its place and nowhere else: a target never makes arguments of its own.
            arguments: argv
                .map(|argument| surroundings.targeted(argument).into_owned())
                .collect(),
            environment: Environment(environment),
            directory,
            success: config.success.clone().unwrap_or_else(|| vec![0]),
            parts: config
                .format
                .as_ref()
                .map(Format::parts)
                .unwrap_or_default(),
            wants_exit: !wanted.of(EXIT).is_empty() || config.format.is_none(),
            decoder: config
                .format
                .as_ref()
                .map(|format| Arc::new(format.decoder(wanted, limits))),
            limits,
        })
    }

    fn start(&self) -> Result<Group, Failure> {
        let mut program = Program::new(&self.program);
        program
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.0.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if !self.directory.as_os_str().is_empty() {
            program.current_dir(&self.directory);
        }
        // A group of its own, so that what it starts can be ended with it.
        #[cfg(unix)]
        program.process_group(0);
        let child = program.spawn().map_err(|error| {
            Failure::connect(format!("can't start `{}`: {error}", self.program.display()))
        })?;
        Ok(Group::new(child))
    }

    fn failed(&self, status: ExitStatus, complaint: &[u8]) -> Failure {
        let complaint = String::from_utf8_lossy(complaint);
        let last = complaint.lines().rfind(|line| !line.trim().is_empty());
        let said = last.map(|line| {
            let line: String = line.trim().escape_debug().take(200).collect();
            format!("; it says `{line}`")
        });
        Failure::query(format!(
            "`{}` ended with {status}{}",
            self.program.display(),
            said.unwrap_or_default()
        ))
    }
}

impl Fetch for Command {
    async fn fetch(&self, _: Deadline) -> Result<Vec<Part>, Failure> {
        let started = Instant::now();
        let mut group = self.start()?;
        let (status, output, complaint) = group.finish(self.limits).await?;
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
            .is_some_and(|code| self.success.contains(&code))
        {
            parts.extend(decode(decoder, output).await?);
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

/// A program and everything that it has started. Dropping it kills what is left of them.
struct Group {
    child: Child,
    /// The number of the group, until all of it has ended as far as can be seen.
    #[cfg(unix)]
    id: Option<rustix::process::Pid>,
}

impl Group {
    fn new(child: Child) -> Self {
        Self {
            #[cfg(unix)]
            id: child
                .id()
                .and_then(|id| i32::try_from(id).ok())
                .and_then(rustix::process::Pid::from_raw),
            child,
        }
    }

    /// How the program ended, its output, and the end of what it complained about.
    async fn finish(&mut self, limits: Limits) -> Result<(ExitStatus, Vec<u8>, Vec<u8>), Failure> {
        /// How long what the program has started may hold its output open once it has ended itself.
        const GRACE: Duration = Duration::from_secs(1);
        let (stdout, stderr) = (self.child.stdout.take(), self.child.stderr.take());
        let (mut output, mut complaint) = (Vec::new(), Vec::new());
        let unknown =
            |error: io::Error| Failure::connect(format!("the program's end is unknown: {error}"));
        let (status, closed) = {
            let reading = async {
                tokio::try_join!(
                    read(stdout, &mut output, limits.bytes),
                    read_last(stderr, &mut complaint)
                )
            };
            tokio::pin!(reading);
            tokio::select! {
                read = &mut reading => {
                    read?;
                    (self.child.wait().await.map_err(unknown)?, true)
                }
                status = self.child.wait() => {
                    // What it has printed may still be in the pipe; what others hold open is not waited for.
                    let read = timeout(GRACE, &mut reading).await;
                    let closed = read.is_ok();
                    read.unwrap_or(Ok(((), ())))?;
                    (status.map_err(unknown)?, closed)
                }
            }
        };
        if closed {
            self.forget();
        }
        Ok((status, output, complaint))
    }

    /// Both outputs are closed and the program has ended: there is nothing to kill, and the number may be another's.
    fn forget(&mut self) {
        #[cfg(unix)]
        {
            self.id = None;
        }
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            // It may have ended on its own just now.
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
    }
}

/// Reads to the end.
async fn read(
    from: Option<impl AsyncRead + Unpin>,
    into: &mut Vec<u8>,
    most: usize,
) -> Result<(), Failure> {
    let Some(from) = from else { return Ok(()) };
    from.take(most as u64 + 1)
        .read_to_end(into)
        .await
        .map_err(|error| Failure::connect(format!("can't read the program's output: {error}")))?;
    if into.len() > most {
        return Err(Failure::limit(format!(
            "the program prints more than {most} bytes; raise `max_bytes`"
        )));
    }
    Ok(())
}

/// Reads to the end and keeps only the last of it, so that a program that complains a lot is not held up.
async fn read_last(
    from: Option<impl AsyncRead + Unpin>,
    into: &mut Vec<u8>,
) -> Result<(), Failure> {
    const KEPT: usize = 4096;
    let Some(mut from) = from else { return Ok(()) };
    let mut chunk = [0; KEPT];
    loop {
        // Complaints that can't be read are no reason to do without the output.
        let length = from.read(&mut chunk).await.unwrap_or(0);
        if length == 0 {
            return Ok(());
        }
        into.extend_from_slice(chunk.get(..length).unwrap_or_default());
        let surplus = into.len().saturating_sub(KEPT);
        into.drain(..surplus);
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}
