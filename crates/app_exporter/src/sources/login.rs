//! Who is logged in to this machine: the files that systemd-logind keeps of its sessions.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use exporter_kit::Number;
use exporter_kit::scrape::Deadline;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::Fault;
use crate::decode::{Cell, Failure, Limits, Part, Parts, Table, TableBuilder, Wanted};
use crate::sources::origin::{Fetch, Fetcher, Origin, SourceInfo, Surroundings, blocking};

const ROWS: &str = "rows";
const COLUMNS: [&str; 7] = [
    "user", "terminal", "host", "type", "remote", "state", "since",
];

/// What is said of it where sources are listed.
pub(super) const INFO: SourceInfo = SourceInfo {
    name: "login",
    about: "who is logged in to this machine",
    rows: "a row for each login: user, terminal, host, type, remote, state, since",
    configured: |source| SourceInfo::under("login", source.login.as_ref()),
};

/// Who is logged in to this machine, as systemd-logind knows it: a row for each session of a user.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginConfig {
    /// Where systemd-logind keeps its sessions.
    #[serde(default = "run")]
    path: PathBuf,
}

fn run() -> PathBuf {
    PathBuf::from("/run/systemd/sessions")
}

/// Reads who is logged in.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    path: PathBuf,
    limits: Limits,
}

impl Origin for LoginConfig {
    fn parts(&self) -> Parts {
        Parts::one(ROWS, &COLUMNS)
    }

    fn build(
        &self,
        _: Wanted,
        limits: Limits,
        surroundings: Surroundings<'_>,
    ) -> Result<Fetcher, Fault> {
        Ok(Fetcher::new(Login::new(self, limits, surroundings.folder)))
    }
}

impl Login {
    fn new(config: &LoginConfig, limits: Limits, folder: &Path) -> Self {
        Self {
            path: folder.join(&config.path),
            limits,
        }
    }

    fn sessions(&self) -> Result<Table, Failure> {
        let entries = fs::read_dir(&self.path).map_err(|error| unreadable(&self.path, &error))?;
        let mut paths = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(&self.path, &error))?;
            let kind = entry
                .file_type()
                .map_err(|error| unreadable(&self.path, &error))?;
            // Beside each session there can be a pipe, `1.ref`, that is held open by whoever is logged in.
            if kind.is_file() {
                paths.push(entry.path());
            }
        }
        paths.sort();
        let mut table = TableBuilder::new(COLUMNS, self.limits);
        for path in paths {
            match read(&path) {
                Ok(text) => session(&text).map_or(Ok(()), |row| table.push(row))?,
                // People log out all the time.
                Err(error) if error.kind() == io::ErrorKind::NotFound => (),
                Err(error) => return Err(unreadable(&path, &error)),
            }
        }
        Ok(table.build())
    }
}

impl Fetch for Login {
    async fn fetch(&self, _: Deadline) -> Result<Vec<Part>, Failure> {
        let login = self.clone();
        let table = blocking(move || login.sessions()).await;
        Ok(vec![Part::rows(ROWS, table)])
    }
}

/// The row of one session; none if it is not that of a user, or is over but for its last processes.
fn session(text: &str) -> Option<[Cell; 7]> {
    let value = |key: &str| {
        let mut lines = text.lines();
        lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
    };
    let cell = |key| {
        value(key)
            .filter(|it| !it.is_empty())
            .map_or(Cell::Null, Cell::text)
    };
    // Since version 256 people who only look through a menu, and those who run things in the background, have classes
    // of their own.
    let class = value("CLASS").unwrap_or("user");
    if !class.starts_with("user") || value("STATE") == Some("closing") {
        return None;
    }
    let since = value("REALTIME").and_then(|it| it.parse::<u64>().ok());
    #[allow(
        clippy::cast_precision_loss,
        reason = "microseconds since 1970 fit in 53 bits until the year 2255"
    )]
    let since = since.map(|microseconds| Number::F64(microseconds as f64 / 1e6));
    Some([
        cell("USER"),
        cell("TTY"),
        cell("REMOTE_HOST"),
        cell("TYPE"),
        Cell::Bool(value("REMOTE") == Some("1")),
        cell("STATE"),
        since.map_or(Cell::Null, Cell::Number),
    ])
}

/// The files have some hundred bytes each.
fn read(path: &Path) -> io::Result<String> {
    const MOST_BYTES: u64 = 64 * 1024;
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(MOST_BYTES)
        .read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::connect(format!("can't read `{}`: {error}", path.display()))
}
