//! The files of a crate and the imports between them; names are followed through `pub use` to the file that defines them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::checks::rust::{self, File};

/// Names are handed on this often at most.
const LONGEST_TRAIL: usize = 64;

/// A crate's modules, from one root file.
#[derive(Debug, Default)]
pub(super) struct Modules {
    /// Every module by its path: `["metric", "counter"]`; the root's is empty.
    modules: HashMap<Vec<String>, Module>,
    files: Vec<ReadFile>,
}

#[derive(Debug)]
struct ReadFile {
    path: PathBuf,
    module: Vec<String>,
    text: String,
    read: File,
}

#[derive(Debug)]
struct Module {
    /// Index into `files`.
    file: usize,
    names: HashSet<String>,
    /// Names that are imported, with the paths they stand for.
    uses: Vec<(String, Vec<String>)>,
}

/// Public paths of items, by the file that defines them and their name.
pub(super) type Shown = HashMap<(usize, String), String>;

/// One import: a file uses what another one defines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Import {
    pub(super) from: PathBuf,
    pub(super) to: PathBuf,
    pub(super) line: usize,
    /// The path as written.
    pub(super) written: String,
}

impl Modules {
    /// Reads the crate whose root is `root`, following each `mod name;`.
    pub(super) fn read(root: &Path) -> Result<Self, String> {
        let mut modules = Self::default();
        let folder = root.parent().unwrap_or(Path::new("")).to_owned();
        modules.read_file(root, &folder, Vec::new())?;
        Ok(modules)
    }

    /// Reads `file`, the module `path`, whose own modules are below `folder`.
    fn read_file(&mut self, file: &Path, folder: &Path, path: Vec<String>) -> Result<(), String> {
        let failed = |err: &dyn std::fmt::Display| format!("{}: {err}", file.display());
        let text = fs::read_to_string(file).map_err(|err| failed(&err))?;
        let read = File::read(&text).map_err(|err| failed(&err))?;
        let mut children = Vec::new();
        for child in &read.modules {
            let mut folder = folder.to_owned();
            folder.extend(&child.inside);
            let (file, folder) = match &child.path {
                Some(name) => {
                    let file = file.parent().unwrap_or(Path::new("")).join(name);
                    (file, folder)
                }
                None => {
                    let below = folder.join(&child.name);
                    let flat = folder.join(format!("{}.rs", child.name));
                    let file = if flat.is_file() {
                        flat
                    } else {
                        below.join("mod.rs")
                    };
                    (file, below)
                }
            };
            children.push((
                join(&[&path, &child.inside, std::slice::from_ref(&child.name)]),
                file,
                folder,
            ));
        }
        self.add(ReadFile {
            path: file.to_owned(),
            module: path,
            text,
            read,
        });
        for (path, file, folder) in children {
            // A module for another system may be missing here; the compiler reports any other.
            if file.is_file() {
                self.read_file(&file, &folder, path)?;
            }
        }
        Ok(())
    }

    /// Adds a file, and the inline modules in it.
    fn add(&mut self, file: ReadFile) {
        let mut insides: BTreeSet<&[String]> = BTreeSet::from([&[][..]]);
        insides.extend(file.read.names.iter().map(|(inside, _)| &**inside));
        insides.extend(file.read.uses.iter().map(|leaf| &*leaf.path.inside));
        for inside in insides {
            let module = Module::of(self.files.len(), &file.read, inside);
            self.modules.insert(join(&[&file.module, inside]), module);
        }
        self.files.push(file);
    }

    /// Every file with its module and its text.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&Path, &[String], &str)> {
        let files = self.files.iter();
        files.map(|file| (&*file.path, &*file.module, &*file.text))
    }

    /// The public path in the crate `name` of every item that users can name, the shortest one.
    pub(super) fn shown(&self, name: &str) -> Shown {
        let mut shown = Shown::new();
        let mut open = vec![Vec::new()];
        while let Some(module) = open.pop() {
            let Some(index) = self.modules.get(&module).map(|module| module.file) else {
                continue;
            };
            let Some(file) = self.files.get(index) else {
                continue;
            };
            let mut add = |file: usize, item: &str, seen_as: &str| {
                let path = join(&[&[name.to_owned()], &module, &[seen_as.to_owned()]]);
                let path = path.join("::");
                let known = shown
                    .entry((file, item.to_owned()))
                    .or_insert_with(|| path.clone());
                if path.len() < known.len() {
                    *known = path;
                }
            };
            for (inside, name) in &file.read.names {
                if join(&[&file.module, inside]) == module {
                    add(index, name, name);
                }
            }
            for leaf in file.read.uses.iter().filter(|leaf| leaf.is_shown) {
                let target = self.file_of(&module, &leaf.path.segments);
                if let (Some(target), Some(name)) = (target, leaf.path.segments.last()) {
                    add(target, name, &leaf.name);
                }
            }
            for child in file.read.modules.iter().filter(|child| child.is_shown) {
                open.push(join(&[&module, std::slice::from_ref(&child.name)]));
            }
        }
        shown
    }

    /// Every import of one file from another.
    pub(super) fn imports(&self) -> BTreeSet<Import> {
        let mut imports = BTreeSet::new();
        for ReadFile {
            path: from,
            module,
            read,
            ..
        } in &self.files
        {
            let mut add = |path: &rust::Path| {
                let at = join(&[module, &path.inside]);
                let file = self.file_of(&at, &path.segments);
                if let Some(ReadFile { path: to, .. }) = file.and_then(|file| self.files.get(file))
                    && to != from
                {
                    imports.insert(Import {
                        from: from.clone(),
                        to: to.clone(),
                        line: path.line,
                        written: path.segments.join("::"),
                    });
                }
            };
            for leaf in &read.uses {
                // A name that is only handed on is used by the modules that import it from here.
                if !leaf.is_public || read.words.contains(&leaf.name) {
                    add(&leaf.path);
                }
            }
            read.paths.iter().for_each(&mut add);
        }
        imports
    }

    /// The file that defines what `path` names in the module `at`; nothing for other crates.
    pub(super) fn file_of(&self, at: &[String], path: &[String]) -> Option<usize> {
        self.follow(at, path, false, &mut HashSet::new())
    }

    /// As `file_of`. With `exact`, only a module that shows where it has the name counts.
    fn follow(
        &self,
        at: &[String],
        path: &[String],
        exact: bool,
        seen: &mut HashSet<(Vec<String>, Vec<String>)>,
    ) -> Option<usize> {
        // `use log::log` of another crate leads to itself with a longer path each time.
        if seen.len() == LONGEST_TRAIL || !seen.insert((at.to_vec(), path.to_vec())) {
            return None;
        }
        let mut module = at.to_vec();
        let mut rest = path;
        // A relative path begins with a name of the module it stands in.
        let mut relative = true;
        while let [first, tail @ ..] = rest {
            match first.as_str() {
                "crate" => module.clear(),
                "super" => drop(module.pop()),
                "self" => {}
                _ => break,
            }
            relative = false;
            rest = tail;
        }
        while let [first, tail @ ..] = rest {
            let child = join(&[&module, std::slice::from_ref(first)]);
            if self.modules.contains_key(&child) {
                module = child;
                rest = tail;
                relative = false;
                continue;
            }
            let own = self.modules.get(&module)?;
            if own.names.contains(first) {
                return Some(own.file);
            }
            let mut imported = own.uses.iter().filter(|(name, _)| name == first);
            let named = imported
                .find_map(|(_, target)| self.follow(&module, &join(&[target, tail]), exact, seen));
            let mut globs = own.uses.iter().filter(|(name, _)| name == "*");
            let found = named.or_else(|| {
                globs.find_map(|(_, target)| {
                    self.follow(&module, &join(&[target, rest]), true, seen)
                })
            });
            // A macro may define the name where the path leads; a first word that is not known is a crate.
            return found.or((!relative && !exact).then_some(own.file));
        }
        self.modules.get(&module).map(|module| module.file)
    }
}

impl Module {
    /// The module `inside` of file number `file`.
    fn of(file: usize, read: &File, inside: &[String]) -> Self {
        let names = read.names.iter().filter(|(at, _)| at == inside);
        let uses = read.uses.iter().filter(|leaf| leaf.path.inside == inside);
        Self {
            file,
            names: names.map(|(_, name)| name.clone()).collect(),
            uses: uses
                .map(|leaf| (leaf.name.clone(), leaf.path.segments.clone()))
                .collect(),
        }
    }
}

fn join(parts: &[&[String]]) -> Vec<String> {
    parts.concat()
}

/// Groups of more than two files that import each other in a circle, each in order.
pub(super) fn circles(imports: &BTreeSet<Import>) -> Vec<BTreeSet<PathBuf>> {
    let mut reached: BTreeMap<&Path, BTreeSet<&Path>> = BTreeMap::new();
    let mut direct: BTreeMap<&Path, BTreeSet<&Path>> = BTreeMap::new();
    for import in imports {
        direct.entry(&import.from).or_default().insert(&import.to);
    }
    for &start in direct.keys() {
        let mut open = vec![start];
        let mut seen = BTreeSet::new();
        while let Some(file) = open.pop() {
            for &next in direct.get(file).into_iter().flatten() {
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        reached.insert(start, seen);
    }
    let reaches = |from: &Path, to: &Path| reached.get(from).is_some_and(|seen| seen.contains(to));
    let mut circles = BTreeSet::new();
    for &file in reached.keys() {
        let circle: BTreeSet<PathBuf> = reached
            .keys()
            .filter(|other| reaches(file, other) && reaches(other, file))
            .map(|other| other.to_path_buf())
            .collect();
        if circle.len() > 2 {
            circles.insert(circle);
        }
    }
    circles.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A crate with these files, each imports as `from -> to`.
    fn imports(name: &str, files: &[(&str, &str)]) -> Vec<String> {
        let folder =
            std::env::temp_dir().join(format!("xtask-modules-{name}-{}", std::process::id()));
        for (file, text) in files {
            let file = folder.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let imports = Modules::read(&folder.join("lib.rs")).unwrap().imports();
        let shown = |path: &Path| path.strip_prefix(&folder).unwrap().display().to_string();
        let lines = imports
            .iter()
            .map(|i| format!("{} -> {}", shown(&i.from), shown(&i.to)));
        let lines = lines.collect();
        fs::remove_dir_all(&folder).unwrap();
        lines
    }

    #[test]
    fn a_name_is_followed_to_the_file_that_defines_it() {
        let files = [
            ("lib.rs", "mod a; mod b; pub use b::Thing; pub use a::*;"),
            ("a.rs", "use crate::Thing; pub struct Other;"),
            ("b/mod.rs", "mod inner; pub use inner::{Thing, nothing};"),
            (
                "b/inner.rs",
                "use std::fmt; use crate::Other as O; pub struct Thing; pub fn nothing() { super::super::a::x() }",
            ),
        ];
        let expected = [
            "a.rs -> b/inner.rs",
            "b/inner.rs -> a.rs",
            "b/inner.rs -> a.rs",
        ];
        assert_eq!(imports("followed", &files), expected);
    }

    #[test]
    fn a_module_that_hands_a_name_on_uses_it_only_where_it_says_so() {
        let files = [
            ("lib.rs", "mod a; pub use a::A; fn f(_: A) {}"),
            ("a.rs", "pub struct A;"),
        ];
        assert_eq!(imports("hands-on", &files), ["lib.rs -> a.rs"]);
    }

    fn circle_of(pairs: &[(&str, &str)]) -> Vec<BTreeSet<PathBuf>> {
        let imports = pairs.iter().map(|(from, to)| Import {
            from: from.into(),
            to: to.into(),
            line: 1,
            written: String::new(),
        });
        circles(&imports.collect())
    }

    #[test]
    fn two_files_may_use_each_other_and_three_may_not() {
        assert_eq!(circle_of(&[("a", "b"), ("b", "a"), ("b", "c")]).len(), 0);
        let circles = circle_of(&[("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")]);
        assert_eq!(circles, [["a", "b", "c"].map(PathBuf::from).into()]);
    }
}
