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
#[cfg(any(feature = "http", feature = "redis"))]
mod endpoint;
#[cfg(feature = "_servers")]
mod failures;
#[cfg_attr(not(feature = "http"), path = "absent/fastcgi.rs")]
pub(crate) mod fastcgi;
pub(crate) mod file;
pub(crate) mod files;
#[cfg(feature = "_servers")]
mod host;
#[cfg_attr(not(feature = "http"), path = "absent/http.rs")]
pub(crate) mod http;
#[cfg(any(feature = "redis", feature = "_sql"))]
mod last_moment;
pub(crate) mod login;
#[cfg(feature = "_servers")]
pub(crate) mod lookups;
pub(crate) mod memory;
#[cfg(feature = "_servers")]
mod metered;
pub(crate) mod origin;
pub(crate) mod path_pattern;
mod path_walk;
#[cfg_attr(not(feature = "redis"), path = "absent/redis.rs")]
pub(crate) mod redis;
#[cfg(feature = "http")]
mod response;
#[cfg(feature = "_servers")]
mod secret;
pub(crate) mod simulate;
#[cfg_attr(not(feature = "_sql"), path = "absent/sql.rs")]
pub(crate) mod sql;
#[cfg(feature = "_servers")]
mod tls;
#[cfg(any(feature = "redis", feature = "sql-mysql", feature = "sql-postgres"))]
mod tls_client;
#[cfg(feature = "_servers")]
mod tls_verifier;
pub(crate) mod utmp;
pub(crate) mod visit;
mod whole_file;
