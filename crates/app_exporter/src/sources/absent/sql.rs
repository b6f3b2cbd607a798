//! Placeholder for the source `sql`.

pub(crate) use crate::sources::absent::Absent as SqlConfig;
use crate::sources::origin::{Feature, SourceInfo};

/// The source in lists.
pub(crate) const INFO: SourceInfo = SourceInfo {
    name: "sql",
    about: "rows of a database: SQLite, PostgreSQL, MySQL or MariaDB",
    rows: "one result for each query, with the columns of the query",
    features: &[
        Feature {
            name: "sql-postgres",
            is_on: false,
        },
        Feature {
            name: "sql-mysql",
            is_on: false,
        },
        Feature {
            name: "sql-sqlite",
            is_on: false,
        },
    ],
};
