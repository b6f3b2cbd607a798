//! Statements that something is missing. Each grows false on the day when it is there.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use crate::checks::files;
use crate::checks::finding::Finding;
use crate::checks::markdown::Page;

/// Phrases that say that something is missing for now.
static PHRASE: LazyLock<Regex> = LazyLock::new(|| {
    let phrase = r"(?i)\b(not there yet|not yet (supported|implemented|possible|there|available)|not (supported|implemented|available)( yet)?|not (built|written) yet|(no|without) support for|coming soon)\b";
    Regex::new(phrase).unwrap_or_else(|err| unreachable!("the pattern is constant: {err}"))
});

/// Statements that hold, each with what shows it.
///
/// The page, a part of the sentence, and a file with a text that is there for as long as the sentence is true: an error
/// message, or a test that expects the refusal.
#[rustfmt::skip]
const TRUE: &[(&str, &str, &str, &str)] = &[
    (
        "crates/exporter-kit/docs/web-config.md", "TLS before 1.2, P-521 and suites that are not listed above are not supported",
        // A configuration that a test expects to be rejected.
        "crates/exporter-kit/tests/web_config/fixtures/no_curve_left.bad.yml", "[CurveP521]",
    ),
];

/// Statements of absence in any page that [`TRUE`] does not list, and lines of it that hold no more.
pub(super) fn absences(root: &Path) -> Result<Vec<Finding>, String> {
    let mut findings = Vec::new();
    for file in files::with_extension(root, "md")? {
        findings.extend(of_page(&file, &files::read(root, &file)?, TRUE));
    }
    for (page, sentence, proof, text) in TRUE {
        let stale = |file: &str, text: &str| -> Result<bool, String> {
            Ok(!files::read(root, Path::new(file))?.contains(text))
        };
        if stale(page, sentence)? {
            findings.push(finding(
                Path::new(page),
                1,
                &format!("does not say \"{sentence}\" any more; remove it from the table"),
            ));
        }
        if stale(proof, text)? {
            findings.push(finding(
                Path::new(page),
                1,
                &format!(
                    "says \"{sentence}\", and {proof} no longer has \"{text}\", which shows it"
                ),
            ));
        }
    }
    Ok(findings)
}

fn of_page(file: &Path, text: &str, known: &[(&str, &str, &str, &str)]) -> Vec<Finding> {
    let page = Page::read(text);
    let lines = page.prose.iter().filter(|(_, line)| PHRASE.is_match(line));
    let unknown = lines.filter(|(_, line)| {
        !known
            .iter()
            .any(|(page, sentence, ..)| file == Path::new(page) && line.contains(sentence))
    });
    unknown
        .map(|(number, line)| {
            let message = format!("says that something is missing: \"{}\"; remove it, or add what shows it to xtask/src/checks/absences.rs", line.trim());
            finding(file, *number, &message)
        })
        .collect()
}

fn finding(file: &Path, line: usize, message: &str) -> Finding {
    Finding {
        file: file.to_owned(),
        line,
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absence_is_found_unless_the_table_has_it() {
        let text = "TLS works.\n\nzstd is not there yet.\n`unsupported` is a word of code.\n";
        let page = Path::new("a.md");
        let found = of_page(page, text, &[]);
        assert_eq!(found.iter().map(|f| f.line).collect::<Vec<_>>(), [3]);
        assert_eq!(
            of_page(page, text, &[("a.md", "zstd is not", "b.rs", "c")]),
            []
        );
        assert_eq!(
            of_page(page, text, &[("b.md", "zstd is not", "b.rs", "c")]).len(),
            1
        );
    }
}
