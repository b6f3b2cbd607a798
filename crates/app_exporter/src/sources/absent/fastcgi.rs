//! Placeholder for the source `fastcgi`.

pub(crate) use crate::sources::absent::Absent as FastCgiConfig;
use crate::sources::origin::{Feature, SourceInfo};

/// The source in lists.
pub(crate) const INFO: SourceInfo = SourceInfo {
    name: "fastcgi",
    about: "the response of a FastCGI server such as PHP-FPM, in any format",
    rows: "those of the format, and `response` with status, bytes, seconds",
    features: &[Feature {
        name: "http",
        is_on: false,
    }],
};
