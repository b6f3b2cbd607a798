//! What a collector may know of the scrape that it gives to.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a collector may know of the scrape that it gives to; [`Sink::context`](crate::Sink::context) has it.
#[derive(Clone, Default)]
pub struct ScrapeContext {
    pub(crate) deadline: Option<Instant>,
    /// What collectors have prepared for this scrape, each under a key of its own.
    pub(crate) views: Vec<(usize, Arc<dyn Any + Send + Sync>)>,
}

impl ScrapeContext {
    /// Nothing is known.
    pub(crate) const NONE: &'static Self = &Self {
        deadline: None,
        views: Vec::new(),
    };

    /// What is known of this scrape as a part of that other one; nothing if that adds nothing.
    #[inline]
    pub(crate) fn within(&self, outer: &Self) -> Option<Self> {
        if outer.deadline.is_none() && outer.views.is_empty() {
            return None;
        }
        Some(Self {
            deadline: [outer.deadline, self.deadline].into_iter().flatten().min(),
            views: match &*self.views {
                [] => outer.views.clone(),
                _ => self.views.clone(),
            },
        })
    }

    /// When the scrape must be done; what is not given by then is left out. To be handed on to what the collector
    /// asks in turn.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// How much time is left, if it is limited; nothing once the deadline has passed.
    pub fn remaining(&self) -> Option<Duration> {
        let deadline = self.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// What was prepared for this scrape under that key.
    #[cfg(feature = "source")]
    pub(crate) fn view<V: Any + Send + Sync>(&self, key: usize) -> Option<Arc<V>> {
        let (_, view) = self.views.iter().find(|(other, _)| *other == key)?;
        Arc::clone(view).downcast().ok()
    }
}

impl fmt::Debug for ScrapeContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScrapeContext")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
