//! The depth of a JSONPath, which its parser does not bound: its time doubles with each filter within a filter.

/// The limit of brackets and parentheses within each other.
pub(super) const MAX_DEPTH: usize = 8;

/// Checks the depth of a path.
///
/// # Errors
/// The index of the first character that is too deep.
pub(super) fn check_depth(path: &str) -> Result<(), usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut chars = path.chars().enumerate();
    while let Some((at, char)) = chars.next() {
        match (quote, char) {
            // The next character belongs to the escape.
            (Some(_), '\\') => drop(chars.next()),
            (Some(open), char) if open == char => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(char),
            (None, '(' | '[') if depth == MAX_DEPTH => return Err(at),
            (None, '(' | '[') => depth += 1,
            (None, ')' | ']') => depth = depth.saturating_sub(1),
            (None, _) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_within_each_other_are_counted_outside_quotes() {
        let nested = |depth| format!("${}@.a{}", "[?".repeat(depth), "]".repeat(depth));
        assert_eq!(check_depth(&nested(MAX_DEPTH)), Ok(()));
        assert_eq!(check_depth(&nested(MAX_DEPTH + 1)), Err(1 + 2 * MAX_DEPTH));
        assert!(check_depth(&format!("$[?{}", "(".repeat(4000))).is_err());
        assert_eq!(check_depth(&"[0]".repeat(1000)), Ok(()));
        assert_eq!(check_depth(&format!("$['\\'{}']", "(".repeat(100))), Ok(()));
        assert_eq!(check_depth(&format!("$[\"{}\"]", "[".repeat(100))), Ok(()));
    }
}
