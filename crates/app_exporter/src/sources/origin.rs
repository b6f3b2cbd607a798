//! The list of sources: what a configuration can name, and what runs for it.

use std::path::Path;
use std::sync::Arc;

use crate::config::{At, Fault, Place, SourceConfig};
use crate::decode::{Decoder, Failure, Format, Limits, Part, Parts, Wanted};
use crate::sources::command::{Command, CommandConfig};
use crate::sources::file::{File, FileConfig};
use crate::sources::files::{Files, FilesConfig};
use crate::sources::http::{Http, HttpConfig};
use crate::sources::login::{Login, LoginConfig};
use crate::sources::simulate::{Simulate, SimulateConfig};

/// What is said of a source where sources are listed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SourceInfo {
    /// Its key in the configuration.
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// The rows it yields.
    pub(crate) rows: &'static str,
}

/// Every source.
pub(crate) const SOURCES: &[SourceInfo] = &[
    SourceInfo {
        name: "simulate",
        about: "made-up numbers: uniform, sine, random_walk, steps",
        rows: "one row: value",
    },
    SourceInfo {
        name: "file",
        about: "what files say, in any format",
        rows: "the format's; `files`: path, name, bytes, modified",
    },
    SourceInfo {
        name: "files",
        about: "how many files match a pattern, by age",
        rows: "one row: count, bytes, oldest, newest",
    },
    SourceInfo {
        name: "command",
        about: "what a program prints, in any format, and how it ends",
        rows: "the format's; `exit`: code, signal, seconds",
    },
    SourceInfo {
        name: "http",
        about: "what a web server answers, in any format",
        rows: "the format's; `response`: status, bytes, seconds",
    },
    SourceInfo {
        name: "login",
        about: "who is logged in to this machine",
        rows: "a row for each login: user, terminal, host, type, remote, state, since",
    },
];

/// The one place that a source's configuration names.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin<'c> {
    Simulate(&'c At<SimulateConfig>),
    File(&'c At<FileConfig>),
    Files(&'c At<FilesConfig>),
    Command(&'c At<CommandConfig>),
    Http(&'c At<HttpConfig>),
    Login(&'c At<LoginConfig>),
}

/// What a source is built in: everything that comes from outside the configuration.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'s> {
    /// What relative paths begin at.
    pub(crate) folder: &'s Path,
    /// The environment.
    pub(crate) variable: &'s dyn Fn(&str) -> Option<String>,
}

/// A source that can be asked.
#[derive(Debug)]
pub(crate) enum Fetcher {
    Simulate(Simulate),
    File(File),
    Files(Files),
    Command(Command),
    Http(Box<Http>),
    Login(Login),
}

impl<'c> Origin<'c> {
    /// # Errors
    /// When the configuration names no place or several: the end of a sentence that begins with the source.
    pub(crate) fn of(source: &'c SourceConfig) -> Result<Self, String> {
        let named = [
            source.simulate.as_ref().map(Self::Simulate),
            source.file.as_ref().map(Self::File),
            source.files.as_ref().map(Self::Files),
            source.command.as_ref().map(Self::Command),
            source.http.as_ref().map(Self::Http),
            source.login.as_ref().map(Self::Login),
        ];
        let mut named = named.into_iter().flatten();
        match (named.next(), named.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => {
                let names: Vec<_> = SOURCES.iter().map(|it| format!("`{}`", it.name)).collect();
                let names = names.join(", ");
                Err(format!(
                    "does not say where its numbers are; add one of {names}"
                ))
            }
            (Some(a), Some(b)) => Err(format!(
                "has both `{}` and `{}`; make two sources of it",
                a.name(),
                b.name()
            )),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Simulate(_) => "simulate",
            Self::File(_) => "file",
            Self::Files(_) => "files",
            Self::Command(_) => "command",
            Self::Http(_) => "http",
            Self::Login(_) => "login",
        }
    }

    /// The sets of rows that it yields.
    pub(crate) fn parts(self) -> Parts {
        match self {
            Self::Simulate(_) => Simulate::parts(),
            Self::File(config) => config.parts(),
            Self::Files(_) => Files::parts(),
            Self::Command(config) => config.parts(),
            Self::Http(config) => config.parts(),
            Self::Login(_) => Login::parts(),
        }
    }

    /// What is wrong with its configuration that its keys alone do not show.
    pub(crate) fn check(self, faults: &mut Vec<Fault>) {
        match self {
            Self::Simulate(config) => config.check(config.place(), faults),
            Self::Command(config) => config.check(config.place(), faults),
            Self::Http(config) => config.check(config.place(), faults),
            Self::File(_) | Self::Files(_) | Self::Login(_) => (),
        }
        if let Some(format) = self.format() {
            format.check(faults);
        }
    }

    /// Whether it gives families by itself, without metrics being declared.
    pub(crate) fn gives_families(self) -> bool {
        self.format().is_some_and(Format::gives_families)
    }

    /// What is wrong with the name of a column, if its syntax tells.
    pub(crate) fn check_column(self, column: &str, place: Place, faults: &mut Vec<Fault>) {
        if let Some(format) = self.format() {
            format.check_column(column, place, faults);
        }
    }

    /// Makes what can be asked, keeping the columns that are wanted. Nothing is opened or connected.
    ///
    /// # Errors
    /// When a variable is not set, or a secret can't be had.
    pub(crate) fn build(
        self,
        wanted: Wanted,
        limits: Limits,
        surroundings: Surroundings<'_>,
    ) -> Result<Fetcher, Fault> {
        Ok(match self {
            Self::Simulate(config) => Fetcher::Simulate(Simulate::new(config)),
            Self::File(config) => {
                Fetcher::File(File::new(config, wanted, limits, surroundings.folder))
            }
            Self::Files(config) => Fetcher::Files(Files::new(config, surroundings.folder)),
            Self::Command(config) => {
                Fetcher::Command(Command::new(config, wanted, limits, surroundings)?)
            }
            Self::Http(config) => {
                Fetcher::Http(Box::new(Http::new(config, wanted, limits, surroundings)?))
            }
            Self::Login(config) => Fetcher::Login(Login::new(config, limits, surroundings.folder)),
        })
    }

    fn format(self) -> Option<&'c Format> {
        match self {
            Self::File(config) => config.format(),
            Self::Command(config) => config.format(),
            Self::Http(config) => config.format(),
            Self::Simulate(_) | Self::Files(_) | Self::Login(_) => None,
        }
    }
}

impl Fetcher {
    /// Asks once. Dropping the future ends the work.
    ///
    /// # Errors
    /// When nothing could be had.
    pub(crate) async fn fetch(&self) -> Result<Vec<Part>, Failure> {
        match self {
            Self::Simulate(source) => Ok(source.fetch()),
            Self::File(source) => source.fetch().await,
            Self::Files(source) => source.fetch().await,
            Self::Command(source) => source.fetch().await,
            Self::Http(source) => source.fetch().await,
            Self::Login(source) => source.fetch().await,
        }
    }
}

/// Decodes in place what is short, and on another thread what would hold up other sources.
pub(super) async fn decode(decoder: &Arc<Decoder>, bytes: Vec<u8>) -> Result<Vec<Part>, Failure> {
    const SHORT: usize = 64 * 1024;
    if bytes.len() <= SHORT {
        return decoder.decode(&bytes);
    }
    let decoder = Arc::clone(decoder);
    blocking(move || decoder.decode(&bytes)).await
}

/// Runs what may block on a thread made for that.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Failure::decode(format!("the work was not done: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_is_listed_under_its_key() {
        let schema = crate::config::Config::schema();
        for source in SOURCES {
            let config = format!("sources: {{a: {{{}: 1}}}}", source.name);
            let location = crate::config::Location::new("a.yml");
            let error = crate::config::Config::parse(&config, &location).unwrap_err();
            assert!(!error.to_string().contains("unknown key"), "{error}");
            assert!(schema.contains(&format!("\"{}\": {{", source.name)));
        }
    }
}
