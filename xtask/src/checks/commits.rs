//! Subjects of the newest commits: short enough for one line of a list.

use std::path::Path;
use std::process::Command;

use crate::checks::finding::Finding;
use crate::run::output;

/// Characters of a subject, at most.
const LONGEST: usize = 72;
/// Commits that are looked at.
const NEWEST: &str = "--max-count=100";
/// The rule is younger than the repository; earlier subjects stay as they are.
const SINCE: &str = "--since=2026-11-30T17:00:00Z";

pub(super) fn subjects(root: &Path) -> Result<Vec<Finding>, String> {
    let mut git = Command::new("git");
    git.args(["log", "--no-merges", "--format=%h %s", NEWEST, SINCE]);
    if root != Path::new("") {
        git.current_dir(root);
    }
    let log = output(&mut git).map_err(|failure| failure.to_string())?;
    Ok(too_long(&log))
}

fn too_long(log: &str) -> Vec<Finding> {
    let lines = log.lines().filter_map(|line| line.split_once(' '));
    let long = lines.filter(|(_, subject)| subject.chars().count() > LONGEST);
    long.map(|(commit, subject)| Finding {
        file: commit.into(),
        line: 1,
        message: format!(
            "the subject has {} characters, and {LONGEST} is the limit: {subject}",
            subject.chars().count()
        ),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_subject_is_found_with_its_commit() {
        let log = format!("1234abc server: short\n5678def {}\n", "ä".repeat(73));
        let found = too_long(&log);
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().contains("5678def"), "{}", found[0]);
        assert_eq!(too_long(&format!("1 {}", "ä".repeat(72))), []);
    }
}
