//! Response of a web server.

mod address;
mod authority;
mod client;
mod compressed;
mod config;
mod error;
mod fetch;
mod oauth2;
mod route;

pub(crate) use config::HttpConfig;

use crate::sources::origin::{Feature, SourceInfo};

/// The source in lists.
pub(crate) const INFO: SourceInfo = SourceInfo {
    name: "http",
    about: "the response of a web server, in any format",
    rows: "those of the format, and `response` with status, bytes, seconds",
    features: &[Feature {
        name: "http",
        is_on: true,
    }],
};
