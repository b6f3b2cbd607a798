//! Expositions of other exporters, passed on with other names and labels.

use std::borrow::Cow;
use std::collections::BTreeMap;

use exporter_kit::parse::{AsScraped, Dialect, ParseError, ParseErrorKind, Scraped, ScrapedLabels};
use exporter_kit::source::SourceErrorReason as Reason;
use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use crate::config::{At, Fault, compile};
use crate::decode::decoder::{Decoder, FormatKeys};
use crate::decode::{Content, Failure, Limits, Part, Parts, Wanted};

/// Filters and renaming of the families of another exporter.
///
/// Every sample that Prometheus 3 keeps is passed on unchanged, even if its family breaks rules of its type. A line that
/// cannot be kept is left out alone, counted as `decode` or `conflict`, and named in the log. The `Content-Type` of a
/// response decides between Prometheus text and OpenMetrics; without one, a last line `# EOF` does.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrometheusFormat {
    /// A regular expression for the whole name of families to keep.
    #[serde(default)]
    only: Option<NamePattern>,
    /// A regular expression for the whole name of families to drop.
    #[serde(default)]
    except: Option<NamePattern>,
    /// A prefix for the name of each family.
    #[serde(default)]
    prefix: Option<At<String>>,
    /// Labels to add to each series. They replace labels of the same name.
    #[serde(default)]
    labels: BTreeMap<At<String>, String>,
    /// New names of labels, as `{old: new}`.
    #[serde(default)]
    rename_labels: BTreeMap<String, At<String>>,
    /// Labels to drop.
    #[serde(default)]
    drop_labels: Vec<String>,
}

/// A regular expression for whole names.
#[derive(Clone, Debug)]
struct NamePattern(Regex);

impl FormatKeys for PrometheusFormat {
    fn parts(&self) -> Parts {
        Parts::default()
    }

    fn gives_families(&self) -> bool {
        true
    }

    #[cfg(feature = "http")]
    fn accept(&self) -> Option<&'static str> {
        Some(ACCEPT)
    }

    fn check(&self, faults: &mut Vec<Fault>) {
        let registry = exporter_kit::Registry::new();
        let prefix = self
            .prefix
            .iter()
            .map(|it| (it.place(), registry.scoped(it, &[])));
        let names = self.labels.keys().chain(self.rename_labels.values());
        let labels = names.map(|it| (it.place(), registry.scoped("", &[(it.as_str(), "")])));
        for (place, checked) in prefix.chain(labels) {
            if let Err(error) = checked {
                faults.push(Fault::at(place, error.to_string()));
            }
        }
    }

    fn decoder(&self, _: Wanted, _: Limits) -> Decoder {
        let format = self.clone();
        Decoder::of_response(move |bytes, content_type| decode(&format, bytes, content_type))
    }
}

impl PrometheusFormat {
    fn wants(&self, family: &str) -> bool {
        let matches = |pattern: &NamePattern| pattern.0.is_match(family);
        self.only.as_ref().is_none_or(matches) && !self.except.as_ref().is_some_and(matches)
    }

    fn relabel<'l>(&self, labels: &mut ScrapedLabels<'l>) {
        labels.retain(|(name, _)| !self.drop_labels.iter().any(|dropped| dropped == name));
        for (name, _) in labels.iter_mut() {
            if let Some(renamed) = self.rename_labels.get(&**name) {
                *name = renamed.to_string().into();
            }
        }
        labels.retain(|(name, _)| !self.labels.keys().any(|set| **set == *name));
        let set = self.labels.iter();
        labels.extend(set.map(|(name, value)| (name.to_string().into(), value.clone().into())));
    }

    fn read(&self, bytes: &[u8], dialect: Dialect) -> Result<Scraped, ParseError> {
        let mut options = AsScraped::new(dialect);
        if let Some(prefix) = &self.prefix {
            options = options.with_prefix(prefix.as_str());
        }
        let wants = |family: &str| self.wants(family);
        if self.only.is_some() || self.except.is_some() {
            options = options.with_families(&wants);
        }
        let relabel: &dyn for<'l> Fn(&mut ScrapedLabels<'l>) = &|labels| self.relabel(labels);
        if !(self.labels.is_empty() && self.rename_labels.is_empty() && self.drop_labels.is_empty())
        {
            options = options.with_labels(relabel);
        }
        options.read(bytes)
    }
}

/// The `Accept` of Prometheus 3, without protobuf.
#[cfg(feature = "http")]
const ACCEPT: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
    application/openmetrics-text;version=0.0.1;q=0.5,\
    text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

/// Reads an exposition as Prometheus does: the dialect of its content type, or that of its last line.
///
/// A sample that cannot be kept fails alone.
fn decode(
    format: &PrometheusFormat,
    bytes: &[u8],
    content_type: Option<&str>,
) -> Result<Vec<Part>, Failure> {
    let told = content_type.and_then(Dialect::of_content_type);
    if told.is_none() && is_document(bytes, content_type) {
        return Err(not_metrics(bytes, content_type));
    }
    let dialect = told.unwrap_or_else(|| Dialect::of_body(bytes));
    let mut scraped = format.read(bytes, dialect);
    if told.is_none() && dialect == Dialect::OpenMetrics {
        // The text format may end in `# EOF` too.
        let lost =
            |read: &Result<Scraped, ParseError>| read.as_ref().map_or(u64::MAX, Scraped::left_out);
        if lost(&scraped) > 0 {
            let text = format.read(bytes, Dialect::Text);
            if lost(&text) < lost(&scraped) {
                scraped = text;
            }
        }
    }
    let scraped = scraped.map_err(|error| Failure::decode(error.to_string()))?;
    let failures = failures(&scraped);
    if scraped.snapshot().families().is_empty()
        && let Some(first) = failures.first()
    {
        return Err(first.clone());
    }
    let mut parts: Vec<Part> = failures
        .into_iter()
        .map(|failure| Part {
            name: FAMILIES.into(),
            content: Err(failure),
        })
        .collect();
    parts.push(Part {
        name: FAMILIES.into(),
        content: Ok(Content::Families(Box::new(scraped.into_snapshot()))),
    });
    Ok(parts)
}

/// The name of the families in messages.
const FAMILIES: &str = "families";

/// The most lines that a message names.
const MAX_NAMED: usize = 10;

/// One failure for samples that exclude each other, and one for everything else that is left out.
fn failures(scraped: &Scraped) -> Vec<Failure> {
    let is_conflict = |fault: &&ParseError| {
        matches!(
            fault.kind(),
            ParseErrorKind::Duplicate
                | ParseErrorKind::Backwards
                | ParseErrorKind::MixedTimestamps
                | ParseErrorKind::DuplicateLabel
        )
    };
    let (conflicts, others): (Vec<_>, Vec<_>) = scraped.faults().iter().partition(is_conflict);
    // They come after the named ones, and are most likely alike.
    let unnamed = scraped.left_out() - scraped.faults().len() as u64;
    let (of_conflicts, of_others) = match others.is_empty() {
        true => (unnamed, 0),
        false => (0, unnamed),
    };
    let mut failures = Vec::new();
    for (reason, faults, unnamed) in [
        (Reason::Conflict, conflicts, of_conflicts),
        (Reason::Decode, others, of_others),
    ] {
        let named: Vec<_> = faults
            .iter()
            .take(MAX_NAMED)
            .map(|it| it.to_string())
            .collect();
        if named.is_empty() {
            continue;
        }
        let more = (faults.len() - named.len()) as u64 + unnamed;
        let mut message = named.join("; ");
        if more > 0 {
            message.push_str(&format!("; and {more} more"));
        }
        failures.push(Failure::new(reason, message));
    }
    failures
}

/// Returns whether a response is a document for people or programs rather than an exposition.
fn is_document(bytes: &[u8], content_type: Option<&str>) -> bool {
    let media_type = content_type
        .and_then(|it| it.split(';').next())
        .unwrap_or("");
    let media_type = media_type.trim().to_ascii_lowercase();
    matches!(
        media_type.as_str(),
        "text/html" | "application/xhtml+xml" | "application/vnd.google.protobuf"
    ) || bytes.trim_ascii_start().starts_with(b"<")
}

fn not_metrics(bytes: &[u8], content_type: Option<&str>) -> Failure {
    const SHOWN: usize = 60;
    let begin = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * SHOWN)]);
    let begin: String = begin.trim_start().chars().take(SHOWN).collect();
    let content_type = match content_type {
        Some(content_type) => format!("of the type `{}`", content_type.escape_debug()),
        None => "without a content type".to_owned(),
    };
    Failure::decode(format!(
        "cannot read metrics: the response is {content_type} and begins with `{}`; check the path, or let the server \
         send `Content-Type: text/plain; version=0.0.4`",
        begin.escape_debug()
    ))
}

impl PartialEq for NamePattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl<'de> Deserialize<'de> for NamePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        compile(&text, &format!("^(?:{text})$"))
            .map(Self)
            .map_err(de::Error::custom)
    }
}

impl JsonSchema for NamePattern {
    fn schema_name() -> Cow<'static, str> {
        "NameRegex".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A regular expression for a whole name, such as `http_.*`.",
        })
    }
}
