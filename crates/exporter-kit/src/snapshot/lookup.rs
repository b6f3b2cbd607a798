//! Looks up one number by the name and labels of a query.

use crate::model::decimal;
use crate::model::{HistogramValue, Sample, SeriesKey, Timestamp, Value};
use crate::snapshot::{FamilySnapshot, Snapshot, same_labels};

impl Snapshot {
    /// Returns one number, by the name of its line (with `_bucket`, `_sum`, `_count`, `_created` and so on). The labels
    /// must be complete, in any order (with `le`, `quantile` or the state). Of several times, the last one counts.
    ///
    /// Returns `None` if the sample does not exist; a sample that is NaN is `Some(NaN)`.
    ///
    /// ```
    /// let snapshot = exporter_kit::parse::text(
    ///     "# TYPE wait_seconds histogram\n\
    ///      wait_seconds_bucket{le=\"0.5\"} 2\n\
    ///      wait_seconds_bucket{le=\"+Inf\"} 3\n\
    ///      wait_seconds_sum 1.75\n\
    ///      wait_seconds_count 3\n",
    /// )?;
    /// assert_eq!(snapshot.value("wait_seconds_bucket", &[("le", "0.5")]), Some(2.0));
    /// assert_eq!(snapshot.value("wait_seconds_sum", &[]), Some(1.75));
    /// assert_eq!(snapshot.value("wait_seconds", &[]), None);
    /// # Ok::<(), exporter_kit::parse::ParseError>(())
    /// ```
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        // A family of exactly that name has priority, but a histogram has no sample with its own name.
        let named = self
            .family(name)
            .and_then(|family| family.value(name, labels));
        named.or_else(|| {
            let mut families = self.families().iter();
            families.find_map(|family| family.value(name, labels))
        })
    }
}

impl FamilySnapshot {
    fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let lines = self.series().filter(|(key, sample)| {
            matches!(sample.value, Value::Line(..))
                && key.name() == name
                && has_labels(*key, labels)
        });
        if let Some((
            _,
            Sample {
                value: Value::Line(number, _),
                ..
            },
        )) = lines.last()
        {
            return Some(number.as_f64());
        }
        let suffix = name.strip_prefix(self.descriptor().base_name())?;
        let metric_type = self.descriptor().metric_type();
        if !matches!(
            suffix,
            "" | "_total"
                | "_info"
                | "_bucket"
                | "_sum"
                | "_count"
                | "_gsum"
                | "_gcount"
                | "_created"
        ) {
            return None;
        }
        let special = match suffix {
            "" | "_bucket" => metric_type.line_label(self.descriptor().name()),
            _ => None,
        };
        let mut own: Vec<(&str, &str)> = labels.to_vec();
        let special = match special {
            Some(special) => {
                let at = own.iter().position(|(label, _)| *label == special)?;
                Some(own.swap_remove(at).1)
            }
            None => None,
        };
        self.series()
            .filter(|(key, _)| has_labels(*key, &own))
            .filter_map(|(_, sample)| {
                value_of(&sample, name == self.descriptor().name(), suffix, special)
            })
            .last()
    }
}

fn has_labels(key: SeriesKey<'_>, labels: &[(&str, &str)]) -> bool {
    same_labels(key.labels(), labels.iter().copied())
}

#[allow(
    clippy::cast_precision_loss,
    reason = "a reading, rounded to the nearest f64"
)]
fn value_of(sample: &Sample<'_>, named: bool, suffix: &str, special: Option<&str>) -> Option<f64> {
    if suffix == "_created" {
        return sample.created.map(Timestamp::as_secs_f64);
    }
    match (sample.value, suffix) {
        (Value::Counter(number, _) | Value::Gauge(number) | Value::Unknown(number), _) if named => {
            Some(number.as_f64())
        }
        (Value::Info, _) if named => Some(1.0),
        (Value::Histogram(value), "_sum") | (Value::GaugeHistogram(value), "_gsum") => value.sum(),
        (Value::Histogram(value), "_count") | (Value::GaugeHistogram(value), "_gcount") => {
            Some(value.count() as f64)
        }
        (Value::Histogram(value) | Value::GaugeHistogram(value), "_bucket") => {
            bucket(value, decimal::float(special?)?)
        }
        (Value::Summary(value), "_sum") => value.sum,
        (Value::Summary(value), "_count") => value.count.map(|count| count as f64),
        (Value::Summary(value), "") => {
            let wanted = decimal::float(special?)?;
            let mut quantiles = value.quantiles.iter();
            quantiles
                .find(|(quantile, _)| *quantile == wanted)
                .map(|(_, value)| *value)
        }
        (Value::StateSet(states), "") => {
            let mut states = states.iter();
            let state = states.find(|(state, _)| Some(&**state) == special)?;
            Some(f64::from(u8::from(state.1)))
        }
        _ => None,
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "a reading, rounded to the nearest f64"
)]
fn bucket(value: &HistogramValue, wanted: f64) -> Option<f64> {
    let at = value.bounds().iter().position(|bound| *bound == wanted)?;
    value.cumulative_counts().get(at).map(|count| *count as f64)
}
