//! Links of every Markdown page: files and anchors that exist, and pages that read the same on a code host and in rustdoc.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use crate::checks::files;
use crate::checks::finding::Finding;
use crate::checks::markdown::{Kind, Link, Page};

/// Pages that rustdoc includes, as well as a code host shows them.
const IN_RUSTDOC: &[&str] = &["crates/exporter-kit/docs", "crates/exporter-kit/README.md"];

/// The links that rustdoc has in place of the pages' own.
const RUSTDOC_LINKS: &str = "crates/exporter-kit/docs/rustdoc-links.txt";

/// The library's pages where they are published, followed by a path below its folder of `target/doc`.
pub(crate) const PUBLISHED: &str = "https://docs.rs/exporter-kit/latest/exporter_kit/";

/// Every page with the path it has in the repository.
type Pages = HashMap<PathBuf, Page>;

/// Links that lead nowhere, and lines that a reader should not see.
pub(super) fn links(root: &Path) -> Result<Vec<Finding>, String> {
    let all = files::all(root)?;
    let mut pages = Pages::new();
    for file in all
        .iter()
        .filter(|file| file.extension().is_some_and(|e| e == "md"))
    {
        pages.insert(file.clone(), Page::read(&files::read(root, file)?));
    }
    let labels = Path::new(RUSTDOC_LINKS);
    pages.insert(labels.to_owned(), Page::read(&files::read(root, labels)?));
    let exists = |path: &Path| all.iter().any(|file| file.starts_with(path));
    let mut findings = Vec::new();
    for (file, page) in &pages {
        if file != Path::new(RUSTDOC_LINKS) {
            findings.extend(of_page(file, page, &pages, &exists));
        }
    }
    findings.sort();
    Ok(findings)
}

/// Links to the published pages of the library, each with its place.
pub(crate) fn published(root: &Path) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    for file in files::with_extension(root, "md")? {
        let page = Page::read(&files::read(root, &file)?);
        for link in page.links.iter().chain(page.definitions.values()) {
            if let Some(path) = link.target.strip_prefix(PUBLISHED) {
                let place = format!("{}:{}", file.display(), link.line);
                found.push((place, path.to_owned()));
            }
        }
    }
    Ok(found)
}

fn of_page(
    file: &Path,
    page: &Page,
    pages: &Pages,
    exists: &dyn Fn(&Path) -> bool,
) -> Vec<Finding> {
    let in_rustdoc = IN_RUSTDOC.iter().any(|place| file.starts_with(place));
    let mut findings = Vec::new();
    let mut find = |line: usize, message: String| {
        findings.push(Finding {
            file: file.to_owned(),
            line,
            message,
        });
    };
    for link in &page.links {
        match link.kind {
            Kind::Inline | Kind::Image => {
                if in_rustdoc && link.kind == Kind::Inline && is_relative(&link.target) {
                    find(
                        link.line,
                        format!(
                            "`({})` is dead in rustdoc; write `[text][label]`, and `[label]: file` at the page's end",
                            link.target
                        ),
                    );
                } else if let Some(why) = dead(file, link, page, pages, exists) {
                    find(link.line, why);
                }
            }
            Kind::Reference if page.definition(&link.target).is_none() => {
                find(
                    link.line,
                    format!("`[{}]` has no definition on this page", link.target),
                );
            }
            // In other pages brackets may be text: `[OK]`, and task lists.
            Kind::Shortcut
                if in_rustdoc
                    && page.definition(&link.target).is_none()
                    && is_name(&link.target) =>
            {
                find(
                    link.line,
                    format!(
                        "`[{0}]` shows its brackets on a code host; write {0} alone, or define it at the page's end",
                        link.target
                    ),
                );
            }
            Kind::Reference | Kind::Shortcut => {}
        }
    }
    let rustdoc = pages
        .get(Path::new(RUSTDOC_LINKS))
        .map(|page| &page.definitions);
    for (label, link) in &page.definitions {
        if let Some(why) = dead(file, link, page, pages, exists) {
            find(link.line, why);
        } else if in_rustdoc && is_relative(&link.target) {
            let outside = PathBuf::from("crates/exporter-kit");
            let to = resolved(file, path_of(&link.target));
            if !to.starts_with(outside) {
                find(
                    link.line,
                    format!(
                        "`{}` is not in the package; name its path in a code span",
                        link.target
                    ),
                );
            } else if rustdoc.is_none_or(|labels| !labels.contains_key(label)) {
                find(
                    link.line,
                    format!("`[{label}]` is missing in {RUSTDOC_LINKS}, so it is dead in rustdoc"),
                );
            }
        }
    }
    for (line, language, code) in &page.code {
        let is_rust = language
            .split([',', ' '])
            .next()
            .is_some_and(|l| l == "rust" || l.is_empty());
        let hidden = code
            .trim_start()
            .strip_prefix('#')
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
        if is_rust && hidden && (language.starts_with("rust") || in_rustdoc) {
            find(
                *line,
                format!(
                    "`{}` is hidden in rustdoc alone; show the whole program",
                    code.trim()
                ),
            );
        }
    }
    findings
}

/// Returns the reason if `link` of `file` leads nowhere.
fn dead(
    file: &Path,
    link: &Link,
    page: &Page,
    pages: &Pages,
    exists: &dyn Fn(&Path) -> bool,
) -> Option<String> {
    let target = &*link.target;
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let path = path_of(target);
    let anchor = target.split_once('#').map(|(_, anchor)| anchor);
    if path.contains("::") {
        return Some(format!(
            "`{target}` is a path of rustdoc, and dead on a code host"
        ));
    }
    let to = resolved(file, path);
    if !path.is_empty() && !exists(&to) {
        return Some(format!("`{target}`: there is no `{}`", to.display()));
    }
    let anchor = anchor?;
    let anchors = if path.is_empty() {
        page
    } else {
        pages.get(&to)?
    };
    (!anchors.anchors.contains(anchor))
        .then(|| format!("`{target}`: no heading has the anchor `#{anchor}`"))
}

fn path_of(target: &str) -> &str {
    target.split_once('#').map_or(target, |(path, _)| path)
}

/// The repository's path that `path` on the page `file` means.
fn resolved(file: &Path, path: &str) -> PathBuf {
    if path.is_empty() {
        return file.to_owned();
    }
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut resolved = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            Component::ParentDir => drop(resolved.pop()),
            Component::CurDir => {}
            part => resolved.push(part),
        }
    }
    resolved
}

fn is_relative(target: &str) -> bool {
    !target.contains("://") && !target.starts_with(['#', '/']) && !target.starts_with("mailto:")
}

/// Returns whether the words in brackets look like the name of an item or a page rather than like text.
fn is_name(label: &str) -> bool {
    label.starts_with('`')
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGES: &[&str] = &[
        "README.md",
        "docs/a.md",
        "crates/exporter-kit/docs/guide.md",
        "crates/exporter-kit/docs/from-go.md",
        RUSTDOC_LINKS,
    ];

    fn found(file: &str, text: &str) -> String {
        let mut pages: Pages = PAGES
            .iter()
            .map(|page| (page.into(), Page::read("# Top\n")))
            .collect();
        pages.insert(
            RUSTDOC_LINKS.into(),
            Page::read("[guide]: crate::docs::guide\n"),
        );
        let page = Page::read(text);
        let exists = |path: &Path| PAGES.iter().any(|page| Path::new(page).starts_with(path));
        let findings = of_page(Path::new(file), &page, &pages, &exists);
        findings
            .iter()
            .map(|finding| format!("{finding}\n"))
            .collect()
    }

    #[track_caller]
    fn rejects(file: &str, text: &str, why: &str) {
        let found = found(file, text);
        assert!(found.contains(why), "{text}: {found}");
    }

    #[test]
    fn good_links_pass() {
        let text =
            "# Here\n[a](docs/a.md#top) [b](docs) [c](#here) [d](https://example.org/x#y) [e]";
        assert_eq!(found("README.md", text), "");
        let text = "# Here\n[the guide][guide], [below](#here)\n\n[guide]: guide.md\n";
        assert_eq!(found("crates/exporter-kit/docs/from-go.md", text), "");
    }

    #[test]
    fn a_missing_file_or_anchor_is_a_finding() {
        rejects(
            "README.md",
            "[a](docs/b.md)",
            "README.md:1: `docs/b.md`: there is no `docs/b.md`",
        );
        rejects(
            "docs/a.md",
            "[a](../README.md#no)",
            "no heading has the anchor `#no`",
        );
        rejects("docs/a.md", "[a](#no)", "no heading has the anchor `#no`");
        rejects("docs/a.md", "[a][b]", "`[b]` has no definition");
        rejects("README.md", "[a](crate::Registry)", "path of rustdoc");
    }

    #[test]
    fn a_link_that_works_in_one_place_only_is_a_finding() {
        let page = "crates/exporter-kit/docs/guide.md";
        rejects(page, "[a](from-go.md)", "dead in rustdoc");
        rejects(page, "[`Registry`]", "shows its brackets");
        rejects(
            page,
            "[a][b]\n\n[b]: from-go.md",
            "is missing in crates/exporter-kit/docs/rustdoc-links.txt",
        );
        rejects(
            page,
            "[a][b]\n\n[b]: ../../../docs/a.md",
            "not in the package",
        );
    }

    #[test]
    fn hidden_lines_are_findings_in_rust_alone() {
        rejects(
            "README.md",
            "```rust\n# use a;\n```",
            "README.md:2: `# use a;` is hidden",
        );
        assert_eq!(
            found(
                "README.md",
                "```sh\n# a comment\n```\n```rust\n#[derive(A)]\n```"
            ),
            ""
        );
    }
}
