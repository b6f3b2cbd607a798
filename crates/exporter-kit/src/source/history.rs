//! The runs of a source so far.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::run::{Good, RunResult, SourceRun};
use super::spec::OnError;
use crate::model::Timestamp;

/// The run under way, the end of the last one, and its numbers.
#[derive(Default)]
pub(super) struct History {
    pub(super) run: Weak<SourceRun>,
    pub(super) last: Option<Ended>,
    /// The numbers of the last success, unless they can never be shown again.
    pub(super) good: Option<Arc<Good>>,
    pub(super) last_success: Option<Timestamp>,
    /// The number of failures since the last success.
    pub(super) failures: u32,
    /// The conflict that was logged last, unless a later fetch had none.
    pub(super) conflict: Option<Arc<str>>,
}

/// The end of a run.
#[derive(Clone)]
pub(super) struct Ended {
    pub(super) worked: bool,
    pub(super) ended: Timestamp,
    pub(super) duration: Duration,
    pub(super) error: Option<Arc<str>>,
}

impl History {
    /// Adds the end of a run. Returns the end before it, and the numbers that are replaced: drop them after the lock on
    /// the history.
    pub(super) fn add(
        &mut self,
        end: Ended,
        result: &RunResult,
        on_error: OnError,
    ) -> (Option<Ended>, Option<Arc<Good>>) {
        let replaced = match result {
            Ok(good) => {
                self.failures = 0;
                self.last_success = Some(end.ended);
                let had_conflict = |good: &Arc<Good>| good.conflict.get().is_some();
                if self.good.as_ref().is_some_and(|good| !had_conflict(good)) {
                    self.conflict = None;
                }
                self.good.replace(Arc::clone(good))
            }
            Err(_) => {
                self.failures = self.failures.saturating_add(1);
                match on_error {
                    OnError::Drop => self.good.take(),
                    OnError::Keep { .. } => None,
                }
            }
        };
        (self.last.replace(end), replaced)
    }

    /// The numbers that may still be shown after a failure.
    pub(super) fn kept(&self, on_error: OnError) -> Option<Arc<Good>> {
        let OnError::Keep { at_most } = on_error else {
            return None;
        };
        let good = self.good.as_ref();
        good.filter(|good| good.at.elapsed() <= at_most).cloned()
    }
}
