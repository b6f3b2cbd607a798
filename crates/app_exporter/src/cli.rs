//! The command line: flags, their variables in the environment, and subcommands.
//!
//! The variable of `--log.level` is `APP_EXPORTER_LOG_LEVEL`. The flag wins over it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Command, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use exporter_kit::toolkit::WebFlags;

use crate::check_metrics::CheckMetrics;
use crate::check_web_config::CheckWebConfig;
use crate::config::ByteSize;
use crate::duration::duration;
use crate::logging::{LogFormat, LogLevel};
use crate::simulate::Plan;
use crate::sources::memory::Memory;
use crate::tasks::{
    CheckConfig, Completions, ListSources, Once, PrintManual, PrintReference, PrintSchema,
};

/// Exports the active user sessions of an application to Prometheus
///
/// With --config.file, the numbers come from databases, Redis, files, commands and web servers.
///
/// Without it, they are simulated: a random number from 10 to 100, and a new one every 5 seconds.
#[derive(Debug, Parser)]
#[command(name = "app_exporter", version)]
#[command(override_usage = "app_exporter [FLAGS]\n       app_exporter COMMAND [FLAGS]")]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// The subcommand that runs instead of the exporter.
    #[command(subcommand)]
    pub(crate) task: Option<Task>,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
    #[command(flatten)]
    pub(crate) web: WebFlags,
    #[command(flatten)]
    pub(crate) log: Logs,
    #[command(flatten)]
    memory: MemoryFlags,
    #[command(flatten)]
    simulate: Simulate,
}

const AFTER_HELP: &str = "\
Each flag listed here has a variable in the environment; the flag wins over it. The own flags of a
command, such as --timeout of once, have none. A command reads the configuration file from the same
flags and variables as the exporter: before or after its name.

Exits with 0 after Ctrl-C or SIGTERM, 1 on failure, 2 if a flag or a variable is invalid.";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    CheckMetrics(CheckMetrics),
    CheckWebConfig(CheckWebConfig),
    CheckConfig(CheckConfig),
    Once(Once),
    Sources(ListSources),
    Schema(PrintSchema),
    Reference(PrintReference),
    Completions(Completions),
    Man(PrintManual),
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct ConfigFile {
    /// The configuration: a file, a folder or a pattern; without it, sessions are simulated
    ///
    /// Of a folder or a pattern such as '/etc/app/*.yml', the .yml and .yaml files count.
    #[arg(id = "config.file", long = "config.file", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// How often to check the files for changes, to reload them; 0s disables the check
    #[arg(long = "config.watch-interval", value_name = "DURATION")]
    #[arg(value_parser = watch_interval, default_value = "2s")]
    pub(crate) watch_interval: Duration,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Log")]
pub(crate) struct Logs {
    /// The least severe log lines to write
    #[arg(long = "log.level", value_name = "LEVEL", default_value = "info")]
    pub(crate) level: LogLevel,

    /// The format of the log lines, which go to standard error
    #[arg(long = "log.format", value_name = "FORMAT", default_value = "logfmt")]
    pub(crate) format: LogFormat,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Memory")]
struct MemoryFlags {
    /// The memory of all sources, such as 256MiB [default: 3/4 of the container's limit, or 1GiB]
    ///
    /// Half is for what they receive and for their numbers, half for documents being decoded.
    ///
    /// The limit of a container is that of its control group, version 2.
    #[arg(id = "memory.limit", long = "memory.limit", value_name = "SIZE")]
    #[arg(value_parser = ByteSize::from_str)]
    limit: Option<ByteSize>,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Simulated sessions")]
struct Simulate {
    /// Repeat the same numbers in every run with this seed
    #[arg(long = "simulate.seed", value_name = "NUMBER", value_parser = seed)]
    seed: Option<u64>,

    /// The lowest number of sessions
    #[arg(long = "simulate.minimum", value_name = "NUMBER")]
    #[arg(value_parser = sessions, default_value = "10")]
    minimum: u32,

    /// The highest number of sessions
    #[arg(long = "simulate.maximum", value_name = "NUMBER")]
    #[arg(value_parser = sessions, default_value = "100")]
    maximum: u32,

    /// The time until the next number, such as 200ms, 5s or 1m30s; from 1ms to 1day
    #[arg(long = "simulate.interval", value_name = "DURATION")]
    #[arg(value_parser = interval, default_value = "5s")]
    interval: Duration,
}

impl Options {
    /// Parses the arguments, the program's name first, and the variables of flags that are not among them.
    ///
    /// `--help` and `--version` are errors too, which know their text.
    pub(crate) fn parse(arguments: &[OsString]) -> Result<Self, clap::Error> {
        let mut command = command();
        command
            .try_get_matches_from_mut(arguments)
            .and_then(|matches| Self::from_arg_matches(&matches))
            .map_err(|error| match error.kind() {
                ErrorKind::InvalidUtf8 => name_what_is_not_text(&mut command, error, arguments),
                _ => blame_the_environment(&command, error, arguments),
            })
            .and_then(|options| options.check(&mut command))
    }

    /// Checks flags against each other.
    fn check(self, command: &mut Command) -> Result<Self, clap::Error> {
        let Simulate {
            minimum, maximum, ..
        } = self.simulate;
        if minimum > maximum {
            let message = format!(
                "the minimum `{minimum}` is greater than the maximum `{maximum}`; change \
                 --simulate.minimum or --simulate.maximum, or their variables in the environment"
            );
            return Err(command.error(ErrorKind::ValueValidation, message));
        }
        Ok(self)
    }

    /// The memory that all sources share.
    pub(crate) fn memory(&self) -> Memory {
        Memory::new(self.memory.limit.map(ByteSize::get))
    }

    pub(crate) fn simulation(&self) -> Plan {
        Plan {
            seed: self.simulate.seed,
            range: self.simulate.minimum..=self.simulate.maximum,
            interval: self.simulate.interval,
        }
    }
}

/// Flags that also work behind the name of a subcommand.
const GLOBAL: [&str; 3] = ["config.file", "memory.limit", "web.config.file"];

/// The command line. Each flag's variable follows from its name.
pub(crate) fn command() -> Command {
    Options::command().mut_args(|argument| match argument.get_long() {
        Some(long) => {
            let (variable, is_global) = (variable(long), GLOBAL.contains(&long));
            let argument = argument.env(variable).hide_env_values(true);
            argument.global(is_global)
        }
        None => argument,
    })
}

fn variable(long: &str) -> String {
    let name = long.to_uppercase().replace(['.', '-'], "_");
    format!("APP_EXPORTER_{name}")
}

/// Names the variable instead of the flag if the invalid value came from the variable.
fn blame_the_environment(
    command: &Command,
    mut error: clap::Error,
    arguments: &[OsString],
) -> clap::Error {
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let blamed = command
        .get_arguments()
        .find(|argument| argument.get_long().is_some_and(|long| names(flag, long)));
    let Some((long, variable)) = blamed.and_then(|it| Some((it.get_long()?, it.get_env()?))) else {
        return error;
    };
    let mut arguments = arguments.iter().map(|it| it.to_string_lossy());
    let given = arguments.any(|argument| names(&argument, long));
    if !given {
        let variable = variable.to_string_lossy().into_owned();
        error.insert(ContextKind::InvalidArg, ContextValue::String(variable));
    }
    error
}

/// Names the argument, or the variable, that is not UTF-8.
fn name_what_is_not_text(
    command: &mut Command,
    error: clap::Error,
    arguments: &[OsString],
) -> clap::Error {
    let argument = arguments
        .iter()
        .find(|argument| argument.to_str().is_none());
    let culprit = match argument {
        Some(argument) => Some(format!("the argument `{}`", argument.to_string_lossy())),
        None => command.get_arguments().find_map(|argument| {
            let name = argument.get_env()?;
            let value = std::env::var_os(name).filter(|value| value.to_str().is_none())?;
            let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
            Some(format!("`{value}` in {name}"))
        }),
    };
    match culprit {
        Some(culprit) => {
            let message = format!("{culprit} is not UTF-8; write it in UTF-8");
            command.error(ErrorKind::InvalidUtf8, message)
        }
        None => error,
    }
}

/// True for the flag itself, and for the flag followed by a value or by a value's name.
fn names(text: &str, long: &str) -> bool {
    text.strip_prefix("--")
        .and_then(|text| text.strip_prefix(long))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '=']))
}

fn seed(text: &str) -> Result<u64, &'static str> {
    text.parse()
        .map_err(|_| "a seed is an integer from 0 to 18446744073709551615")
}

fn sessions(text: &str) -> Result<u32, &'static str> {
    text.parse()
        .map_err(|_| "sessions are an integer from 0 to 4294967295")
}

fn interval(text: &str) -> Result<Duration, &'static str> {
    const SHORTEST: Duration = Duration::from_millis(1);
    let interval = duration(text)?;
    if !(SHORTEST..=DAY).contains(&interval) {
        return Err("an interval is between 1ms and 1day");
    }
    Ok(interval)
}

fn watch_interval(text: &str) -> Result<Duration, &'static str> {
    const SHORTEST: Duration = Duration::from_millis(10);
    let interval = duration(text)?;
    if !interval.is_zero() && !(SHORTEST..=DAY).contains(&interval) {
        return Err("an interval is between 10ms and 1day, or 0s");
    }
    Ok(interval)
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use exporter_kit::server::ListenAddress;

    use super::*;

    #[test]
    fn clap_finds_nothing_wrong_with_the_flags() {
        command().debug_assert();
    }

    #[test]
    fn without_arguments_it_is_the_exercise() {
        let options = Options::parse(&["app_exporter".into()]).expect("usable");
        assert_eq!(options.web.listen_addresses, [ListenAddress::from(8000)]);
        assert_eq!(options.web.telemetry_path, "/metrics");
        let plan = options.simulation();
        assert_eq!(plan.seed, None);
        assert_eq!(plan.range, 10..=100);
        assert_eq!(plan.interval, Duration::from_secs(5));
    }

    #[test]
    fn every_flag_has_its_variable() {
        for argument in command().get_arguments() {
            let long = argument.get_long().expect("flags only");
            let variable = argument.get_env().expect("a variable");
            assert_eq!(
                variable.to_str().expect("UTF-8"),
                format!(
                    "APP_EXPORTER_{}",
                    long.to_uppercase().replace(['.', '-'], "_")
                )
            );
        }
    }

    #[test]
    fn numbers_reach_as_far_as_their_messages_say() {
        assert_eq!(seed("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(sessions("4294967295"), Ok(u32::MAX));
        assert_eq!(interval("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(interval("1ms"), Ok(Duration::from_millis(1)));
        assert_eq!(interval("24h"), Ok(Duration::from_secs(86_400)));
        for text in ["0s", "999us", "24h1ms", "584942417355years", ""] {
            assert!(interval(text).is_err(), "{text}");
        }
    }
}
