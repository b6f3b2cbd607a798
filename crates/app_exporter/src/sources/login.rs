//! Logins on this machine, from the session files of systemd-logind or from utmp.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use exporter_kit::Number;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{self, At, Fault};
use crate::decode::{Cell, Failure, Limits, Part, Parts, Table, TableBuilder, Wanted};
use crate::sources::origin::{Fetch, Fetcher, Origin, SourceInfo, Surroundings};
use crate::sources::visit::Visit;
use crate::sources::whole_file::unreadable;
use crate::sources::{utmp, whole_file};

const ROWS: &str = "rows";
const COLUMNS: [&str; 7] = [
    "user", "terminal", "host", "type", "remote", "state", "since",
];

/// The source in lists.
pub(crate) const INFO: SourceInfo = SourceInfo {
    name: "login",
    about: "logins to this machine, from systemd-logind or utmp",
    rows: "one for each login, with user, terminal, host, type, remote, state, since",
    features: &[],
};

/// The session files of systemd-logind.
const LOGIND: &str = "/run/systemd/sessions";
/// The login records of other programs.
const UTMP: &str = "/var/run/utmp";

/// Logins on this machine: a row for each session of a user. `login: {}` reads the sessions of systemd-logind, or utmp
/// on systems without it.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginConfig {
    /// The folder of systemd-logind's session files; default `/run/systemd/sessions`.
    #[serde(default)]
    path: Option<At<PathBuf>>,
    /// The utmp file; default `/var/run/utmp`. It lacks `type` and `state`.
    #[serde(default)]
    utmp: Option<At<PathBuf>>,
}

/// Reads the logins.
#[derive(Clone, Debug)]
pub(crate) struct Logins {
    records: Records,
    limits: Limits,
}

#[derive(Clone, Debug, PartialEq)]
enum Records {
    Logind(PathBuf),
    Utmp(PathBuf),
    /// The folder if it exists, otherwise the file.
    Either(PathBuf, PathBuf),
}

impl Origin for LoginConfig {
    fn parts(&self) -> Parts {
        Parts::one(ROWS, &COLUMNS)
    }

    fn check(&self, _: config::Place, faults: &mut Vec<Fault>) {
        if let (Some(_), Some(utmp)) = (&self.path, &self.utmp) {
            faults.push(Fault::at(
                utmp.place(),
                "both `path` and `utmp`; drop one of the two, or write two sources",
            ));
        }
    }

    fn build(
        &self,
        _: Wanted,
        limits: Limits,
        surroundings: Surroundings<'_>,
    ) -> Result<Fetcher, Fault> {
        Ok(Fetcher::new(Logins::new(self, limits, surroundings.folder)))
    }
}

impl Logins {
    fn new(config: &LoginConfig, limits: Limits, folder: &Path) -> Self {
        let records = match (&config.path, &config.utmp) {
            (Some(path), _) => Records::Logind(folder.join(&**path)),
            (None, Some(utmp)) => Records::Utmp(folder.join(&**utmp)),
            (None, None) => Records::Either(LOGIND.into(), UTMP.into()),
        };
        Self { records, limits }
    }

    fn sessions(&self) -> Result<Table, Failure> {
        match &self.records {
            Records::Logind(path) => self.of_logind(path),
            Records::Utmp(path) => self.of_utmp(path),
            // Checked at each fetch, as logind may start later.
            Records::Either(folder, _) if folder.is_dir() => self.of_logind(folder),
            Records::Either(_, file) => self.of_utmp(file),
        }
    }

    fn of_utmp(&self, path: &Path) -> Result<Table, Failure> {
        let bytes = whole_file::read(path, self.limits.bytes)?;
        let mut table = TableBuilder::new(COLUMNS, self.limits);
        for row in utmp::logins(&bytes) {
            table.push(row)?;
        }
        Ok(table.build())
    }

    fn of_logind(&self, folder: &Path) -> Result<Table, Failure> {
        let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
        let mut paths = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(folder, &error))?;
            let kind = entry
                .file_type()
                .map_err(|error| unreadable(folder, &error))?;
            // A session can have a pipe beside its file, such as `1.ref`, which the login holds open.
            if kind.is_file() {
                paths.push(entry.path());
            }
        }
        paths.sort();
        let mut table = TableBuilder::new(COLUMNS, self.limits);
        for path in paths {
            match read(&path) {
                Ok(text) => session(&text).map_or(Ok(()), |row| table.push(row))?,
                // A logout between the two steps is not an error.
                Err(error) if error.kind() == io::ErrorKind::NotFound => (),
                Err(error) => return Err(unreadable(&path, &error)),
            }
        }
        Ok(table.build())
    }
}

impl Fetch for Logins {
    async fn fetch(&self, visit: &Visit) -> Result<Vec<Part>, Failure> {
        let login = self.clone();
        let table = visit.blocking(move || login.sessions()).await;
        Ok(vec![Part::rows(ROWS, table)])
    }
}

/// The row of one session; `None` for a session without a user or one that is closing.
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
    // Since version 256, logins without a full session and background sessions have classes of their own.
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

/// Reads a session file of a few hundred bytes.
fn read(path: &Path) -> io::Result<String> {
    const MOST_BYTES: u64 = 64 * 1024;
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(MOST_BYTES)
        .read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_key_it_is_logind_where_that_is_and_else_utmp() {
        let folder =
            std::env::temp_dir().join(format!("app_exporter-login-{}", std::process::id()));
        let (logind, utmp) = (folder.join("sessions"), folder.join("utmp"));
        fs::create_dir_all(&logind).unwrap();
        fs::write(logind.join("1"), "USER=ada\nCLASS=user\n").unwrap();
        let login = Logins {
            records: Records::Either(logind.clone(), utmp.clone()),
            limits: Limits {
                bytes: 1000,
                rows: 10,
            },
        };
        assert_eq!(login.sessions().unwrap().rows().len(), 1);
        fs::remove_dir_all(&logind).unwrap();
        let failure = login.sessions().unwrap_err().message;
        assert!(failure.contains(&*utmp.to_string_lossy()), "{failure}");
        fs::write(&utmp, "").unwrap();
        assert_eq!(login.sessions().unwrap().rows().len(), 0);
        fs::write(&utmp, [0; 1001]).unwrap();
        let failure = login.sessions().unwrap_err().message;
        assert!(failure.ends_with(": more than 1000 bytes; fetch less, or raise `max_bytes`"));
        fs::remove_dir_all(&folder).unwrap();

        let config: LoginConfig = serde_saphyr::from_str("{}").unwrap();
        let limits = login.limits;
        assert_eq!(
            Logins::new(&config, limits, Path::new("/etc")).records,
            Records::Either(LOGIND.into(), UTMP.into())
        );
    }
}
