//! Statements, whichever database runs them.

/// One statement.
#[derive(Debug)]
pub(super) struct Query {
    /// The name of its result.
    pub(super) name: Box<str>,
    pub(super) statement: Box<str>,
    /// The columns that metrics use.
    pub(super) wanted: Vec<Box<str>>,
}

/// The statements of a source, and the limit of connections that run them in parallel.
pub(super) struct Queries {
    pub(super) list: Vec<Query>,
    pub(super) connections: usize,
}

/// A server's message, as one line of limited length.
pub(super) fn said(message: &str) -> String {
    const MOST: usize = 300;
    let words: Vec<_> = message.split_whitespace().collect();
    let clean = |char: &char| !char.is_control();
    words.join(" ").chars().filter(clean).take(MOST).collect()
}
