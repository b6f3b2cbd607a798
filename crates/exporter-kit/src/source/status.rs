//! The status of a source, for people.

use std::sync::Arc;
use std::time::Duration;

use super::spec::Schedule;
use crate::model::Timestamp;

/// The status of a source: the values of its metrics, and the text of the last error.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SourceStatus {
    /// The value of the label `source`.
    pub name: Arc<str>,
    /// Its schedule.
    pub schedule: Schedule,
    /// Set if the last run was a success; `None` before the first has ended.
    pub up: Option<bool>,
    /// Set while a fetch is running.
    pub running: bool,
    /// When the last run ended.
    pub last_run: Option<Timestamp>,
    /// When the last run that gave numbers ended.
    pub last_success: Option<Timestamp>,
    /// The duration of the last run.
    pub duration: Option<Duration>,
    /// From how many rows the last numbers were made.
    pub rows: Option<u64>,
    /// The number of failures since the last success.
    pub failures: u32,
    /// The failure of the last run, or of a part of it.
    pub error: Option<Arc<str>>,
}
