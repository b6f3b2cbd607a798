//! Programs in the repository's README, which no documentation test runs: they are those of the library's README.

use std::path::Path;

use crate::checks::files;
use crate::checks::finding::Finding;
use crate::checks::markdown::Page;

const README: &str = "README.md";
const TESTED: &str = "crates/exporter-kit/README.md";

pub(super) fn readme(root: &Path) -> Result<Vec<Finding>, String> {
    let read = |file: &str| files::read(root, Path::new(file));
    Ok(untested(&read(README)?, &read(TESTED)?))
}

/// Programs of `readme` that `tested` does not have word for word.
fn untested(readme: &str, tested: &str) -> Vec<Finding> {
    let tested = programs(tested);
    let untested = programs(readme)
        .into_iter()
        .filter(|(_, program)| !tested.iter().any(|(_, other)| other == program));
    untested
        .map(|(line, _)| Finding {
            file: README.into(),
            line,
            message: format!("this program is not in {TESTED}, so no test runs it"),
        })
        .collect()
}

/// The Rust programs of a page, each with its first line's number.
fn programs(text: &str) -> Vec<(usize, String)> {
    let mut programs: Vec<(usize, usize, String)> = Vec::new();
    for (line, language, code) in Page::read(text).code {
        if !language.starts_with("rust") {
            continue;
        }
        match programs.last_mut() {
            Some((_, last, program)) if *last + 1 == line => {
                *last = line;
                program.push_str(&format!("\n{code}"));
            }
            _ => programs.push((line, line, code)),
        }
    }
    let programs = programs
        .into_iter()
        .map(|(first, _, program)| (first, program));
    programs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_differs_in_a_line_is_found() {
        let program = "```rust\nfn main() {\n}\n```\n";
        let other = "```rust\nfn main() {\n    a();\n}\n```\n```sh\nls\n```\n";
        let both = format!("{program}{other}");
        assert_eq!(untested(&both, &both), []);
        let found = untested(&both, program);
        assert_eq!(found.iter().map(|f| f.line).collect::<Vec<_>>(), [6]);
    }
}
