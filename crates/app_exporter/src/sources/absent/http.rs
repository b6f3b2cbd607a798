//! Placeholder for the source `http`.

pub(crate) use crate::sources::absent::Absent as HttpConfig;
use crate::sources::origin::{Feature, SourceInfo};

/// The source in lists.
pub(crate) const INFO: SourceInfo = SourceInfo {
    name: "http",
    about: "the response of a web server, in any format",
    rows: "those of the format, and `response` with status, bytes, seconds",
    features: &[Feature {
        name: "http",
        is_on: false,
    }],
};
