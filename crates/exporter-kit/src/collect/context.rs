//! Facts about a scrape that its collectors may use.

use std::time::{Duration, Instant};

/// The scrape that a collector gives to; [`Sink::context`](crate::Sink::context) has it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ScrapeContext {
    pub(crate) deadline: Option<Instant>,
}

impl ScrapeContext {
    /// Nothing is known.
    pub(crate) const NONE: &'static Self = &Self { deadline: None };

    /// This scrape as a part of that other one; nothing if that adds nothing.
    #[inline]
    pub(crate) fn within(&self, outer: &Self) -> Option<Self> {
        outer.deadline?;
        let deadlines = [outer.deadline, self.deadline];
        Some(Self {
            deadline: deadlines.into_iter().flatten().min(),
        })
    }

    /// The moment at which the scrape must be done; what is not given by then is left out. Pass it on to what the
    /// collector asks in turn.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The time that is left, if it is limited; zero once the deadline has passed.
    pub fn remaining(&self) -> Option<Duration> {
        let deadline = self.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }
}
