//! Plain sentences: how doc blocks open, and turns of phrase that a reader has to read twice.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use crate::checks::files;
use crate::checks::finding::Finding;
use crate::checks::markdown::Page;

/// Doc blocks that may open with a question word, in percent.
const MOST_QUESTIONS: f64 = 4.0;
/// Odd turns in 1 000 words, at most.
const MOST_ODD: f64 = 1.0;
/// Files that are named for each measure.
const SHOWN: usize = 25;

static QUESTION: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(What|Who|Whom|Whose|Whether|Where|Which|Why|How)\b"));

/// Turns that the rules for prose name, and their like. "Returns whether" and "let's" are plain English.
static ODD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(?:(?:is|are|was|were|be) no\b|nobody|no one\b|anew\b",
        r"|(?:is|are|was|were|be) (?:had|told|said|given up|looked)\b",
        r"|can be had|to be had|lets\b|none of\b|whoever|whatever it|whom\b",
        r"|holds? up\b|stands? for itself|there is none|has none\b|have none\b|of (?:its|their|his) own make",
        r"|at all times|for ever\b|not even\b.*\bany)",
    ))
});
static WORD: LazyLock<Regex> = LazyLock::new(|| pattern(r"[A-Za-z][A-Za-z'-]*"));

fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|err| unreachable!("the pattern is constant: {err}"))
}

/// The measures of one file, or of all.
#[derive(Debug, Default, Clone, PartialEq)]
struct Measure {
    blocks: usize,
    questions: Vec<(usize, String)>,
    words: usize,
    odd: Vec<(usize, String)>,
}

/// Findings, when the repository as a whole is over a limit: the worst files.
pub(super) fn prose(root: &Path) -> Result<Vec<Finding>, String> {
    let mut measures = Vec::new();
    for file in files::all(root)? {
        let measure = match file.extension().and_then(|e| e.to_str()) {
            Some("rs") => of_rust(&files::read(root, &file)?),
            Some("md") => of_markdown(&files::read(root, &file)?),
            _ => continue,
        };
        measures.push((file, measure));
    }
    let (summary, findings) = judged(&measures);
    println!("{summary}");
    Ok(findings)
}

/// The two measures in words, and the worst files of each that is over its limit.
fn judged(measures: &[(PathBuf, Measure)]) -> (String, Vec<Finding>) {
    let sum = |of: fn(&Measure) -> usize| measures.iter().map(|(_, m)| of(m)).sum::<usize>();
    let (blocks, questions) = (sum(|m| m.blocks), sum(|m| m.questions.len()));
    let (words, odd) = (sum(|m| m.words), sum(|m| m.odd.len()));
    let questions_share = share(questions, blocks, 100.0);
    let odd_share = share(odd, words, 1000.0);
    let summary = format!(
        "{questions} of {blocks} doc blocks open with a question word: {questions_share:.1} %, limit {MOST_QUESTIONS} %\n\
         {odd} odd turns in {words} words: {odd_share:.2} in 1 000, limit {MOST_ODD}"
    );
    let mut findings = Vec::new();
    if questions_share > MOST_QUESTIONS {
        findings.extend(worst(
            measures,
            |m| &m.questions,
            "doc blocks open with a question word",
        ));
    }
    if odd_share > MOST_ODD {
        findings.extend(worst(measures, |m| &m.odd, "odd turns"));
    }
    (summary, findings)
}

fn share(part: usize, whole: usize, of: f64) -> f64 {
    part as f64 * of / whole.max(1) as f64
}

/// The files with the most of `places`.
fn worst(
    measures: &[(PathBuf, Measure)],
    places: fn(&Measure) -> &Vec<(usize, String)>,
    name: &str,
) -> Vec<Finding> {
    let mut files: Vec<_> = measures
        .iter()
        .map(|(file, measure)| (file, places(measure)))
        .filter(|(_, places)| !places.is_empty())
        .collect();
    files.sort_by_key(|(_, places)| std::cmp::Reverse(places.len()));
    let findings = files.into_iter().take(SHOWN).map(|(file, places)| {
        let shown: Vec<String> = places
            .iter()
            .map(|(line, words)| format!("\n    {line}: {words}"))
            .collect();
        Finding {
            file: file.clone(),
            line: places.first().map_or(1, |(line, _)| *line),
            message: format!("{} {name}{}", places.len(), shown.concat()),
        }
    });
    findings.collect()
}

/// Measures the doc comments of a Rust file; code blocks in them are code.
fn of_rust(text: &str) -> Measure {
    let mut measure = Measure::default();
    let mut block: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start();
        let comment = ["///", "//!"]
            .iter()
            .find_map(|mark| line.strip_prefix(mark));
        // Four slashes are a line of a drawing.
        match comment.filter(|rest| !rest.starts_with('/')) {
            Some(rest) => {
                let (_, block) = block.get_or_insert((index + 1, String::new()));
                block.push_str(rest.strip_prefix(' ').unwrap_or(rest));
                block.push('\n');
            }
            None => measure.block(block.take()),
        }
    }
    measure.block(block);
    measure
}

fn of_markdown(text: &str) -> Measure {
    let mut measure = Measure::default();
    measure.count(1, text);
    measure
}

impl Measure {
    fn block(&mut self, block: Option<(usize, String)>) {
        let Some((line, text)) = block else { return };
        self.blocks += 1;
        if let Some(first) = text.lines().find(|line| !line.trim().is_empty())
            && QUESTION.is_match(first)
        {
            self.questions.push((line, shortened(first)));
        }
        self.count(line, &text);
    }

    /// Counts words and odd turns of `text`, whose first line has the number `first`.
    fn count(&mut self, first: usize, text: &str) {
        let page = Page::read(text);
        for (line, prose) in &page.prose {
            self.words += WORD.find_iter(prose).count();
            for found in ODD.find_iter(prose) {
                let after = prose.get(found.end()..).unwrap_or_default();
                if found.as_str().ends_with("no") && after.starts_with(" longer") {
                    continue;
                }
                let start = prose.get(..found.start()).unwrap_or_default();
                let from = start.char_indices().rev().nth(25).map_or(0, |(at, _)| at);
                let turn = prose.get(from..).unwrap_or_default();
                self.odd.push((first + line - 1, shortened(turn)));
            }
        }
    }
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 90;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doc_blocks_and_their_openings_are_counted() {
        let text = "//! Data sources.\n\n/// What a source is.\n/// Who asks.\nfn a() {}\n\
                    /// Returns whether it is.\n#[inline]\n/// How often.\nfn b() {}\n// What is no doc comment.\n";
        let measure = of_rust(text);
        assert_eq!(measure.blocks, 4);
        let lines: Vec<usize> = measure.questions.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [3, 8]);
    }

    #[test]
    fn odd_turns_are_found_in_prose_and_not_in_code() {
        let text = "A name is no name, nobody reads it anew, it is no longer read.\n```\nnobody\n```\n`nobody` is had.\n";
        let measure = of_markdown(text);
        let lines: Vec<usize> = measure.odd.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 1, 1, 5]);
    }

    #[test]
    fn over_the_limit_the_worst_file_comes_first() {
        let good = of_rust(&"/// Counts.\nfn a() {}\n".repeat(10));
        let bad = of_rust("/// What counts.\nfn a() {}\n/// Who counts.\n");
        let few = of_rust("/// How it counts.\n");
        let measures = [("good.rs", good.clone()), ("few.rs", few), ("bad.rs", bad)];
        let (summary, findings) = judged(&measures.map(|(file, m)| (PathBuf::from(file), m)));
        assert!(summary.contains("3 of 13 doc blocks"), "{summary}");
        let files = findings
            .iter()
            .map(|finding| finding.file.display().to_string());
        assert_eq!(files.collect::<Vec<_>>(), ["bad.rs", "few.rs"]);
        assert_eq!(judged(&[("good.rs".into(), good)]).1, []);
    }
}
