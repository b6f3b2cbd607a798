//! Rooms of the library, in the one direction in which they may use each other; and no circles of files in any crate.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::checks::finding::Finding;
use crate::checks::modules::{Import, Modules, circles};

/// The library's source folder.
const LIBRARY: &str = "crates/exporter-kit/src";

/// The library's rooms, in rows. A room may use those of its own row and of the rows above it, and nothing below.
///
/// A room is a folder, or a file beside `lib.rs`. The picture of them is in ARCHITECTURE.md.
#[rustfmt::skip]
const ROOMS: &[&[&str]] = &[
    &["error", "sync", "name", "model"],
    &["collect"],
    &["encode", "parse", "snapshot", "lint"],
    &["metric", "source", "process", "build_info"],
    &["registry"],
    &["scrape"],
    &["page"],
    &["server"],
    &["toolkit", "layer", "push", "testing"],
];

/// Files that show the library's names to its users, and may name every room.
const FRONT: &[&str] = &["lib", "docs"];

/// Crates that are checked for circles.
const ROOTS: &[&str] = &[
    "crates/exporter-kit/src/lib.rs",
    "crates/app_exporter/src/lib.rs",
    "crates/app_exporter/src/main.rs",
    "xtask/src/main.rs",
];

/// Imports of the library that run against [`ROOMS`].
pub(super) fn direction(root: &Path) -> Result<Vec<Finding>, String> {
    let imports = Modules::read(&root.join(LIBRARY).join("lib.rs"))?.imports();
    let mut pairs = BTreeSet::new();
    let findings = imports
        .iter()
        .filter_map(|import| Some((import, against(import, &root.join(LIBRARY))?)))
        // One line of each file is enough.
        .filter(|(import, _)| pairs.insert((&import.from, &import.to)))
        .map(|(_, finding)| finding);
    Ok(findings.collect())
}

/// Circles of more than two files.
pub(super) fn no_circles(root: &Path) -> Result<Vec<Finding>, String> {
    let mut findings = Vec::new();
    for file in roots(root)? {
        let imports = Modules::read(&file)?.imports();
        for circle in circles(&imports) {
            findings.push(circle_finding(root, &circle, &imports));
        }
    }
    findings.sort();
    findings.dedup();
    Ok(findings)
}

/// The known roots and every other crate's of `crates/`.
fn roots(root: &Path) -> Result<BTreeSet<PathBuf>, String> {
    let mut roots: BTreeSet<PathBuf> = ROOTS.iter().map(|file| root.join(file)).collect();
    let crates = root.join("crates");
    let failed = |err| format!("cannot read `{}`: {err}", crates.display());
    for entry in std::fs::read_dir(&crates).map_err(failed)? {
        let source = entry.map_err(failed)?.path().join("src");
        roots.extend(["lib.rs", "main.rs"].map(|file| source.join(file)));
    }
    roots.retain(|file| file.is_file());
    Ok(roots)
}

/// The finding, if `import` runs against the order.
fn against(import: &Import, source: &Path) -> Option<Finding> {
    let [from, to] = [&import.from, &import.to].map(|file| room(file, source));
    if from == to || FRONT.contains(&&*from) {
        return None;
    }
    let row = |room: &str| ROOMS.iter().position(|row| row.contains(&room));
    let rule = match (row(&from), row(&to)) {
        (Some(from_row), Some(to_row)) if to_row <= from_row => return None,
        (Some(_), Some(_)) => format!("`{to}` is below `{from}` in the table of rooms"),
        (None, _) => format!("`{from}` is not in the table of rooms"),
        (_, None) => format!("`{to}` is not in the table of rooms"),
    };
    Some(Finding {
        file: import.from.clone(),
        line: import.line,
        message: format!("`{from}` uses `{to}` (`{}`): {rule}", import.written),
    })
}

/// The room of a file: the first folder below `source`, or the file's own name there.
fn room(file: &Path, source: &Path) -> String {
    let within = file.strip_prefix(source).unwrap_or(file);
    let first = within.components().next().map(|part| part.as_os_str());
    let first = first.map(Path::new).and_then(Path::file_stem);
    first.unwrap_or_default().to_string_lossy().into_owned()
}

fn circle_finding(root: &Path, circle: &BTreeSet<PathBuf>, imports: &BTreeSet<Import>) -> Finding {
    let shown = |file: &Path| {
        file.strip_prefix(root)
            .unwrap_or(file)
            .display()
            .to_string()
    };
    let mut message = format!("{} files import each other in a circle:", circle.len());
    let mut pairs = BTreeSet::new();
    for import in imports {
        if circle.contains(&import.from)
            && circle.contains(&import.to)
            && pairs.insert((&import.from, &import.to))
        {
            message.push_str(&format!(
                "\n    {}:{} uses {} (`{}`)",
                shown(&import.from),
                import.line,
                shown(&import.to),
                import.written
            ));
        }
    }
    Finding {
        file: circle.first().cloned().unwrap_or_default(),
        line: 1,
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(from: &str, to: &str) -> Option<String> {
        let import = Import {
            from: Path::new("src").join(from),
            to: Path::new("src").join(to),
            line: 7,
            written: "crate::a::B".to_owned(),
        };
        against(&import, Path::new("src")).map(|finding| finding.to_string())
    }

    #[test]
    fn an_import_against_the_order_is_named_with_its_line_and_the_rule() {
        let found = import("name.rs", "metric/counter.rs").unwrap();
        assert!(
            found.starts_with("src/name.rs:7: `name` uses `metric`"),
            "{found}"
        );
        assert!(found.contains("`metric` is below `name`"), "{found}");
        assert_eq!(import("metric/counter.rs", "name.rs"), None);
        assert_eq!(import("metric/counter.rs", "metric/mod.rs"), None);
    }

    #[test]
    fn a_room_that_is_not_in_the_table_is_a_finding() {
        let found = import("attic/junk.rs", "name.rs").unwrap();
        assert!(found.contains("`attic` is not in the table"), "{found}");
        let found = import("metric/mod.rs", "attic/junk.rs").unwrap();
        assert!(found.contains("`attic` is not in the table"), "{found}");
    }

    #[test]
    fn the_front_may_name_every_room() {
        assert_eq!(import("lib.rs", "server/mod.rs"), None);
        assert!(import("server/mod.rs", "lib.rs").is_some());
    }
}
