//! Suggestions for misspelled words.

use crate::config::cut;

/// The candidate that differs least from `word`, if it is similar enough.
fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    /// The largest number of bytes of a character.
    const MAX_WIDTH: usize = 4;
    let lower = word.to_lowercase();
    // A third of the letters wrong is about as much as a slip of the fingers does.
    let limit = word.chars().count().max(3) / 3;
    candidates
        .into_iter()
        // The word itself is not what is meant instead.
        .filter(|candidate| *candidate != word)
        // Texts of other lengths are further away, and a comparison takes as much memory as they do.
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= MAX_WIDTH * limit)
        .map(|candidate| {
            let distance = strsim::osa_distance(&lower, &candidate.to_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The end of a message on an unknown `word`: the nearest candidate, or the list of candidates.
pub(crate) fn instead<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str> + Clone,
) -> String {
    match nearest(word, candidates.clone()) {
        Some(meant) => format!(", did you mean `{}`?", cut(meant)),
        None => there_is(candidates),
    }
}

/// The end of a message on a missing word: the list of candidates.
pub(crate) fn there_is<'c>(candidates: impl IntoIterator<Item = &'c str>) -> String {
    /// The limit of names in one line.
    const MOST: usize = 10;
    let mut names: Vec<String> = candidates
        .into_iter()
        .take(MOST + 1)
        .map(|name| format!("`{}`", cut(name)))
        .collect();
    if names.is_empty() {
        return "; none is available".to_owned();
    }
    if names.len() > MOST {
        names.truncate(MOST);
        names.push("…".to_owned());
    }
    match names.as_slice() {
        [only] => format!("; there is {only}"),
        names => format!("; there are {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_seen_and_another_word_is_not() {
        assert_eq!(nearest("querry", ["query", "quit"]), Some("query"));
        assert_eq!(nearest("Timeout", ["timeout"]), Some("timeout"));
        assert_eq!(nearest("hepl", ["help", "unit"]), Some("help"));
        assert_eq!(nearest("banana", ["help", "unit"]), None);
        assert_eq!(nearest("value", ["value", "other"]), None);
    }

    #[test]
    fn without_a_guess_there_is_the_list() {
        assert_eq!(
            instead("url", ["path", "format"]),
            "; there are `path`, `format`"
        );
        assert_eq!(instead("url", ["path"]), "; there is `path`");
        assert_eq!(instead("url", []), "; none is available");
        assert_eq!(instead("pth", ["path"]), ", did you mean `path`?");
        assert_eq!(there_is(["*"]), "; there is `*`");
    }
}
