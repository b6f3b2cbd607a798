//! Facts about a scrape for its collectors.

use std::time::{Duration, Instant};

/// The scrape that a collector writes to, from [`Sink::context`](crate::Sink::context).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ScrapeContext {
    pub(crate) deadline: Option<Instant>,
}

impl ScrapeContext {
    /// No deadline.
    pub(crate) const NONE: &'static Self = &Self { deadline: None };

    /// Returns the context of this scrape as a part of `outer`; `None` if `outer` adds no limit.
    #[inline]
    pub(crate) fn within(&self, outer: &Self) -> Option<Self> {
        outer.deadline?;
        let deadlines = [outer.deadline, self.deadline];
        Some(Self {
            deadline: deadlines.into_iter().flatten().min(),
        })
    }

    /// The deadline of the scrape, if any. Families that arrive later are left out. Pass it on to everything that the
    /// collector calls.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The time left until the deadline, if any; zero once it has passed.
    pub fn remaining(&self) -> Option<Duration> {
        let deadline = self.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }
}
