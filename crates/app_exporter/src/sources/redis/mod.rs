//! What Redis has: replies, counts of keys by pattern, counts of members by score, figures about the server.
//!
//! Only what reads is asked. The client is this program's own below the protocol, which is the crate's: each reply has a
//! limit, nothing runs between two fetches, and dropping a fetch ends its work.

mod address;
mod allowed;
mod config;
mod count;
mod fetch;
mod info;
mod link;
mod nodes;
mod query;
mod rows;
mod topology;

pub(crate) use config::RedisConfig;

use crate::sources::origin::{Feature, SourceInfo};

/// The source in lists.
pub(crate) const INFO: SourceInfo = SourceInfo {
    name: "redis",
    about: "replies, keys by pattern, members by score and figures of a Redis, also a cluster",
    rows: "a set for each of its `queries`, by its name",
    features: &[Feature {
        name: "redis",
        is_on: true,
    }],
};
