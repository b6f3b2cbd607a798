//! What a web server answers.

mod address;
mod client;
mod config;
mod fetch;

pub(crate) use config::HttpConfig;

use crate::sources::origin::SourceInfo;

/// What is said of it where sources are listed.
pub(super) const INFO: SourceInfo = SourceInfo {
    name: "http",
    about: "what a web server answers, in any format",
    rows: "the format's, and `response` with status, bytes, seconds",
    configured: |source| SourceInfo::under("http", source.http.as_ref()),
};
