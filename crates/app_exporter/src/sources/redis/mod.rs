//! The source `redis`: replies, counts of keys and members, and statistics of servers.
//!
//! Only read-only commands are sent. The protocol is the crate's, the connection below it is this program's: each reply has
//! a limit of size, nothing runs between fetches, and dropping a fetch ends its work.

mod address;
mod allowed;
mod config;
mod count;
mod fetch;
mod figures;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzz;
mod info;
mod link;
mod nodes;
mod query;
mod reply_stream;
mod rows;
mod scan;
mod sizes;
mod topology;

pub(crate) use config::RedisConfig;

use crate::sources::origin::{Feature, SourceInfo};

/// The source in lists.
pub(crate) const INFO: SourceInfo = SourceInfo {
    name: "redis",
    about: "replies, counts and sizes of keys, member counts and statistics of Redis servers and clusters",
    rows: "one result for each of its `queries`, by name",
    features: &[Feature {
        name: "redis",
        is_on: true,
    }],
};
