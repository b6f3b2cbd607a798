//! What one scrape shows of the sources.

use std::sync::Arc;

use super::runner::{Good, Runner};
use super::spec::{OnError, Schedule};

/// What one scrape shows of all sources, in their order.
pub(crate) struct View(pub(crate) Vec<Shown>);

/// What one scrape shows of one source.
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

    /// Whether what is shown may be older than the scrape.
    pub(crate) fn may_be_old(&self) -> bool {
        let spec = &self.runner.spec;
        !matches!(
            (spec.schedule, spec.on_error),
            (Schedule::AtScrape, OnError::Drop)
        )
    }
}
