//! The source `command`: the output of a program, and its exit.

mod config;
mod fetch;
mod group;
mod success;

pub(crate) use config::CommandConfig;

use crate::sources::origin::SourceInfo;

/// The source in lists.
pub(crate) const INFO: SourceInfo = SourceInfo {
    name: "command",
    about: "the output of a program, in any format, and its exit",
    rows: "those of the format, and `exit` with code, signal, seconds",
    features: &[],
};
