//! The files of a configuration: the named ones, and those that they include.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;
use std::sync::Arc;
use std::time::Duration;

use exporter_kit::source::Deadline;
use serde::Deserialize;

use crate::config::{At, Expanding, Fault, Place, Variables};
use crate::setup::location::Location;
use crate::sources::path_pattern::PathPattern;

/// The limit of bytes of all files: far more than any configuration, and small enough to be read by mistake.
const MOST_BYTES: usize = 4 << 20;
/// The limit of files, for the same reason.
const MOST_FILES: usize = 10_000;

/// All files of a configuration, as they were read.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Files {
    files: Vec<ReadFile>,
    /// The reasons why files are missing.
    faults: Vec<(Arc<Path>, Fault)>,
}

/// One file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ReadFile {
    pub(super) path: Arc<Path>,
    pub(super) text: String,
    includes: Arc<[At<String>]>,
}

impl Files {
    /// Reads the files that exist now.
    pub(crate) fn read(location: &Location, variables: Variables<'_>) -> Self {
        Self::default().refreshed(location, variables)
    }

    /// Reads them again. A file whose text did not change is not parsed to find its includes.
    pub(crate) fn refreshed(&self, location: &Location, variables: Variables<'_>) -> Self {
        if let Some(text) = location.text() {
            return Self::of_text(location.path(), text);
        }
        let mut reader = Reader {
            known: &self.files,
            variables,
            read: Self::default(),
            bytes: 0,
            waiting: VecDeque::new(),
            seen: HashSet::new(),
        };
        let path: Arc<Path> = location.path().into();
        match found(&path, Path::new("")) {
            Ok(paths) => reader.add(paths),
            Err(cause) => reader.fail(
                &path,
                None,
                format!("cannot read the configuration: {cause}"),
            ),
        }
        while let Some(path) = reader.waiting.pop_front() {
            reader.read(path);
        }
        reader.read
    }

    /// One file without its includes.
    pub(crate) fn of_text(path: &Path, text: &str) -> Self {
        let file = ReadFile {
            path: path.into(),
            text: text.to_owned(),
            includes: Arc::default(),
        };
        Self {
            files: vec![file],
            faults: Vec::new(),
        }
    }

    pub(super) fn as_slice(&self) -> &[ReadFile] {
        &self.files
    }

    pub(super) fn faults(&self) -> &[(Arc<Path>, Fault)] {
        &self.faults
    }
}

/// Reads files until none is waiting.
struct Reader<'r> {
    /// The files of the reading before this one.
    known: &'r [ReadFile],
    variables: Variables<'r>,
    read: Files,
    bytes: usize,
    waiting: VecDeque<PathBuf>,
    /// The files that are read or waiting, with the true paths of their folders.
    seen: HashSet<PathBuf>,
}

impl Reader<'_> {
    fn add(&mut self, paths: Vec<PathBuf>) {
        for path in paths {
            if self.seen.insert(identity(&path)) {
                self.waiting.push_back(path);
            }
        }
    }

    fn fail(&mut self, file: &Arc<Path>, place: Option<Place>, message: String) {
        let fault = Fault { place, message };
        self.read.faults.push((Arc::clone(file), fault));
    }

    fn read(&mut self, path: PathBuf) {
        let path: Arc<Path> = path.into();
        if self.read.files.len() == MOST_FILES {
            let cause = format!("cannot read the file: it is beyond {MOST_FILES} files");
            self.waiting.clear();
            return self.fail(&path, None, format!("{cause}; check the pattern"));
        }
        let text = match text(&path, MOST_BYTES - self.bytes) {
            Ok(text) => text,
            Err(fault) => return self.read.faults.push((path, fault)),
        };
        self.bytes += text.len();
        let known = self.known.get(self.read.files.len());
        let known = known.filter(|known| known.text == text);
        let includes = match known {
            Some(known) => Arc::clone(&known.includes),
            None => includes(&text, self.variables).into(),
        };
        let mut lines = HashMap::new();
        for include in includes.iter() {
            let place = include.place();
            match lines.insert(include.as_str(), place.line) {
                None => self.include(&path, include),
                Some(line) => {
                    let include = include.as_str();
                    let message = format!(
                        "duplicate include `{include}`, which line {line} has too; remove one of the two"
                    );
                    self.fail(&path, Some(place), message);
                }
            }
        }
        self.read.files.push(ReadFile {
            path,
            text,
            includes,
        });
    }

    /// Adds the files of one include.
    fn include(&mut self, path: &Arc<Path>, include: &At<String>) {
        let paths = found(Path::new(include.as_str()), folder(path)).and_then(|paths| match paths
            .as_slice()
        {
            [only] => match fs::metadata(only) {
                Ok(_) => Ok(paths),
                Err(error) => Err(unreadable(&error)),
            },
            _ => Ok(paths),
        });
        match paths {
            Ok(paths) => self.add(paths),
            Err(cause) => {
                let message = format!("cannot include `{}`: {cause}", include.as_str());
                self.fail(path, Some(include.place()), message);
            }
        }
    }
}

/// The folder at which relative paths in a file begin.
pub(super) fn folder(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}

/// The files of a path: itself, those in a folder, or those that match a pattern. `folder` is the base of a relative path.
///
/// # Errors
/// The cause and the remedy, when there are none.
fn found(written: &Path, folder: &Path) -> Result<Vec<PathBuf>, String> {
    if written == Path::new("") {
        return Err("the path is empty; write one".to_owned());
    }
    let path = folder.join(written);
    if path.is_dir() {
        let mut paths = Vec::new();
        for entry in fs::read_dir(&path).map_err(|error| unreadable(&error))? {
            paths.push(entry.map_err(|error| unreadable(&error))?.path());
        }
        paths.retain(|path| is_configuration(path));
        paths.sort();
        return match paths.is_empty() {
            true => Err(
                "no file of this folder ends in `.yml` or `.yaml`; add one, or name another folder"
                    .to_owned(),
            ),
            false => Ok(paths),
        };
    }
    let pattern = match written.to_str() {
        // A file may have a name with wildcards.
        Some(text) if !path.exists() => PathPattern::parse(text)?,
        _ => return Ok(vec![path]),
    };
    if !pattern.is_pattern() {
        return Ok(vec![path]);
    }
    let matching = pattern
        .find(folder, Deadline::after(Duration::MAX))
        .map_err(|failure| format!("{}; check the path and its permissions", failure.message))?;
    let mut paths = Vec::new();
    for path in matching {
        let path = path.map_err(|failure| {
            format!("{}; check the permissions of the folder", failure.message)
        })?;
        if is_configuration(&path) {
            paths.push(path);
        }
    }
    match paths.is_empty() {
        true => Err(
            "no file that ends in `.yml` or `.yaml` matches; add one, or change the pattern"
                .to_owned(),
        ),
        false => Ok(paths),
    }
}

/// Returns whether a file of a folder or pattern counts. Backups and leftovers of editors and packages do not.
fn is_configuration(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    let name = path.file_name().unwrap_or_default();
    matches!(extension, Some("yml" | "yaml"))
        && !name.as_encoded_bytes().starts_with(b".")
        && !path.is_dir()
}

/// The path with the true path of its folder. Two links to one file stay two files.
fn identity(path: &Path) -> PathBuf {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    match (fs::canonicalize(folder), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

fn unreadable(error: &io::Error) -> String {
    format!("{error}; check its path and permissions")
}

/// The text of a file.
///
/// # Errors
/// When it cannot be read, is longer than the bytes that are `left`, or is not UTF-8.
fn text(path: &Path, left: usize) -> Result<String, Fault> {
    let mut bytes = Vec::new();
    let read =
        fs::File::open(path).and_then(|file| file.take(left as u64 + 1).read_to_end(&mut bytes));
    let cause = match read {
        Err(error) => unreadable(&error),
        Ok(_) if bytes.len() > left => {
            format!("the configuration is longer than {MOST_BYTES} bytes; check its path")
        }
        Ok(_) => return String::from_utf8(bytes).map_err(|error| not_utf8(&error)),
    };
    Err(Fault {
        place: None,
        message: format!("cannot read the file: {cause}"),
    })
}

/// The includes of a file. A file with mistakes has none: they are reported when the file is parsed as a whole.
fn includes(text: &str, variables: Variables<'_>) -> Vec<At<String>> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Includes {
        include: Vec<At<String>>,
    }

    let options = serde_saphyr::options! { strict_booleans: true };
    let read = serde_saphyr::with_deserializer_from_str_with_options(text, options, |yaml| {
        Includes::deserialize(Expanding::new(yaml, variables))
    });
    read.unwrap_or_default().include
}

/// The place of the first bytes that are not UTF-8.
fn not_utf8(error: &FromUtf8Error) -> Fault {
    let (before, after) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
    let begins = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let column = String::from_utf8_lossy(&before[begins..]).chars().count() + 1;
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let place = Place {
        line: line as u64,
        column: column as u64,
    };
    let wide =
        before.is_empty() && (after.starts_with(b"\xff\xfe") || after.starts_with(b"\xfe\xff"));
    Fault::at(
        place,
        match after.first() {
            Some(byte) if !wide => {
                format!("the byte 0x{byte:02x} is not UTF-8; save the file in UTF-8")
            }
            _ => "the file is UTF-16; save it in UTF-8".to_owned(),
        },
    )
}
