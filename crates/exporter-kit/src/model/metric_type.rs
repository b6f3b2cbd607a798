//! The types of families, and their words in each format.

use std::fmt;

/// The type of a family, with OpenMetrics' names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum MetricType {
    /// A number that only increases.
    Counter,
    /// A number that increases and decreases.
    Gauge,
    /// Observations counted in buckets.
    Histogram,
    /// A distribution of current values, which can decrease.
    GaugeHistogram,
    /// Observations counted, summed and optionally reduced to quantiles.
    Summary,
    /// Text as labels; the value is always 1.
    Info,
    /// Named states, each on or off.
    StateSet,
    /// Unknown; the safe choice for numbers from elsewhere.
    Unknown,
}

impl MetricType {
    /// All types.
    pub(crate) const ALL: [Self; 8] = [
        Self::Counter,
        Self::Gauge,
        Self::Histogram,
        Self::GaugeHistogram,
        Self::Summary,
        Self::Info,
        Self::StateSet,
        Self::Unknown,
    ];

    /// Returns the type with that word in a `# TYPE` line of OpenMetrics.
    pub(crate) fn from_openmetrics(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|metric_type| metric_type.as_str() == word)
    }

    /// The word for this type in a `# TYPE` line of OpenMetrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::Unknown => "unknown",
        }
    }

    /// The suffix of a family's only sample in OpenMetrics, which the family's name lacks there.
    pub(crate) const fn sample_suffix(self) -> &'static str {
        match self {
            Self::Counter => "_total",
            Self::Info => "_info",
            _ => "",
        }
    }

    /// The suffixes that the samples of a family can have in any format, and the empty one.
    pub(crate) const fn claimed_suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Counter => &["", "_total", "_created"],
            Self::Histogram => &["", "_bucket", "_sum", "_count", "_created"],
            Self::GaugeHistogram => &["", "_bucket", "_gsum", "_gcount"],
            Self::Summary => &["", "_sum", "_count", "_created"],
            Self::Info => &["", "_info"],
            Self::Gauge | Self::StateSet | Self::Unknown => &[""],
        }
    }

    /// The label that distinguishes the lines of one sample: buckets, quantiles or states of the family with that name.
    pub(crate) const fn line_label(self, family: &str) -> Option<&str> {
        match self {
            Self::Histogram | Self::GaugeHistogram => Some("le"),
            Self::Summary => Some("quantile"),
            Self::StateSet => Some(family),
            Self::Counter | Self::Gauge | Self::Info | Self::Unknown => None,
        }
    }

    /// The label whose numbers Prometheus 3 writes in their canonical form.
    pub(crate) const fn normal_label(self) -> Option<&'static str> {
        match self {
            Self::Histogram => Some("le"),
            Self::Summary => Some("quantile"),
            _ => None,
        }
    }

    /// The text format's word for this type, or the nearest one.
    pub(crate) const fn text_word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge | Self::Info | Self::StateSet => "gauge",
            Self::Histogram | Self::GaugeHistogram => "histogram",
            Self::Summary => "summary",
            Self::Unknown => "untyped",
        }
    }
}

impl fmt::Display for MetricType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
