//! The clock of a scrape with a deadline.

use std::time::Instant;

/// Checks the time regularly, and remembers that the deadline has passed.
pub(super) struct Clock {
    deadline: Option<Instant>,
    until_look: u32,
    pub(super) is_over: bool,
}

/// The number of samples between two checks of the clock. A check takes longer than a sample.
const SAMPLES_BETWEEN_LOOKS: u32 = 512;

impl Clock {
    pub(super) fn new(deadline: Option<Instant>) -> Self {
        Self {
            deadline,
            // Without a deadline, the first check can wait like any other.
            until_look: if deadline.is_some() {
                0
            } else {
                SAMPLES_BETWEEN_LOOKS
            },
            is_over: false,
        }
    }

    /// Makes the next call check the clock.
    pub(super) fn doubt(&mut self) {
        self.until_look = 0;
    }

    #[cold]
    fn look(&mut self) -> bool {
        self.until_look = SAMPLES_BETWEEN_LOOKS;
        self.is_over = self
            .deadline
            .is_some_and(|deadline| deadline <= Instant::now());
        self.is_over
    }

    /// Returns whether the deadline has passed; late by at most a few hundred calls.
    #[inline]
    pub(super) fn is_over(&mut self) -> bool {
        if self.until_look == 0 {
            return self.look();
        }
        self.until_look -= 1;
        self.is_over
    }
}
