//! Placeholder for the database `sqlite`.

use crate::config::{At, Fault};
use crate::decode::Limits;
pub(super) use crate::sources::absent::Absent as Keys;
use crate::sources::origin::{Feature, Fetcher, Surroundings, not_built_in};
use crate::sources::sql::query::Queries;

/// The Cargo feature that would build it in.
pub(super) const FEATURE: Feature = Feature {
    name: "sql-sqlite",
    is_on: false,
};

/// # Errors
/// Always: it names the feature.
pub(super) fn fetcher(
    keys: &At<Keys>,
    _: Queries,
    _: Limits,
    _: Surroundings<'_>,
) -> Result<Fetcher, Fault> {
    Err(Fault::at(
        keys.place(),
        not_built_in("sqlite", FEATURE.name),
    ))
}
