//! Response of a web server.

mod address;
mod client;
mod config;
mod error;
mod fetch;

pub(crate) use config::HttpConfig;

use crate::sources::origin::{Feature, SourceInfo};

/// The source in lists.
pub(crate) const INFO: SourceInfo = SourceInfo {
    name: "http",
    about: "what a web server answers, in any format",
    rows: "the format's, and `response` with status, bytes, seconds",
    features: &[Feature {
        name: "http",
        is_on: true,
    }],
};
