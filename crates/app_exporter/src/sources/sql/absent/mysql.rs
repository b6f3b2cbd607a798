//! Placeholder for the database `mysql`.

use std::time::Duration;

use crate::config::{At, Fault};
pub(super) use crate::sources::absent::Absent as Keys;
use crate::sources::origin::{Feature, Fetcher};
use crate::sources::sql::statement::FetcherInputs;

/// The Cargo feature that would build it in.
pub(super) const FEATURE: Feature = Feature {
    name: "sql-mysql",
    is_on: false,
};

/// In place of the fetcher.
pub(super) struct Source;

impl Source {
    /// # Errors
    /// Always: it names the feature.
    pub(super) fn fetcher(
        keys: &At<Keys>,
        _: FetcherInputs<'_>,
        _: Duration,
    ) -> Result<Fetcher, Fault> {
        Err(Keys::missing(keys.place(), "mysql", FEATURE))
    }
}
