//! The name that a user probably meant.

/// The candidate that is most similar to `name`, if one is similar.
pub(super) fn nearest<'c>(
    name: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    // A text longer than every name is not a typing error, and is slow to compare.
    if name.len() > 64 {
        return None;
    }
    let folded = fold(name);
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&folded, &fold(candidate)), candidate))
        .filter(|(distance, candidate)| distance * 3 <= candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The remedy for an unknown name: `did you mean …?`, or the list of candidates.
pub(super) fn remedy(name: &str, candidates: &[&str]) -> String {
    match nearest(name, candidates.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("write one of {}", listed(candidates)),
    }
}

/// The names in backticks, separated by commas.
pub(super) fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// Ignores case and the kind of dash.
fn fold(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

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
