//! A readable diff of lines.

use std::fmt::Write as _;

/// Unchanged lines shown around a change.
const CONTEXT: usize = 2;
/// The maximum number of line pairs to compare; beyond it, the middle is shown as replaced, to limit time and memory.
const MAX_PAIRS: usize = 4_000_000;

#[derive(Clone, Copy, PartialEq)]
enum Edit {
    Keep,
    Remove,
    Add,
}

/// Shows the differences of `expected` and `actual`: lines with `-` are missing, lines with `+` unexpected. Returns
/// `None` if equal.
pub fn diff(expected: &str, actual: &str) -> Option<String> {
    if expected == actual {
        return None;
    }
    let left: Vec<&str> = expected.split_inclusive('\n').collect();
    let right: Vec<&str> = actual.split_inclusive('\n').collect();
    let edits = edits(&left, &right);
    let mut out = String::new();
    let mut skipping = false;
    for (i, (edit, line)) in edits.iter().enumerate() {
        let near = edits[i.saturating_sub(CONTEXT)..edits.len().min(i + CONTEXT + 1)].iter();
        if near.clone().all(|(edit, _)| *edit == Edit::Keep) {
            if !skipping {
                out.push_str("  ...\n");
            }
            skipping = true;
            continue;
        }
        skipping = false;
        let sign = match edit {
            Edit::Keep => ' ',
            Edit::Remove => '-',
            Edit::Add => '+',
        };
        let (text, end) = match line.strip_suffix('\n') {
            Some(text) => (text, ""),
            None => (*line, " (no line feed at the end)"),
        };
        let _ = writeln!(out, "{sign} {text}{end}");
    }
    Some(out)
}

fn edits<'t>(left: &[&'t str], right: &[&'t str]) -> Vec<(Edit, &'t str)> {
    let same_start = left.iter().zip(right).take_while(|(a, b)| a == b).count();
    let (head, left) = left.split_at(same_start);
    let right = &right[same_start..];
    let ends = left.iter().rev().zip(right.iter().rev());
    let same_end = ends.take_while(|(a, b)| a == b).count();
    let (left, tail) = left.split_at(left.len() - same_end);
    let right = &right[..right.len() - same_end];

    let mut edits: Vec<(Edit, &str)> = head.iter().map(|line| (Edit::Keep, *line)).collect();
    if left.len().saturating_mul(right.len()) > MAX_PAIRS {
        edits.extend(left.iter().map(|line| (Edit::Remove, *line)));
        edits.extend(right.iter().map(|line| (Edit::Add, *line)));
    } else {
        middle(left, right, &mut edits);
    }
    edits.extend(tail.iter().map(|line| (Edit::Keep, *line)));
    edits
}

/// The edits along a longest common subsequence.
fn middle<'t>(left: &[&'t str], right: &[&'t str], edits: &mut Vec<(Edit, &'t str)>) {
    let width = right.len() + 1;
    // common[i * width + j]: the largest number of lines that left[i..] and right[j..] have in common.
    let mut common = vec![0u32; (left.len() + 1) * width];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            common[i * width + j] = if left[i] == right[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < left.len() || j < right.len() {
        if i < left.len() && j < right.len() && left[i] == right[j] {
            edits.push((Edit::Keep, left[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == right.len()
            || (i < left.len() && common[(i + 1) * width + j] >= common[i * width + j + 1])
        {
            edits.push((Edit::Remove, left[i]));
            i += 1;
        } else {
            edits.push((Edit::Add, right[j]));
            j += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_shows_changes_with_what_is_around_them() {
        assert_eq!(diff("a\nb\n", "a\nb\n"), None);
        assert_eq!(
            diff(
                "1\n2\n3\n4\nold\n6\n7\n8\n9\n",
                "1\n2\n3\n4\nnew\n6\n7\n8\n9\n"
            )
            .unwrap(),
            "  ...\n  3\n  4\n- old\n+ new\n  6\n  7\n  ...\n"
        );
        assert_eq!(
            diff("a\n", "a").unwrap(),
            "- a\n+ a (no line feed at the end)\n"
        );
        assert_eq!(
            diff("a\nx\nb\n", "a\nb\ny\n").unwrap(),
            "  a\n- x\n  b\n+ y\n"
        );
    }
}
