//! `${VARIABLE}` in every string value of a configuration, replaced while serde reads it.
//!
//! A template resolves its variables itself, because their values may be secret.

mod access;
mod rules;
pub(super) mod string;
#[cfg(test)]
mod tests;

pub(crate) use rules::{Expanding, Variables};
