//! The types of families.

use std::fmt;

/// The type of a family, as OpenMetrics names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum MetricType {
    /// A number that only goes up.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// Observations counted in buckets.
    Histogram,
    /// A distribution of current values, which can shrink.
    GaugeHistogram,
    /// Observations counted, summed and perhaps reduced to quantiles.
    Summary,
    /// Text as labels; the value is always 1.
    Info,
    /// Named states, each on or off.
    StateSet,
    /// Not known; the safe choice for a number from elsewhere.
    Unknown,
}

impl MetricType {
    /// The word that OpenMetrics uses in a `# TYPE` line.
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

    /// The suffix that a family's only sample has in OpenMetrics beyond the family's name there.
    pub(crate) const fn sample_suffix(self) -> &'static str {
        match self {
            Self::Counter => "_total",
            Self::Info => "_info",
            _ => "",
        }
    }
}

impl fmt::Display for MetricType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
