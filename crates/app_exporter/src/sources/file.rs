//! Content of files in any format, and the files themselves.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;
use std::{fs, io};

use exporter_kit::Number;
use exporter_kit::source::SourceErrorReason as Reason;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{At, Fault};
use crate::decode::{
    Cell, Content, Decoder, Failure, Format, Limits, Part, PartInfo, Parts, Table, TableBuilder,
    Wanted,
};
use crate::sources::origin::{Fetch, Fetcher, Origin, SourceInfo, Surroundings};
use crate::sources::path_pattern::PathPattern;
use crate::sources::visit::{Visit, in_time};
use crate::sources::whole_file;

/// The result set with a row for each file.
const FILES: &str = "files";
/// The column of the file in the rows of a format.
const FILE: &str = "file";
const COLUMNS: [&str; 4] = ["path", "name", "bytes", "modified"];

/// The source in lists.
pub(crate) const INFO: SourceInfo = SourceInfo {
    name: "file",
    about: "the content of files, in any format",
    rows: "those of the format, and `files` with path, name, bytes, modified",
    features: &[],
};

/// Content of one or more files. With the format `prometheus` and a path such as `/var/lib/metrics/*.prom` it is a
/// textfile collector.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileConfig {
    /// The path; a relative one begins at the folder of the configuration file. `*`, `?`, `[a-z]` and `**` match
    /// several files. Their rows have the column `file`: the path from the first part with a wildcard on.
    path: At<PathPattern>,
    /// The format of the files. Without it, only the result set `files` exists: path, name, bytes, modified.
    #[serde(default)]
    format: Option<Format>,
}

impl Origin for FileConfig {
    fn parts(&self) -> Parts {
        let files = PartInfo::new(FILES, &COLUMNS);
        match &self.format {
            None => Parts {
                list: vec![files],
                first_is_default: true,
            },
            Some(format) => {
                let mut parts = format.parts();
                for columns in parts.list.iter_mut().filter_map(|it| it.columns.as_mut()) {
                    columns.push(FILE.into());
                }
                parts.and(files)
            }
        }
    }

    fn format(&self) -> Option<&Format> {
        self.format.as_ref()
    }

    fn build(
        &self,
        wanted: Wanted,
        limits: Limits,
        surroundings: Surroundings<'_>,
    ) -> Result<Fetcher, Fault> {
        let file = File::new(self, wanted, limits, surroundings);
        Ok(Fetcher::new(file))
    }
}

/// Reads files.
#[derive(Debug)]
pub(crate) struct File(Arc<Reading>);

#[derive(Debug)]
struct Reading {
    path: PathPattern,
    folder: PathBuf,
    /// The folder before the first wildcard.
    fixed: PathBuf,
    decoder: Option<Decoder>,
    /// The result sets of a file that cannot be read.
    parts: Parts,
    limits: Limits,
}

impl File {
    fn new(
        config: &FileConfig,
        wanted: Wanted,
        limits: Limits,
        surroundings: Surroundings<'_>,
    ) -> Self {
        let path = surroundings.path(&config.path);
        Self(Arc::new(Reading {
            fixed: path.known_folder(surroundings.folder),
            path,
            folder: surroundings.folder.to_owned(),
            parts: match &config.format {
                Some(format) if format.gives_families() => Parts::one("families", &[]),
                Some(format) => format.parts(),
                None => Parts::one(FILES, &COLUMNS),
            },
            decoder: config.format.as_ref().map(|it| it.decoder(wanted, limits)),
            limits,
        }))
    }
}

impl Fetch for File {
    async fn fetch(&self, visit: &Visit) -> Result<Vec<Part>, Failure> {
        let (reading, own) = (Arc::clone(&self.0), visit.clone());
        visit.blocking(move || reading.fetch(&own)).await
    }
}

impl Reading {
    fn fetch(&self, visit: &Visit) -> Result<Vec<Part>, Failure> {
        let paths = self.path.find(&self.folder, visit.deadline())?;
        self.read_all(paths, visit)
    }

    fn read_all(
        &self,
        paths: impl Iterator<Item = Result<PathBuf, Failure>>,
        visit: &Visit,
    ) -> Result<Vec<Part>, Failure> {
        let several = self.path.is_pattern();
        let mut files = TableBuilder::new(COLUMNS, self.limits);
        // The limits are for all files together.
        let mut left = self.limits;
        let mut parts = Vec::new();
        for (count, path) in paths.enumerate() {
            in_time(visit.deadline())?;
            if count == self.limits.rows {
                let failure = Failure::limit(format!(
                    "more than {count} files; match fewer, or raise `max_rows`"
                ));
                parts.push(Part::rows(FILES, Err(failure)));
                return Ok(parts);
            }
            let read = path.and_then(|path| {
                match self.read(visit, &path, &mut files, &mut left) {
                    // A file that was removed meanwhile is not an error.
                    Err(_) if several && is_gone(&path) => Ok(Vec::new()),
                    read => read,
                }
            });
            // An unreadable file or folder does not affect the others.
            match read {
                Ok(read) => parts.extend(read),
                Err(failure) if several => parts.extend(self.parts.failed(&failure)),
                Err(failure) => return Err(failure),
            }
        }
        parts.push(Part::rows(FILES, Ok(files.build())));
        Ok(parts)
    }

    fn read(
        &self,
        visit: &Visit,
        path: &Path,
        files: &mut TableBuilder,
        left: &mut Limits,
    ) -> Result<Vec<Part>, Failure> {
        let metadata = whole_file::metadata(path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let modified = metadata.modified().ok();
        let modified = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        files.push([
            Cell::text(&*path.to_string_lossy()),
            Cell::text(&*name),
            Cell::Number(Number::U64(metadata.len())),
            modified.map_or(Cell::Null, |time| {
                Cell::Number(Number::F64(time.as_secs_f64()))
            }),
        ])?;
        let Some(decoder) = &self.decoder else {
            return Ok(Vec::new());
        };
        let bytes = whole_file::read(path, left.bytes).map_err(|failure| match failure.reason {
            Reason::Limit => self.too_much(path, "bytes", self.limits.bytes),
            _ => failure,
        })?;
        visit.receive(bytes.len())?;
        let decoded = visit.decode_here(decoder, &bytes, None);
        let mut parts =
            decoded.map_err(|failure| failure.about(format!("`{}`", path.display())))?;
        let rows: usize = parts.iter().filter_map(Part::table).map(Table::len).sum();
        if rows > left.rows {
            return Err(self.too_much(path, "rows", self.limits.rows));
        }
        let file = path.strip_prefix(&self.fixed).unwrap_or(path);
        let file = Cell::text(&*file.to_string_lossy());
        left.bytes -= bytes.len();
        left.rows -= rows;
        for part in &mut parts {
            match &mut part.content {
                Ok(Content::Rows(table)) => table.add_column(FILE, &file),
                Ok(Content::Families(_)) => {}
                Err(failure) => *failure = failure.clone().about(format!("`{}`", path.display())),
            }
        }
        Ok(parts)
    }

    fn too_much(&self, path: &Path, what: &str, most: usize) -> Failure {
        let path = path.display();
        let before = if self.path.is_pattern() {
            " and the files before it"
        } else {
            ""
        };
        Failure::limit(format!(
            "`{path}`{before}: more than {most} {what}; fetch less, or raise `max_{what}`"
        ))
    }
}

fn is_gone(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use exporter_kit::source::Deadline;

    use super::*;
    use crate::sources::memory::Memory;
    use crate::sources::visit::Visits;

    #[test]
    fn what_can_not_be_read_costs_nothing_else() {
        let folder = std::env::temp_dir().join(format!("app_exporter-file-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let there = folder.join("b");
        fs::write(&there, "7").unwrap();
        let config: FileConfig = serde_saphyr::from_str("{path: '*/*', format: number}").unwrap();
        let limits = Limits {
            bytes: 100,
            rows: 10,
        };
        let surroundings = Surroundings {
            folder: &folder,
            variable: &|_| None,
            target: None,
            memory: &Memory::default(),
            #[cfg(feature = "_servers")]
            lookups: &crate::sources::lookups::Lookups::new(),
        };
        let File(reading) = File::new(&config, Wanted::default(), limits, surroundings);
        let denied = Failure::connect("`a`: cannot read: permission denied");
        let paths = [Err(denied.clone()), Ok(folder.join("gone")), Ok(there)];
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let visits = Visits::new(surroundings.memory);
        let visit = |time| runtime.block_on(visits.begin(Deadline::after(time)));
        let soon = visit(Duration::from_secs(60)).unwrap();
        let parts = reading.read_all(paths.into_iter(), &soon).unwrap();
        let rows = |part: &Part| part.table().map(Table::len).ok_or(());
        let rows: Vec<_> = parts.iter().map(|part| (&*part.name, rows(part))).collect();
        assert_eq!(
            rows,
            [("rows", Err(())), ("rows", Ok(1)), (FILES, Ok(1))],
            "{parts:?}"
        );
        drop(soon);
        let over = visit(Duration::ZERO).unwrap();
        let failure = reading
            .read_all([Ok(folder.join("b"))].into_iter(), &over)
            .unwrap_err();
        assert_eq!(failure.reason, Reason::Timeout);
        fs::remove_dir_all(&folder).unwrap();
    }
}
