//! As much of Markdown as the checks need: prose lines, code blocks, headings, links.

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use regex::Regex;

/// A page, line by line.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Lines outside of code blocks, with code spans and comments blanked out; numbered from 1.
    pub(super) prose: Vec<(usize, String)>,
    /// Lines of code blocks with the language of their block.
    pub(super) code: Vec<(usize, String, String)>,
    /// Anchors of headings and of `id` and `name` attributes.
    pub(super) anchors: HashSet<String>,
    pub(super) links: Vec<Link>,
    /// Code blocks that rustdoc runs, or compiles, as a test.
    pub(super) programs: usize,
    /// Targets by label, in lower case.
    pub(super) definitions: BTreeMap<String, Link>,
}

/// A link, or the definition of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) line: usize,
    pub(super) kind: Kind,
    /// The target, or the label of a reference.
    pub(super) target: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `[text](target)`, or an attribute of HTML.
    Inline,
    /// `![text](target)`
    Image,
    /// `[text][label]`
    Reference,
    /// `[label]`, which is text without its definition.
    Shortcut,
}

fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|err| unreachable!("the pattern is constant: {err}"))
}

static INLINE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(!?)\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?([^()\s>]*(?:\([^()\s]*\)[^()\s]*)?)>?(?:\s+\x22[^\x22]*\x22)?\)",
    )
});
static DEFINITION: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^ {0,3}\[([^\]]+)\]:\s*<?([^\s>]+)>?"));
static REFERENCE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\[([^\[\]]+)\](?:\[([^\[\]]*)\])?"));
static ATTRIBUTE: LazyLock<Regex> = LazyLock::new(|| pattern(r#"(href|src|id|name)="([^"]*)""#));
static SPAN: LazyLock<Regex> = LazyLock::new(|| pattern(r"``[^`]+(?:`[^`]+)*``|`[^`]*`"));
static COMMENT: LazyLock<Regex> = LazyLock::new(|| pattern(r"<!--.*?-->"));
static TAG: LazyLock<Regex> = LazyLock::new(|| pattern(r"<[^>]*>"));

impl Page {
    /// The definition of `label`, whose case does not matter.
    pub(super) fn definition(&self, label: &str) -> Option<&Link> {
        self.definitions.get(&label.to_lowercase())
    }

    pub(super) fn read(text: &str) -> Self {
        let mut page = Self::default();
        let mut fence: Option<(String, String)> = None;
        let mut slugs = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            // Quotes and lists may hold code, too.
            let trimmed = line.trim_start_matches([' ', '>']);
            let marks = trimmed.len() - trimmed.trim_start_matches(['`', '~']).len();
            let mark = trimmed.get(..marks).unwrap_or_default();
            if let Some((opened, language)) = &fence {
                if marks >= opened.len()
                    && trimmed.trim_end() == mark
                    && mark.starts_with(&**opened)
                {
                    fence = None;
                } else {
                    page.code.push((number, language.clone(), line.to_owned()));
                }
                continue;
            }
            if marks >= 3 {
                let language = trimmed.get(marks..).unwrap_or_default().trim().to_owned();
                page.programs += usize::from(is_tested(&language));
                fence = Some((mark.to_owned(), language));
                continue;
            }
            page.line(number, line, &mut slugs);
        }
        page
    }

    fn line(&mut self, number: usize, line: &str, slugs: &mut BTreeMap<String, usize>) {
        let line = COMMENT.replace_all(line, "");
        if let Some(heading) = heading(&line) {
            let slug = slug(heading);
            let count = slugs.entry(slug.clone()).or_insert(0);
            let anchor = match *count {
                0 => slug,
                count => format!("{slug}-{count}"),
            };
            *count += 1;
            self.anchors.insert(anchor);
        }
        if let Some(found) = DEFINITION.captures(&line)
            && let (Some(label), Some(target)) = (found.get(1), found.get(2))
        {
            let link = link(number, Kind::Inline, target.as_str());
            let label = label.as_str().to_lowercase();
            self.definitions.entry(label).or_insert(link);
            return;
        }
        self.links(number, &line);
        self.prose
            .push((number, SPAN.replace_all(&line, "`_`").into_owned()));
    }

    fn links(&mut self, number: usize, line: &str) {
        // In a code span brackets mean nothing, but a link's text may be one.
        let spanless = SPAN.replace_all(line, |found: &regex::Captures<'_>| {
            found[0].replace(['[', ']', '<', '>', '(', ')', '"'], "_")
        });
        for found in INLINE.captures_iter(&spanless) {
            let kind = if found[1].is_empty() {
                Kind::Inline
            } else {
                Kind::Image
            };
            self.links.push(link(number, kind, &found[2]));
        }
        for found in ATTRIBUTE.captures_iter(&spanless) {
            match &found[1] {
                "id" | "name" => {
                    self.anchors.insert(found[2].to_owned());
                }
                "src" => self.links.push(link(number, Kind::Image, &found[2])),
                _ => self.links.push(link(number, Kind::Inline, &found[2])),
            }
        }
        // The brackets around what INLINE has found, one level deep, may hold an image alone.
        let rest = INLINE.replace_all(&spanless, "_");
        for found in REFERENCE.captures_iter(&rest) {
            let (kind, label) = match found.get(2).map(|label| label.as_str()) {
                None => (Kind::Shortcut, &found[1]),
                Some("") => (Kind::Reference, &found[1]),
                Some(label) => (Kind::Reference, label),
            };
            self.links.push(link(number, kind, label));
        }
    }
}

/// Returns whether rustdoc takes a block with these words after its fence for a test that is run or compiled.
fn is_tested(language: &str) -> bool {
    let words: Vec<&str> = language
        .split([',', ' '])
        .filter(|word| !word.is_empty())
        .collect();
    let known = ["rust", "no_run", "should_panic", "compile_fail"];
    let is_known =
        |word: &&str| known.contains(word) || word.starts_with("edition") || is_error(word);
    words.iter().all(is_known)
}

/// Returns whether `word` is the code of an error that a block must have: `E0308`.
fn is_error(word: &str) -> bool {
    word.strip_prefix('E')
        .is_some_and(|code| code.len() == 4 && code.bytes().all(|b| b.is_ascii_digit()))
}

fn link(line: usize, kind: Kind, target: &str) -> Link {
    Link {
        line,
        kind,
        target: target.to_owned(),
    }
}

/// The text of a heading line.
fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    ((1..=6).contains(&level) && text.starts_with(' '))
        .then(|| text.trim().trim_end_matches('#').trim())
}

/// The anchor that a code host gives to a heading.
fn slug(heading: &str) -> String {
    let heading = INLINE.replace_all(heading, |found: &regex::Captures<'_>| {
        let whole = &found[0];
        let end = whole.rfind("](").unwrap_or(whole.len());
        whole.get(1..end).unwrap_or_default().to_owned()
    });
    let heading = TAG.replace_all(&heading, "");
    heading
        .to_lowercase()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            c => c.is_alphanumeric().then_some(c),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(text: &str) -> Vec<(Kind, String)> {
        let links = Page::read(text).links.into_iter();
        links.map(|link| (link.kind, link.target)).collect()
    }

    #[test]
    fn links_of_all_kinds_are_found() {
        let text = "[a](b.md#c) ![d](e.png) [f][g] [`h`] <a href=\"i\">j</a> [![k](l.svg)](m.md)";
        let expected = [
            (Kind::Inline, "b.md#c"),
            (Kind::Image, "e.png"),
            (Kind::Inline, "m.md"),
            (Kind::Inline, "i"),
            (Kind::Reference, "g"),
            (Kind::Shortcut, "`h`"),
        ];
        assert_eq!(
            targets(text),
            expected.map(|(kind, to)| (kind, to.to_owned()))
        );
    }

    #[test]
    fn code_has_no_links_and_no_headings() {
        let text = "# Real\n```rust\n# hidden\n[a](b)\n```\n`[c](d)` and `e[0]`\n~~~~\n```\n# no\n~~~~\n## Also & real!\n## Real\n";
        let page = Page::read(text);
        assert_eq!(page.links, []);
        let mut anchors: Vec<_> = page.anchors.into_iter().collect();
        anchors.sort();
        assert_eq!(anchors, ["also--real", "real", "real-1"]);
        let code = page
            .code
            .iter()
            .map(|(line, language, _)| (*line, &**language));
        assert_eq!(
            code.collect::<Vec<_>>(),
            [(3, "rust"), (4, "rust"), (8, ""), (9, "")]
        );
    }

    #[test]
    fn programs_are_blocks_that_rustdoc_tests() {
        let block = |language: &str| Page::read(&format!("```{language}\n```\n")).programs;
        for language in ["", "rust", "rust,no_run", "rust,compile_fail,E0308"] {
            assert_eq!(block(language), 1, "{language}");
        }
        for language in ["text", "rust,ignore", "ignore", "sh", "toml"] {
            assert_eq!(block(language), 0, "{language}");
        }
    }

    #[test]
    fn a_definition_is_found_once_and_the_first_one_counts() {
        let page = Page::read("[Guide]: guide.md#a\n[guide]: other.md\n");
        assert_eq!(page.definitions["guide"].target, "guide.md#a");
        assert_eq!(page.links, []);
    }
}
