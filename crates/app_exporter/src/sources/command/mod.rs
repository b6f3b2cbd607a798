//! What a program prints, and how it ends.

mod config;
mod fetch;
mod group;

pub(crate) use config::CommandConfig;

use crate::sources::origin::SourceInfo;

/// The source in lists.
pub(crate) const INFO: SourceInfo = SourceInfo {
    name: "command",
    about: "what a program prints, in any format, and how it ends",
    rows: "the format's, and `exit` with code, signal, seconds",
    features: &[],
};
