//! Statements, whichever database runs them.

/// One statement.
#[derive(Debug)]
pub(super) struct Query {
    /// The part that its rows are.
    pub(super) name: Box<str>,
    pub(super) statement: Box<str>,
    /// The columns that metrics are made from.
    pub(super) wanted: Vec<Box<str>>,
}

/// The statements of one source, and how many connections may run them side by side.
pub(super) struct Queries {
    pub(super) list: Vec<Query>,
    pub(super) connections: usize,
}

/// What a server says, as one line that is not too long.
pub(super) fn said(message: &str) -> String {
    const MOST: usize = 300;
    let words: Vec<_> = message.split_whitespace().collect();
    let clean = |char: &char| !char.is_control();
    words.join(" ").chars().filter(clean).take(MOST).collect()
}
