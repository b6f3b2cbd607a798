//! Placeholder for the database `mysql`.

use std::time::Duration;

use crate::config::{At, Fault};
use crate::decode::Limits;
pub(super) use crate::sources::absent::Absent as Keys;
use crate::sources::origin::{Feature, Fetcher, Surroundings, not_built_in};
use crate::sources::sql::query::Queries;

/// The Cargo feature that would build it in.
pub(super) const FEATURE: Feature = Feature {
    name: "sql-mysql",
    is_on: false,
};

/// Finds no mistakes, as it ignores the keys.
pub(super) fn check(_: &Keys, _: &mut Vec<Fault>) {}

/// # Errors
/// Always: it names the feature.
pub(super) fn fetcher(
    keys: &At<Keys>,
    _: Queries,
    _: Duration,
    _: Limits,
    _: Surroundings<'_>,
) -> Result<Fetcher, Fault> {
    Err(Fault::at(keys.place(), not_built_in("mysql", FEATURE.name)))
}
