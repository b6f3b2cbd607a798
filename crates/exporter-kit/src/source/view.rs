//! The sources as one scrape shows them.

use std::sync::Arc;

use super::run::Good;
use super::runner::Runner;
use super::spec::{OnError, Schedule};

/// All sources as one scrape shows them, in their order.
pub(crate) struct View(pub(crate) Vec<Shown>);

/// One source as a scrape shows it.
pub(crate) struct Shown {
    pub(crate) runner: Arc<Runner>,
    pub(crate) up: bool,
    pub(crate) good: Option<Arc<Good>>,
}

impl Shown {
    pub(crate) fn fresh(runner: &Arc<Runner>, good: Arc<Good>) -> Self {
        Self {
            runner: Arc::clone(runner),
            up: true,
            good: Some(good),
        }
    }

    pub(crate) fn failed(runner: &Arc<Runner>, kept: Option<Arc<Good>>) -> Self {
        Self {
            runner: Arc::clone(runner),
            up: false,
            good: kept,
        }
    }

    /// Returns whether the numbers may be older than the scrape.
    pub(crate) fn may_be_old(&self) -> bool {
        let spec = &self.runner.spec;
        !matches!(
            (spec.schedule, spec.on_error),
            (Schedule::AtScrape, OnError::Drop)
        )
    }
}
