//! The pages under `docs/`: each can be found, and the tests that they name exist.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

/// The names of all functions in the sources under `folder`.
fn functions(folder: &Path, names: &mut HashSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            let module = match stem.as_str() {
                "mod" => path.parent().unwrap().file_name().unwrap(),
                _ => stem.as_ref(),
            };
            let module = module.to_string_lossy().into_owned();
            let source = fs::read_to_string(&path).unwrap();
            let functions = source.lines().filter_map(|line| {
                let name = line.trim_start().strip_prefix("fn ")?;
                Some(name.split(['(', '<']).next()?.to_owned())
            });
            names.extend(functions.map(|name| format!("{module}::{name}")));
        }
    }
}

#[test]
fn every_test_that_the_requirements_name_exists() {
    let library = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(library.join("docs/requirements.md")).unwrap();
    let mut own = HashSet::new();
    functions(&library.join("src"), &mut own);
    functions(&library.join("tests"), &mut own);
    let program = library.with_file_name("app_exporter").join("tests");
    let mut programs = HashSet::new();
    if program.is_dir() {
        // It is not there where the library's package stands alone.
        functions(&program, &mut programs);
    }
    let is_name = |text: &str| {
        let mut bytes = text.bytes();
        text.contains("::")
            && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b':')
    };
    let tables = page.split("\n## Example 1").next().unwrap();
    let named: Vec<&str> = tables.split('`').filter(|text| is_name(text)).collect();
    let missing: Vec<&&str> = named
        .iter()
        .filter(|name| match name.strip_prefix("app_exporter::") {
            Some(name) => program.is_dir() && !programs.contains(name),
            None => !own.contains(**name) && **name != "testing::assert_lint",
        })
        .collect();
    assert!(named.len() > 40, "{named:?}");
    assert!(missing.is_empty(), "{missing:?}");
}

/// The pages under `folder`, by their paths within `docs/`.
fn pages(folder: &Path, within: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{within}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            pages(&entry.path(), &format!("{name}/"), found);
        } else {
            found.push(name);
        }
    }
}

#[test]
fn every_page_is_in_the_documentation_and_in_the_list() {
    let library = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    pages(&library.join("docs"), "", &mut found);
    // These two are parts of other pages.
    found.retain(|page| page.ends_with(".md") && page != "front.md" && page != "index.md");
    assert!(found.len() > 15, "{found:?}");
    let module = fs::read_to_string(library.join("src/docs.rs")).unwrap();
    // The list is not there where the library's package stands alone.
    let list = fs::read_to_string(library.join("../../docs/README.md")).ok();
    for page in &found {
        assert!(module.contains(&format!("\"{page}\"")), "{page}");
        let link = format!("(../crates/exporter-kit/docs/{page})");
        assert!(
            list.as_ref().is_none_or(|list| list.contains(&link)),
            "{page}"
        );
    }
    let links = list.iter().flat_map(|list| list.split("](").skip(1));
    for link in links.filter_map(|rest| rest.split_once(')')) {
        assert!(
            library.join("../../docs").join(link.0).is_file(),
            "{}",
            link.0
        );
    }
}

/// Features that `docs/parity.md` calls missing, and a text that the library's sources would then have.
const MISSING: [(&str, &str); 5] = [
    (
        "`Process-Start-Time-Unix` header",
        "process-start-time-unix",
    ),
    ("`https://`", "https_connector"),
    ("remote write", "remote_write"),
    ("OTLP", "otlp"),
    ("protobuf decoders", "pub fn protobuf"),
];

#[test]
fn what_parity_calls_missing_is_missing() {
    let library = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(library.join("docs/parity.md")).unwrap();
    let rows: Vec<&str> = page
        .lines()
        .filter(|row| row.contains("| missing"))
        .collect();
    assert_eq!(rows.len(), MISSING.len(), "{rows:#?}");
    #[cfg(feature = "push")]
    assert!(exporter_kit::push::PushGateway::new("https://gateway", "job").is_err());
    let mut sources = Vec::new();
    pages(&library.join("src"), "", &mut sources);
    for (name, text) in MISSING {
        assert!(rows.iter().any(|row| row.contains(name)), "{name}");
        for file in &sources {
            let source = fs::read_to_string(library.join("src").join(file)).unwrap();
            let found = source.to_lowercase().contains(text);
            assert!(
                !found,
                "{file} has `{text}`: parity.md calls {name} missing"
            );
        }
    }
}

/// Links from the pages to items and to each other.
///
/// A page names its target only, as in ``[`Counter`]``, `[text][Counter::inc]` or `[text][guide]`. Two lists of definitions
/// say where that leads. Those at the foot of a page lead a code host to files. Those in `docs/rustdoc-links.txt` come
/// first in the documentation, so there they win, and rustdoc checks them. This test writes both with `UPDATE_GOLDEN=1`.
mod links {
    use super::*;
    use std::collections::BTreeMap;

    /// Returns the text without code blocks.
    fn prose(page: &str) -> String {
        page.split("```").step_by(2).collect()
    }

    /// Returns whether `text` names an item or a page, perhaps in backticks.
    fn is_label(text: &str) -> bool {
        let name = text.trim_matches('`').trim_end_matches('!');
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b':';
        name.len() > 1 && name.bytes().all(word) && !name.as_bytes()[0].is_ascii_digit()
    }

    /// Returns all labels that a page refers to.
    fn labels(prose: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (at, _) in prose.match_indices(']') {
            let rest = &prose[at + 1..];
            let label = if let Some(rest) = rest.strip_prefix('[') {
                rest.split(']').next()
            } else if rest.starts_with('(') || prose[..at].ends_with(']') {
                None
            } else {
                // The second half of a full reference has been seen with its first half, and code is not a link.
                let open = prose[..at].rfind('[').unwrap_or(at);
                let full = prose[..open].ends_with(']');
                let line = prose[..open].rfind('\n').map_or(0, |end| end + 1);
                let code = prose[line..open].matches('`').count() % 2 == 1;
                (!full && !code && open < at).then(|| &prose[open + 1..at])
            };
            found.extend(label.filter(|label| is_label(label)).map(str::to_owned));
        }
        found
    }

    /// Returns the path of the item that a label names.
    fn path(label: &str) -> &str {
        label.trim_matches('`').trim_end_matches('!')
    }

    /// Returns whether a line of Rust defines `name`.
    fn defines(line: &str, name: &str) -> bool {
        let line = line.trim_start();
        let line = line.strip_prefix("pub ").unwrap_or(line);
        let line = line.strip_prefix("const fn ").map_or(line, |_| &line[6..]);
        [
            "struct",
            "enum",
            "trait",
            "fn",
            "const",
            "type",
            "macro_rules!",
        ]
        .iter()
        .filter_map(|keyword| line.strip_prefix(keyword)?.strip_prefix(' '))
        .filter_map(|rest| rest.strip_prefix(name))
        .any(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    }

    /// Returns the file under `src/` that defines an item.
    fn source(path: &str, sources: &BTreeMap<String, String>) -> String {
        let parts: Vec<&str> = path.split("::").collect();
        let is_type = |part: &&&str| part.starts_with(|c: char| c.is_ascii_uppercase());
        let name = parts.iter().find(is_type).or(parts.last()).unwrap();
        if parts.len() == 1 {
            for file in [format!("{path}/mod.rs"), format!("{path}.rs")] {
                if sources.contains_key(&file) {
                    return file;
                }
            }
        }
        let room = format!("{}/", parts[0]);
        let defining = |file: &&String| {
            let mut lines = sources[*file].lines().filter(|line| line.contains(name));
            lines.any(|line| defines(line, name))
        };
        let mut files: Vec<&String> = sources.keys().filter(defining).collect();
        let is_public = |file: &String| {
            let mut lines = sources[file].lines();
            lines.any(|line| line.starts_with("pub ") && defines(line, name))
        };
        files.sort_by_key(|file| (!file.starts_with(&room), !is_public(file)));
        assert!(!files.is_empty(), "nothing in src/ defines `{path}`");
        files[0].clone()
    }

    fn sources(folder: &Path, within: &str, found: &mut BTreeMap<String, String>) {
        let mut files = Vec::new();
        pages(folder, within, &mut files);
        files.retain(|file| file.ends_with(".rs") && file != "docs.rs");
        found.extend(files.into_iter().map(|file| {
            let text = fs::read_to_string(folder.join(&file)).unwrap();
            (file, text)
        }));
    }

    #[test]
    fn links_lead_somewhere_on_a_code_host_and_in_the_documentation() {
        let library = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = Vec::new();
        pages(&library.join("docs"), "", &mut files);
        files.retain(|file| file.ends_with(".md"));
        files.sort();
        let module = |file: &str| {
            let stem = file.rsplit('/').next().unwrap().trim_end_matches(".md");
            stem.replace('-', "_")
        };
        let modules: BTreeMap<String, &String> =
            files.iter().map(|file| (module(file), file)).collect();
        let mut code = BTreeMap::new();
        sources(&library.join("src"), "", &mut code);

        let update = std::env::var_os("UPDATE_GOLDEN").is_some();
        let compare = |file: &Path, expected: &str| {
            let found = fs::read_to_string(file).unwrap_or_default();
            if update && found != expected {
                fs::write(file, expected).unwrap();
            } else {
                let file = file.display();
                assert!(
                    found == expected,
                    "{file}: update its links with UPDATE_GOLDEN=1"
                );
            }
        };
        let mut definitions = BTreeMap::new();
        let mut defined_in: BTreeMap<String, String> = BTreeMap::new();
        for file in &files {
            let text = fs::read_to_string(library.join("docs").join(file)).unwrap();
            let is_definition = |line: &&str| {
                let rest = line
                    .strip_prefix('[')
                    .and_then(|line| line.split(']').nth(1));
                rest.is_some_and(|rest| rest.starts_with(": "))
            };
            let lines: Vec<&str> = text.lines().filter(|line| !is_definition(line)).collect();
            let text = lines.join("\n");
            let up = "../".repeat(file.matches('/').count());
            let mut foot = BTreeMap::new();
            for label in labels(&prose(&text)) {
                let path = path(&label);
                if let Some(page) = modules.get(path) {
                    foot.insert(label.clone(), format!("{up}{page}"));
                    definitions.insert(label.clone(), format!("crate::docs::{path}"));
                } else {
                    let source = defined_in
                        .entry(path.to_owned())
                        .or_insert_with(|| source(path, &code));
                    foot.insert(label.clone(), format!("{up}../src/{source}"));
                    definitions.insert(label.clone(), format!("crate::{path}"));
                }
            }
            let foot: String = foot
                .iter()
                .map(|(label, target)| format!("[{label}]: {target}\n"))
                .collect();
            let gap = if foot.is_empty() { "" } else { "\n" };
            let expected = format!("{}\n{gap}{foot}", text.trim_end());
            compare(&library.join("docs").join(file), &expected);
        }
        let list: String = definitions
            .iter()
            .map(|(label, target)| format!("[{label}]: {target}\n"))
            .collect();
        compare(&library.join("docs/rustdoc-links.txt"), &list);
    }
}
