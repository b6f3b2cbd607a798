//! Response of a FastCGI server, such as PHP-FPM, without a web server.

mod config;
mod fetch;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzz;
mod head;
mod record;

pub(crate) use config::FastCgiConfig;

use crate::sources::origin::{Feature, SourceInfo};

/// The source in lists.
pub(crate) const INFO: SourceInfo = SourceInfo {
    name: "fastcgi",
    about: "the response of a FastCGI server such as PHP-FPM, in any format",
    rows: "those of the format, and `response` with status, bytes, seconds",
    features: &[Feature {
        name: "http",
        is_on: true,
    }],
};
