//! One source: its origin, its schedule, its limits and its metrics.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

use exporter_kit::source::{OnError, Schedule};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::MapAccess;
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, de};

use crate::config::variant::{self, Variants};
use crate::config::{At, ByteSize, MetricConfig, ProbeConfig, Span};
use crate::decode::Limits;
use crate::sources;

/// A data source: its origin, its schedule and its metrics. Exactly one key names the origin; `app_exporter sources`
/// lists these keys.
#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SourceConfig {
    /// Simulated numbers.
    pub(crate) simulate: Option<At<sources::simulate::SimulateConfig>>,
    /// Content of files.
    pub(crate) file: Option<At<sources::file::FileConfig>>,
    /// Number and age of files.
    pub(crate) files: Option<At<sources::files::FilesConfig>>,
    /// Output of a command.
    pub(crate) command: Option<At<sources::command::CommandConfig>>,
    /// Response of a web server.
    pub(crate) http: Option<At<sources::http::HttpConfig>>,
    /// Response of a FastCGI server, such as PHP-FPM.
    pub(crate) fastcgi: Option<At<sources::fastcgi::FastCgiConfig>>,
    /// Rows of a database.
    pub(crate) sql: Option<At<sources::sql::SqlConfig>>,
    /// Data and statistics of a Redis server.
    pub(crate) redis: Option<At<sources::redis::RedisConfig>>,
    /// Logins on this machine.
    pub(crate) login: Option<At<sources::login::LoginConfig>>,

    /// The interval of background fetches. Without it, the source is fetched at each scrape.
    interval: Option<At<Span>>,
    /// The cache TTL: scrapes within this time reuse the result of one fetch.
    cache: Option<At<Span>>,
    /// The timeout of a fetch; default 10s. The deadline of a scrape may be earlier.
    timeout: Option<Span>,
    /// The samples to export while the source fails: none (`drop`), or the last ones for a time (`keep: 10m`).
    on_error: OnErrorConfig,
    /// The limit of bytes per result; default 16MiB. It also bounds memory: JSON with a simple `rows` path such as
    /// `$.items[*]` takes memory for its rows, any other JSON 15 to 65 times the size of its text.
    max_bytes: Option<ByteSize>,
    /// The limit of rows per result; default 100000.
    max_rows: Option<NonZeroUsize>,

    /// Turns the source into a template, which is fetched for the targets of requests.
    pub(crate) probe: Option<At<ProbeConfig>>,

    /// The metrics to make from the rows.
    pub(crate) metrics: Vec<At<MetricConfig>>,
}

/// The samples to export while a source fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", remote = "Self")]
enum OnErrorConfig {
    /// Exports no samples.
    #[default]
    Drop,
    /// Exports the last samples until they are this old.
    Keep(Span),
}

/// The name of a source, and the label `source` of its health metrics.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SourceName(Box<str>);

impl SourceConfig {
    /// The key `cache`, if it conflicts with `interval`.
    pub(crate) fn conflicting_schedule(&self) -> Option<&At<Span>> {
        self.interval.as_ref().and(self.cache.as_ref())
    }

    /// The key `interval`.
    pub(crate) fn interval(&self) -> Option<&At<Span>> {
        self.interval.as_ref()
    }

    pub(crate) fn schedule(&self) -> Schedule {
        match (&self.interval, &self.cache) {
            (Some(interval), _) => Schedule::Every {
                interval: interval.get(),
            },
            (None, Some(cache)) => Schedule::Cached {
                time_to_live: cache.get(),
            },
            (None, None) => Schedule::AtScrape,
        }
    }

    pub(crate) fn on_error(&self) -> OnError {
        match self.on_error {
            OnErrorConfig::Drop => OnError::Drop,
            OnErrorConfig::Keep(time) => OnError::Keep {
                at_most: time.get(),
            },
        }
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(Span::from_secs(10)).get()
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            bytes: self.max_bytes.unwrap_or(ByteSize::from_mebibytes(16)).get(),
            rows: self.max_rows.map_or(100_000, NonZeroUsize::get),
        }
    }
}

impl Variants for OnErrorConfig {
    const EXPECTED: &'static str = "`drop`, or `{keep: 10m}`";

    fn of_entry<'de, A: MapAccess<'de>>(entry: MapAccessDeserializer<A>) -> Result<Self, A::Error> {
        Self::deserialize(entry)
    }
}

impl<'de> Deserialize<'de> for OnErrorConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        variant::read(deserializer)
    }
}

impl SourceName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SourceName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let allowed = |char: char| char.is_ascii_alphanumeric() || "_-.".contains(char);
        if name.is_empty() || name.len() > 64 || !name.chars().all(allowed) {
            return Err(de::Error::custom(format!(
                "`{}` is not a source name; write at most 64 ASCII letters, digits, `_`, `-` and `.`",
                name.escape_debug()
            )));
        }
        Ok(Self(name.into()))
    }
}

impl JsonSchema for SourceName {
    fn schema_name() -> Cow<'static, str> {
        "SourceName".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$" })
    }
}
