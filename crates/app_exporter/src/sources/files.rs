//! Number and age of files, for applications that keep sessions in files.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{fs, io};

use exporter_kit::source::Deadline;
use exporter_kit::{Number, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{At, Fault, Place, Span};
use crate::decode::{Cell, Failure, Limits, Part, Parts, Table, Wanted};
use crate::sources::origin::{Fetch, Fetcher, Origin, SourceInfo, Surroundings};
use crate::sources::path_pattern::PathPattern;
use crate::sources::visit::{Visit, in_time};
use crate::sources::whole_file::unreadable;

const ROWS: &str = "rows";

/// The source in lists.
pub(crate) const INFO: SourceInfo = SourceInfo {
    name: "files",
    about: "the number of files that match a pattern, by age",
    rows: "one, with count, bytes, oldest, newest",
    features: &[],
};

/// Number and age of files: one row with `count`, `bytes`, and the times of the `oldest` and the `newest`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FilesConfig {
    /// The pattern of the files, such as `/var/lib/php/sessions/sess_*`. Folders are not counted.
    path: At<PathPattern>,
    /// Counts only files that were modified within this time.
    #[serde(default)]
    newer_than: Option<Span>,
    /// Counts only files that were not modified within this time.
    #[serde(default)]
    older_than: Option<At<Span>>,
}

/// Counts files.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    path: PathPattern,
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
                "no file can be both, so the count is always 0; make `older_than` less than `newer_than`",
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
        for path in self.path.find_unordered(&self.folder, deadline)? {
            let path = path?;
            in_time(deadline)?;
            // Sessions end all the time: a file that was removed meanwhile is not an error.
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

fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}
