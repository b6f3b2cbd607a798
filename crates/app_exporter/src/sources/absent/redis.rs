//! Placeholder for the source `redis`.

pub(crate) use crate::sources::absent::Absent as RedisConfig;
use crate::sources::origin::{Feature, SourceInfo};

/// The source in lists.
pub(crate) const INFO: SourceInfo = SourceInfo {
    name: "redis",
    about: "replies, key counts, member counts and statistics of Redis servers and clusters",
    rows: "one result for each of its `queries`, by name",
    features: &[Feature {
        name: "redis",
        is_on: false,
    }],
};
