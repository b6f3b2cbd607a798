//! The environment of the process.

/// The value of a variable, if it is UTF-8.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
