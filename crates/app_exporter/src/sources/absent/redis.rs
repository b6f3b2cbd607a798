//! Stands for the source `redis`.

pub(crate) use crate::sources::absent::Absent as RedisConfig;
use crate::sources::origin::{Feature, SourceInfo};

/// The source in lists.
pub(crate) const INFO: SourceInfo = SourceInfo {
    name: "redis",
    about: "replies, keys by pattern, members by score and figures of a Redis, also a cluster",
    rows: "a set for each of its `queries`, by its name",
    features: &[Feature {
        name: "redis",
        is_on: false,
    }],
};
