//! The source `command`: the output of a program, and its exit.

mod config;
mod fetch;
mod group;
mod leftovers;
mod success;

pub(crate) use config::CommandConfig;
pub(crate) use leftovers::end_all;

use crate::sources::origin::SourceInfo;

/// The source in lists.
pub(crate) const INFO: SourceInfo = SourceInfo {
    name: "command",
    about: "the output of a program, in any format, and its exit",
    rows: "those of the format, and `exit` with code, signal, seconds",
    features: &[],
};
