//! The name that was probably meant.

/// The candidate that is nearest to `name`, if one is near.
pub(super) fn nearest<'c>(
    name: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    // A longer text than any name is no slip of the fingers, and would take long to compare.
    if name.len() > 64 {
        return None;
    }
    let folded = fold(name);
    candidates
        .into_iter()
        .map(|candidate| (distance(&folded, &fold(candidate)), candidate))
        .filter(|(distance, candidate)| distance * 3 <= candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `; did you mean …?`, or what there is to choose from.
pub(super) fn remedy(name: &str, candidates: &[&str]) -> String {
    match nearest(name, candidates.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("write one of {}", listed(candidates)),
    }
}

/// The names in backticks, with commas between.
pub(super) fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// Case and the kind of dash are no difference.
fn fold(name: &str) -> Vec<char> {
    let lower = name.chars().map(|char| char.to_ascii_lowercase());
    lower
        .map(|char| if char == '-' { '_' } else { char })
        .collect()
}

/// How many characters must be changed, added or removed.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, l) in left.iter().enumerate() {
        let mut before = at;
        let mut last = at + 1;
        for (r, cell) in right.iter().zip(row.iter_mut().skip(1)) {
            let changed = before + usize::from(l != r);
            before = *cell;
            last = changed.min(before + 1).min(last + 1);
            *cell = last;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or(left.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (left, right, expected) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("cert_fiel", "cert_file", 2),
        ] {
            assert_eq!(
                distance(&fold(left), &fold(right)),
                expected,
                "{left} {right}"
            );
        }
    }

    #[test]
    fn a_slip_is_understood_and_another_word_is_not() {
        let names = ["cert_file", "key_file", "client_auth_type"];
        assert_eq!(nearest("cert-File", names), Some("cert_file"));
        assert_eq!(nearest("keyfile", names), Some("key_file"));
        assert_eq!(nearest("password", names), None);
        assert_eq!(nearest(&"x".repeat(1000), names), None);
        assert_eq!(remedy("x", &["a", "b"]), "write one of `a`, `b`");
    }
}
