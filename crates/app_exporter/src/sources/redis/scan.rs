//! `SCAN`: the keys of a pattern, page by page.

use std::time::Duration;

use redis::{Cmd, Value};
use tokio::time::Instant;

use crate::config::Span;
use crate::sources::redis::query::{KeyType, RedisQuery};
use crate::sources::redis::rows::text;

/// The keys to find, and the time for it.
#[derive(Debug)]
pub(super) struct Scan {
    pattern: String,
    /// The type of the keys, if it is known.
    pub(super) kind: Option<KeyType>,
    budget: Duration,
    batch: u32,
}

impl Scan {
    pub(super) fn new(pattern: &str, config: &RedisQuery) -> Self {
        let budget = config.budget.as_ref().map_or(Span::from_secs(5), |it| **it);
        Self {
            pattern: pattern.to_owned(),
            kind: config.kind.as_ref().map(|kind| **kind),
            budget: budget.get(),
            batch: config.batch.as_ref().map_or(1000, |batch| batch.get()),
        }
    }

    pub(super) fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The end of a scan that begins now: within its budget but no longer than `longest`.
    pub(super) fn until(&self, longest: Duration) -> Instant {
        Instant::now() + self.budget.min(longest)
    }

    /// The command for the page at the cursor.
    pub(super) fn command(&self, cursor: u64) -> Cmd {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(&self.pattern);
        scan.arg("COUNT").arg(self.batch);
        if let Some(kind) = self.kind {
            scan.arg("TYPE").arg(kind.name());
        }
        scan
    }
}

/// The next cursor, and the keys of a page.
pub(super) fn page(reply: &Value) -> Option<(u64, &[Value])> {
    match reply {
        Value::Array(parts) => match parts.as_slice() {
            [cursor, Value::Array(keys)] => Some((text(cursor)?.parse().ok()?, keys)),
            _ => None,
        },
        _ => None,
    }
}
