//! Data sources. Each returns rows, and knows nothing of metrics, schedules and health.

#[cfg(any(
    test,
    not(all(
        feature = "http",
        feature = "redis",
        feature = "sql-mysql",
        feature = "sql-postgres",
        feature = "sql-sqlite"
    ))
))]
mod absent;
pub(crate) mod command;
#[cfg(feature = "_servers")]
mod failures;
pub(crate) mod file;
pub(crate) mod files;
#[cfg_attr(not(feature = "http"), path = "absent/http.rs")]
pub(crate) mod http;
#[cfg(any(feature = "redis", feature = "_sql"))]
mod last_moment;
pub(crate) mod login;
#[cfg(any(feature = "redis", feature = "sql-postgres"))]
mod metered;
pub(crate) mod origin;
mod path_pattern;
#[cfg_attr(not(feature = "redis"), path = "absent/redis.rs")]
pub(crate) mod redis;
#[cfg(feature = "_servers")]
mod secret;
pub(crate) mod simulate;
#[cfg_attr(not(feature = "_sql"), path = "absent/sql.rs")]
pub(crate) mod sql;
#[cfg(feature = "_servers")]
mod tls;
#[cfg(any(feature = "redis", feature = "sql-postgres"))]
mod tls_client;
pub(crate) mod utmp;
pub(crate) mod visit;
mod whole_file;
