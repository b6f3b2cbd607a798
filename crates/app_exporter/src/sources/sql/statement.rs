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
    let words: Vec<_> = message.split_whitespace().collect();
    let clean = |char: &char| !char.is_control();
    words.join(" ").chars().filter(clean).take(MOST).collect()
}
