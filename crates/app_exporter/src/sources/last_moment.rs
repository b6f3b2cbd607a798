//! The moment at which partial results are returned.

use tokio::time::Instant;

use crate::sources::visit::{Visit, last_moment};

impl Visit {
    /// A little before the deadline, at which everything is dropped: until then there is time to hand over what is known.
    pub(super) fn last_moment(&self) -> Instant {
        last_moment(self.deadline())
    }
}
