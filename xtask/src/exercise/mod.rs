//! `cargo xtask exercise N`: checks a learner's work step by step.
//!
//! It says what passed and, for the first step that did not, what to look at; never the solution.

mod arguments;
mod exporter;
mod exposition;
mod http;
mod program;
mod report;
mod steps;

pub(crate) use steps::run;
