//! The exposition formats.

use std::fmt;

/// An exposition format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Format {
    /// The Prometheus text format 0.0.4, supported by every tool.
    #[default]
    Text,
    /// The Prometheus text format 1.0.0: 0.0.4 with UTF-8 names in quotes.
    TextUtf8,
    /// OpenMetrics text 1.0.0: exemplars, units, created timestamps.
    OpenMetrics,
    /// Length-delimited protobuf messages `io.prometheus.client.MetricFamily`: native histograms as well.
    Protobuf,
    /// OpenMetrics text 2.0.0, release candidate 0: experimental, and only for clients that request it.
    #[cfg(feature = "experimental-openmetrics-2")]
    OpenMetrics2,
}

impl Format {
    /// All formats, the most widely supported one first.
    pub const ALL: &'static [Self] = &[
        Self::Text,
        Self::TextUtf8,
        Self::OpenMetrics,
        Self::Protobuf,
        #[cfg(feature = "experimental-openmetrics-2")]
        Self::OpenMetrics2,
    ];

    /// The exact `Content-Type` of a body in this format, without the `escaping` parameter.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::TextUtf8 => "text/plain; version=1.0.0; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            #[cfg(feature = "experimental-openmetrics-2")]
            Self::OpenMetrics2 => "application/openmetrics-text; version=2.0.0; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.content_type())
    }
}
