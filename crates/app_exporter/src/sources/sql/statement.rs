//! Statements, whichever database runs them.

use crate::decode::{Failure, Limits, Table};
use crate::sources::origin::Surroundings;

/// One statement.
#[derive(Debug)]
pub(super) struct Statement {
    /// The name of its result.
    pub(super) name: Box<str>,
    pub(super) sql: Box<str>,
    /// The columns that metrics use.
    pub(super) wanted: Vec<Box<str>>,
}

/// The statements of a source, and the limit of connections that run them in parallel.
pub(super) struct Statements {
    pub(super) list: Vec<Statement>,
    pub(super) connections: usize,
}

/// The inputs of a fetcher beside the keys of its database.
pub(super) struct FetcherInputs<'s> {
    pub(super) statements: Statements,
    pub(super) limits: Limits,
    pub(super) surroundings: Surroundings<'s>,
}

/// The rows of statements, by the index of the statement.
pub(super) type Results = Vec<(usize, Result<Table, Failure>)>;

/// A server's message, as one line of limited length.
pub(super) fn said(message: &str) -> String {
    const MOST: usize = 300;
    let mut said = String::new();
    // A message may be as long as a result, so that its words are not collected.
    for word in message.split_whitespace() {
        if !said.is_empty() {
            said.push(' ');
        }
        said.extend(word.chars().take(MOST).filter(|char| !char.is_control()));
        if said.len() >= 4 * MOST {
            break;
        }
    }
    said.chars().take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_of_limited_length() {
        assert_eq!(said(" a\n\tb\u{1b}  c "), "a b c");
        for word in ["a", "ä ", "a ", "\u{1b} a", "𝄞"] {
            let long = said(&word.repeat(100_000));
            assert_eq!(long.chars().count(), 300, "{word:?}");
        }
        assert_eq!(said(&"\u{1b}".repeat(1000)), "");
    }
}
