//! One source: where numbers are had, how often, and the metrics made of them.

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
use crate::config::{At, MetricConfig, ProbeConfig, Span};
use crate::decode::Limits;
use crate::sources;

/// Where numbers are had, how often, and the metrics made of them. It has one key that says where; `app_exporter sources`
/// lists them.
#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SourceConfig {
    /// Made-up numbers.
    pub(crate) simulate: Option<At<sources::simulate::SimulateConfig>>,
    /// What a file says.
    pub(crate) file: Option<At<sources::file::FileConfig>>,
    /// How many files there are.
    pub(crate) files: Option<At<sources::files::FilesConfig>>,
    /// What a program prints.
    pub(crate) command: Option<At<sources::command::CommandConfig>>,
    /// What a web server answers.
    pub(crate) http: Option<At<sources::http::HttpConfig>>,
    /// Rows of a database.
    pub(crate) sql: Option<At<sources::sql::SqlConfig>>,
    /// What a Redis has.
    pub(crate) redis: Option<At<sources::redis::RedisConfig>>,
    /// Who is logged in to this machine.
    pub(crate) login: Option<At<sources::login::LoginConfig>>,

    /// Asked in the background, this often. Without it, the source is asked at each scrape.
    interval: Option<At<Span>>,
    /// How long an answer to a scrape is good for other scrapes too.
    cache: Option<At<Span>>,
    /// How long an answer may take: 10s unless this says otherwise. A scrape's own deadline may be earlier.
    timeout: Option<Span>,
    /// What is shown while the source fails: nothing (`drop`), or the last numbers for a time (`keep: 10m`).
    on_error: OnErrorConfig,
    /// How many bytes an answer may have: 16777216 unless this says otherwise. JSON whose `rows` only step into members, as
    /// `$.items[*]`, takes memory for these rows while it is made into metrics; any other takes 15 to 65 times as much as its
    /// text, so this limits that as well.
    max_bytes: Option<NonZeroUsize>,
    /// How many rows an answer may have: 100000 unless this says otherwise.
    max_rows: Option<NonZeroUsize>,

    /// Makes it a template, which is asked about targets that requests name.
    pub(crate) probe: Option<At<ProbeConfig>>,

    /// What is made of the rows.
    pub(crate) metrics: Vec<At<MetricConfig>>,
}

/// What is shown while a source fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", remote = "Self")]
enum OnErrorConfig {
    /// Nothing.
    #[default]
    Drop,
    /// The last numbers, until they are this old.
    Keep(Span),
}

/// The name of a source, which its own metrics have in the label `source`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SourceName(Box<str>);

impl SourceConfig {
    /// The keys that say when it is asked, if both are there.
    pub(crate) fn conflicting_schedule(&self) -> Option<&At<Span>> {
        self.interval.as_ref().and(self.cache.as_ref())
    }

    /// The key by which it is asked in the background, if it has that.
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
            bytes: self.max_bytes.map_or(16 << 20, NonZeroUsize::get),
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
                "`{}` is no name for a source; it has at most 64 ASCII letters, digits, `_`, `-` \
                 and `.`",
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
