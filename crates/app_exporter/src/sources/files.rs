//! How many files match a pattern, by age: sessions that an application keeps as files.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{fs, io};

use exporter_kit::scrape::{Deadline, SourceErrorReason as Reason};
use exporter_kit::{Number, Timestamp};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use crate::config::{At, Fault, Place, Span};
use crate::decode::{Cell, Failure, Limits, Part, Parts, Table, Wanted};
use crate::sources::origin::{Fetch, Fetcher, Origin, SourceInfo, Surroundings};
use crate::sources::visit::Visit;
use crate::sources::whole_file::unreadable;

const ROWS: &str = "rows";

/// What is said of it where sources are listed.
pub(super) const INFO: SourceInfo = SourceInfo {
    name: "files",
    about: "how many files match a pattern, by age",
    rows: "one row: count, bytes, oldest, newest",
    configured: |source| SourceInfo::under("files", source.files.as_ref()),
};

/// How many files there are: one row with `count`, `bytes`, and the times of the `oldest` and the `newest`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FilesConfig {
    /// Which files, as `/var/lib/php/sessions/sess_*`. Folders are not counted.
    path: At<Pattern>,
    /// Only those that were written to within this time.
    #[serde(default)]
    newer_than: Option<Span>,
    /// Only those that were not written to within this time.
    #[serde(default)]
    older_than: Option<At<Span>>,
}

/// A path in which `*`, `?`, `[a-z]` and `**` stand for several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(String);

/// Counts files.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    path: Pattern,
    folder: PathBuf,
    newer_than: Option<Duration>,
    older_than: Option<Duration>,
}

impl Origin for FilesConfig {
    fn parts(&self) -> Parts {
        Parts::one(ROWS, &["count", "bytes", "oldest", "newest"])
    }

    fn check(&self, _: Place, faults: &mut Vec<Fault>) {
        if let (Some(newer), Some(older)) = (&self.newer_than, &self.older_than)
            && **older >= *newer
        {
            faults.push(Fault::at(
                older.place(),
                "no file is both, so that the count is always 0; `older_than` has to be less than `newer_than`",
            ));
        }
    }

    fn build(
        &self,
        _: Wanted,
        _: Limits,
        surroundings: Surroundings<'_>,
    ) -> Result<Fetcher, Fault> {
        Ok(Fetcher::new(Files::new(self, surroundings)))
    }
}

impl Files {
    fn new(config: &FilesConfig, surroundings: Surroundings<'_>) -> Self {
        Self {
            path: surroundings.path(&config.path),
            folder: surroundings.folder.to_owned(),
            newer_than: config.newer_than.map(Span::get),
            older_than: config.older_than.as_ref().map(|it| it.get()),
        }
    }

    fn count(&self, now: Timestamp, deadline: Deadline) -> Result<Vec<Part>, Failure> {
        let seconds = u64::try_from(now.seconds()).unwrap_or(0);
        let now = Duration::new(seconds, now.subsec_nanos());
        let (mut count, mut bytes) = (0_u64, 0_u64);
        let (mut oldest, mut newest) = (None::<Duration>, None::<Duration>);
        for path in self.path.find(&self.folder)? {
            let path = path?;
            in_time(deadline)?;
            // Sessions end all the time: a file that is gone by now is not counted.
            let metadata = match fs::metadata(&path) {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(unreadable(&path, &error)),
            };
            let modified = metadata
                .modified()
                .map_err(|error| unreadable(&path, &error))?;
            let modified = since_epoch(modified);
            let age = now.saturating_sub(modified);
            let wanted = self.newer_than.is_none_or(|limit| age <= limit)
                && self.older_than.is_none_or(|limit| age > limit);
            if metadata.is_file() && wanted {
                count += 1;
                bytes += metadata.len();
                oldest = Some(oldest.map_or(modified, |oldest| oldest.min(modified)));
                newest = Some(newest.map_or(modified, |newest| newest.max(modified)));
            }
        }
        let moment = |moment: Option<Duration>| {
            moment.map_or(Cell::Null, |it| Cell::Number(Number::F64(it.as_secs_f64())))
        };
        let table = Table::of_one_row([
            ("count", Cell::Number(Number::U64(count))),
            ("bytes", Cell::Number(Number::U64(bytes))),
            ("oldest", moment(oldest)),
            ("newest", moment(newest)),
        ]);
        Ok(vec![Part::rows(ROWS, Ok(table))])
    }
}

impl Fetch for Files {
    async fn fetch(&self, visit: &Visit) -> Result<Vec<Part>, Failure> {
        let (files, deadline) = (self.clone(), visit.deadline());
        let now = Timestamp::now();
        visit.blocking(move || files.count(now, deadline)).await
    }
}

impl Pattern {
    /// The same with other text in place of some, and that text is no pattern.
    pub(super) fn replace(&self, text: &str, by: &str) -> Self {
        Self(self.0.replace(text, &glob::Pattern::escape(by)))
    }

    /// Whether it can stand for several paths.
    pub(super) fn is_pattern(&self) -> bool {
        self.0.contains(['*', '?', '['])
    }

    /// The paths that there are, in the order of their names. What can't be looked into is an error among them.
    ///
    /// # Errors
    /// When the folder that it begins with is not there: that is not the same as no files.
    pub(super) fn find(
        &self,
        folder: &Path,
    ) -> Result<impl Iterator<Item = Result<PathBuf, Failure>> + use<>, Failure> {
        // The folder is no pattern, whatever is in its name.
        let begin = if Path::new(&self.0).is_absolute() || folder.as_os_str().is_empty() {
            String::new()
        } else {
            format!("{}/", glob::Pattern::escape(&folder.to_string_lossy()))
        };
        let pattern = format!("{begin}{}", self.0);
        if !self.is_pattern() {
            let path = folder.join(&self.0);
            return Ok(Found::One(Some(path)));
        }
        let known = folder.join(self.known_folder());
        let known = if known.as_os_str().is_empty() {
            PathBuf::from(".")
        } else {
            known
        };
        fs::read_dir(&known).map_err(|error| unreadable(&known, &error))?;
        let paths = glob::glob(&pattern)
            .map_err(|error| Failure::connect(format!("`{pattern}` is no pattern: {error}")))?;
        Ok(Found::Several(paths))
    }

    /// The folders that it names before the first that it leaves open.
    fn known_folder(&self) -> PathBuf {
        let path = Path::new(&self.0);
        let parent = path.parent().unwrap_or(Path::new(""));
        parent
            .components()
            .take_while(|component| match component {
                Component::Normal(name) => !name.to_string_lossy().contains(['*', '?', '[']),
                _ => true,
            })
            .collect()
    }
}

/// The paths that a pattern stands for.
enum Found {
    One(Option<PathBuf>),
    Several(glob::Paths),
}

impl Iterator for Found {
    type Item = Result<PathBuf, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::One(path) => path.take().map(Ok),
            Self::Several(paths) => {
                let found = paths.next()?;
                Some(found.map_err(|error| unreadable(error.path(), error.error())))
            }
        }
    }
}

/// Threads are not stopped by a deadline, so they look at it.
///
/// # Errors
/// When it has passed.
pub(super) fn in_time(deadline: Deadline) -> Result<(), Failure> {
    if deadline.has_passed() {
        return Err(Failure::new(
            Reason::Timeout,
            "there was no time to look at all files",
        ));
    }
    Ok(())
}

fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Err(de::Error::custom("the path is empty; write one"));
        }
        match glob::Pattern::new(&text) {
            Ok(_) => Ok(Self(text)),
            Err(error) => Err(de::Error::custom(format!(
                "`{text}` is no pattern of paths: {} at its character {}; as in /tmp/sess_*",
                error.msg,
                error.pos + 1
            ))),
        }
    }
}

impl JsonSchema for Pattern {
    fn schema_name() -> Cow<'static, str> {
        "PathPattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1 })
    }
}
