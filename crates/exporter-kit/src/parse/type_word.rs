//! The words for types in `# TYPE` lines as scraped.

use crate::model::MetricType;
use crate::parse::Dialect;

/// A type in any letter case, with OpenMetrics' or the text format's word.
pub(crate) fn type_named(word: &str) -> Option<MetricType> {
    let word = word.to_ascii_lowercase();
    match word.as_str() {
        "untyped" => Some(MetricType::Unknown),
        word => MetricType::from_openmetrics(word),
    }
}

/// Returns whether Prometheus takes the word for that type in a `# TYPE` line.
pub(crate) fn is_word_of(metric_type: MetricType, word: &str, dialect: Dialect) -> bool {
    match (dialect, metric_type) {
        (Dialect::OpenMetrics, _) => word == metric_type.as_str(),
        (Dialect::Text, MetricType::GaugeHistogram | MetricType::Info | MetricType::StateSet) => {
            false
        }
        (Dialect::Text, _) => word == metric_type.text_word(),
    }
}
