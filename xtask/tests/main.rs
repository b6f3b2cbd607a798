//! `cargo xtask` itself, run as one runs it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands, in its helpers, too"
)]

mod checks;
mod exercise;
