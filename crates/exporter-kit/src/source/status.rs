//! How a source is, for people.

use std::sync::Arc;
use std::time::Duration;

use super::spec::Schedule;
use crate::model::Timestamp;

/// How a source is: the same as its metrics say, and the text of the last error.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SourceStatus {
    /// The value of the label `source`.
    pub name: Arc<str>,
    /// When it is asked.
    pub schedule: Schedule,
    /// Whether the last run gave numbers; nothing before the first has ended.
    pub up: Option<bool>,
    /// Whether it is being asked right now.
    pub running: bool,
    /// When the last run ended.
    pub last_run: Option<Timestamp>,
    /// When the last run that gave numbers ended.
    pub last_success: Option<Timestamp>,
    /// How long the last run took.
    pub duration: Option<Duration>,
    /// From how many rows the last numbers were made.
    pub rows: Option<u64>,
    /// How many runs have failed since the last that did not.
    pub failures: u32,
    /// What went wrong with the last run, or with a part of it.
    pub error: Option<Arc<str>>,
}
