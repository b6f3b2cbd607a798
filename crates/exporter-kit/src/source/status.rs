//! The status of a source, for the web page.

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
    /// The schedule.
    pub schedule: Schedule,
    /// True if the last run succeeded; `None` until the first has ended.
    pub up: Option<bool>,
    /// True while a fetch is running.
    pub running: bool,
    /// The end of the last run.
    pub last_run: Option<Timestamp>,
    /// The end of the last run that returned numbers.
    pub last_success: Option<Timestamp>,
    /// The duration of the last run.
    pub duration: Option<Duration>,
    /// The number of rows behind the last numbers.
    pub rows: Option<u64>,
    /// The number of failures since the last success.
    pub failures: u32,
    /// The failure of the last run, or of a part of it.
    pub error: Option<Arc<str>>,
}
