//! The walk through folders that finds the paths of a pattern, in the order of their names.

use std::collections::HashSet;
use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};

use exporter_kit::source::Deadline;

use crate::decode::Failure;
use crate::sources::visit::in_time;
use crate::sources::whole_file::unreadable;

/// One part of a pattern between slashes.
#[derive(Debug)]
enum Step {
    /// `**`: any number of folders.
    AnyDepth,
    Literal(String),
    Name(glob::Pattern),
}

/// The matching paths. A folder that cannot be read is an error among them. After the deadline, the last item is an
/// error.
#[derive(Debug)]
pub(crate) struct Walk {
    steps: Vec<Step>,
    /// A pattern that ends in `/` matches only folders.
    needs_folder: bool,
    /// The next places, the last one first.
    todo: Vec<Place>,
    /// Folders below `**` that were listed. A symbolic link that leads back to one is not followed.
    listed: HashSet<(FolderId, Vec<usize>)>,
    deadline: Deadline,
}

/// A path, and the steps that can come next.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    /// Indices of steps, sorted. The index behind the last step means that the path matches.
    next: Vec<usize>,
}

/// Device and inode of a folder, or its path where there are none.
#[derive(Debug, PartialEq, Eq, Hash)]
enum FolderId {
    #[cfg(unix)]
    Inode(u64, u64),
    #[cfg(not(unix))]
    Path(PathBuf),
}

impl Walk {
    /// Begins in `folder`. `parts` are the parts of the pattern below it.
    ///
    /// # Errors
    /// When a part is invalid.
    pub(super) fn new<'p>(
        folder: PathBuf,
        parts: impl Iterator<Item = &'p str>,
        needs_folder: bool,
        deadline: Deadline,
    ) -> Result<Self, glob::PatternError> {
        let steps = parts.map(|part| match part {
            "**" => Ok(Step::AnyDepth),
            part if part.contains(['*', '?', '[']) => glob::Pattern::new(part).map(Step::Name),
            part => Ok(Step::Literal(part.to_owned())),
        });
        let mut walk = Self {
            steps: steps.collect::<Result<_, _>>()?,
            needs_folder,
            todo: Vec::new(),
            listed: HashSet::new(),
            deadline,
        };
        let next = walk.with_skipped(vec![0]);
        walk.todo.push(Place { path: folder, next });
        Ok(walk)
    }

    /// Adds the steps behind each `**`, which also stands for no folder.
    fn with_skipped(&self, mut next: Vec<usize>) -> Vec<usize> {
        let mut at = 0;
        while let Some(step) = next.get(at).copied() {
            // A `**` at the end stands for one folder at least.
            let is_last = step + 1 == self.steps.len();
            if matches!(self.steps.get(step), Some(Step::AnyDepth)) && !is_last {
                next.push(step + 1);
            }
            at += 1;
        }
        next.sort_unstable();
        next.dedup();
        next
    }

    /// The steps that can come after an entry of that name.
    fn after(&self, next: &[usize], name: &str, is_folder: bool) -> Vec<usize> {
        let mut after = Vec::new();
        for at in next {
            match self.steps.get(*at) {
                Some(Step::AnyDepth) if is_folder => {
                    after.push(*at);
                    if *at + 1 == self.steps.len() {
                        after.push(*at + 1);
                    }
                }
                Some(Step::Literal(literal)) if literal == name => after.push(*at + 1),
                Some(Step::Name(pattern)) if pattern.matches(name) => after.push(*at + 1),
                _ => {}
            }
        }
        self.with_skipped(after)
    }

    /// Adds the places in a folder.
    fn list(&mut self, folder: &Path, next: &[usize]) -> Result<(), Failure> {
        if let [only] = next
            && let Some(Step::Literal(name)) = self.steps.get(*only)
        {
            // A file can be found in a folder that cannot be listed.
            let path = folder.join(name);
            if path.exists() {
                let next = self.with_skipped(vec![*only + 1]);
                self.todo.push(Place { path, next });
            }
            return Ok(());
        }
        let listed = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        let failure = |error: &io::Error| unreadable(listed, error);
        let is_deep = |at: &usize| matches!(self.steps.get(*at), Some(Step::AnyDepth));
        if next.iter().any(is_deep) {
            let id = folder_id(listed).map_err(|error| failure(&error))?;
            if !self.listed.insert((id, next.to_vec())) {
                return Ok(());
            }
        }
        let mut found = Vec::new();
        for entry in fs::read_dir(listed).map_err(|error| failure(&error))? {
            in_time(self.deadline)?;
            let entry = entry.map_err(|error| failure(&error))?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let path = folder.join(name);
            let is_folder = is_folder(&path, entry.file_type().ok());
            let next = self.after(next, name, is_folder);
            let is_end = next.contains(&self.steps.len());
            if is_end || (is_folder && !next.is_empty()) {
                found.push(Place { path, next });
            }
        }
        found.sort_unstable_by(|a, b| b.path.cmp(&a.path));
        self.todo.extend(found);
        Ok(())
    }
}

impl Iterator for Walk {
    type Item = Result<PathBuf, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(Place { path, mut next }) = self.todo.pop() {
            if let Err(late) = in_time(self.deadline) {
                self.todo.clear();
                return Some(Err(late));
            }
            let is_end = next.pop_if(|at| *at == self.steps.len()).is_some();
            let listed = match next.is_empty() || !path_is_folder(&path) {
                true => Ok(()),
                false => self.list(&path, &next),
            };
            if let Err(failure) = listed {
                return Some(Err(failure));
            }
            if is_end && (!self.needs_folder || path.is_dir()) {
                return Some(Ok(path));
            }
        }
        None
    }
}

/// Returns whether a path can be listed. The empty path is the current folder.
fn path_is_folder(path: &Path) -> bool {
    path.as_os_str().is_empty() || path.is_dir()
}

/// Returns whether an entry is a folder, or a symbolic link to one.
fn is_folder(path: &Path, file_type: Option<FileType>) -> bool {
    match file_type {
        Some(file_type) if !file_type.is_symlink() => file_type.is_dir(),
        _ => path.is_dir(),
    }
}

#[cfg(unix)]
fn folder_id(folder: &Path) -> io::Result<FolderId> {
    use std::os::unix::fs::MetadataExt as _;

    let metadata = fs::metadata(folder)?;
    Ok(FolderId::Inode(metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn folder_id(folder: &Path) -> io::Result<FolderId> {
    fs::canonicalize(folder).map(FolderId::Path)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    use exporter_kit::source::SourceErrorReason as Reason;

    use super::*;
    use crate::sources::path_pattern::PathPattern;

    fn found(pattern: &str, folder: &Path, deadline: Deadline) -> Vec<Result<String, Failure>> {
        let pattern = PathPattern::parse(pattern).expect("a pattern");
        let paths = pattern.find(folder, deadline).expect("a folder");
        let name = |path: PathBuf| {
            path.strip_prefix(folder)
                .expect("a path below the folder")
                .display()
                .to_string()
        };
        paths.map(|path| path.map(name)).collect()
    }

    #[test]
    fn loops_of_symbolic_links_are_walked_once() {
        let folder = std::env::temp_dir().join(format!("app_exporter-walk-{}", std::process::id()));
        fs::create_dir_all(folder.join("b/c")).unwrap();
        for name in ["a.txt", "b/d.txt", "b/c/e.txt"] {
            fs::write(folder.join(name), "").unwrap();
        }
        // With several loops, each level of links would multiply the paths.
        for link in ["b/up", "b/c/up", "b/c/again"] {
            symlink(&folder, folder.join(link)).unwrap();
        }
        let far = Deadline::after(Duration::MAX);
        let names = |pattern| -> Vec<String> {
            let found = found(pattern, &folder, far).into_iter();
            found.map(Result::unwrap).collect()
        };
        let all = ["a.txt", "b/c/e.txt", "b/d.txt"];
        assert_eq!(names("**/*.txt"), all);
        assert_eq!(names("**/**/*.txt"), all);
        assert_eq!(names("**/b/**/e.txt"), ["b/c/e.txt"]);
        // Without `**`, a link is followed as often as the pattern says.
        assert_eq!(names("*/up/a.txt"), ["b/up/a.txt"]);
        assert_eq!(names("b/*/"), ["b/c", "b/up"]);
        let late = found("**/*.txt", &folder, Deadline::after(Duration::ZERO));
        let reasons: Vec<_> = late
            .into_iter()
            .map(|it| it.map_err(|it| it.reason))
            .collect();
        assert_eq!(reasons, [Err(Reason::Timeout)]);
        fs::remove_dir_all(&folder).unwrap();
    }
}
