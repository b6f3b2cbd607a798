//! Writes series whose labels are known at run time only.

use crate::collect::{CollectError, Given, Sink};
use crate::model::{Descriptor, MetricType, Sample, SeriesKey, Value, check_labels, render_labels};
use crate::name::{self, NameScheme};

/// Writes the series of one family, each with any labels: for numbers that a configuration or another program names.
///
/// Where the names of the labels are known when the program is written, [`FamilyWriter`](crate::FamilyWriter) finds a
/// forgotten label at compile time.
///
/// ```
/// use exporter_kit::{Descriptor, MetricType, Number, Sample, SeriesWriter, Snapshot, Value};
///
/// let mut snapshot = Snapshot::new();
/// let descriptor = Descriptor::new(MetricType::Gauge, "queue_depth", "Jobs that wait.")?;
/// let labels = vec![("queue", "mail"), ("shard", "1")];
/// let point = Sample::new(Value::Gauge(Number::U64(3)));
/// SeriesWriter::begin(&mut snapshot, &descriptor).series(&labels, &point)?;
/// assert_eq!(snapshot.value("queue_depth", &labels), Some(3.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SeriesWriter<'s> {
    sink: &'s mut dyn Sink,
    family: Box<str>,
    kind: MetricType,
    /// Reused for every head.
    text: String,
    wanted: bool,
    given: Given,
}

impl std::fmt::Debug for SeriesWriter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SeriesWriter")
            .field("family", &self.family)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl<'s> SeriesWriter<'s> {
    /// Begins a family.
    pub fn begin(sink: &'s mut dyn Sink, descriptor: &Descriptor) -> Self {
        let wanted = sink.family(descriptor);
        Self {
            sink,
            family: descriptor.name().into(),
            kind: descriptor.metric_type(),
            text: String::new(),
            wanted,
            given: Given::default(),
        }
    }

    /// Gives one series: labels as pairs of name and value, and the value.
    ///
    /// # Errors
    /// When a label name is not valid for the family's kind or stands twice, the value is of another kind or, for a
    /// counter, negative or NaN, or the labels were given before with the same timestamp. The next series can be given
    /// all the same.
    pub fn series(
        &mut self,
        labels: &[(&str, &str)],
        point: &Sample<'_>,
    ) -> Result<(), CollectError> {
        if point.value.metric_type() != self.kind {
            return Err(CollectError::WrongType {
                family: self.family.clone(),
                expected: self.kind,
                given: point.value.metric_type(),
            });
        }
        if let Value::Counter(number, _) = point.value {
            CollectError::unless_count(&self.family, number)?;
        }
        let names: Vec<&str> = labels.iter().map(|(name, _)| *name).collect();
        check_labels(&names, &self.family, self.kind, NameScheme::Utf8)?;
        if !self.wanted {
            return Ok(());
        }
        self.text.clear();
        self.text.push_str(&self.family);
        let legacy = render_labels(&mut self.text, labels.iter().copied())
            && name::is_legacy_metric_name(&self.family);
        let head = SeriesKey::from_parts(&self.text, self.family.len(), legacy);
        if !self.given.insert(&key(labels, point)) {
            return Err(CollectError::Repeated {
                series: self.text.trim_end().into(),
            });
        }
        self.wanted = self.sink.sample(head, point);
        Ok(())
    }
}

/// What tells a series from all others: its labels in the order of their names, and the moment.
fn key(labels: &[(&str, &str)], point: &Sample<'_>) -> String {
    let mut labels = labels.to_vec();
    labels.sort_unstable();
    let mut key = String::new();
    render_labels(&mut key, labels.into_iter());
    if let Some(timestamp) = point.timestamp {
        let (seconds, nanos) = (timestamp.seconds(), timestamp.subsec_nanos());
        key.push_str(&format!("{seconds}.{nanos}"));
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Number;
    use crate::name::NameErrorKind;
    use crate::snapshot::Snapshot;

    #[test]
    fn what_is_refused_costs_no_other_series() {
        let mut snapshot = Snapshot::new();
        let descriptor = Descriptor::new(MetricType::Counter, "jobs_total", "Jobs.").unwrap();
        let mut writer = SeriesWriter::begin(&mut snapshot, &descriptor);
        let count = |number| Sample::new(Value::Counter(number, None));
        let one = count(Number::U64(1));
        writer.series(&[("a", "1"), ("b", "2")], &one).unwrap();
        let again = writer.series(&[("b", "2"), ("a", "1")], &one);
        assert!(matches!(again, Err(CollectError::Repeated { .. })));
        let negative = writer.series(&[("a", "2")], &count(Number::I64(-1)));
        assert!(matches!(negative, Err(CollectError::NotACount { .. })));
        let gauge = writer.series(&[], &Sample::new(Value::Gauge(Number::U64(1))));
        assert!(matches!(gauge, Err(CollectError::WrongType { .. })));
        let twice = writer.series(&[("a", "1"), ("a", "2")], &one);
        let Err(CollectError::Name(error)) = twice else {
            panic!("{twice:?}");
        };
        assert_eq!(error.kind(), NameErrorKind::DuplicateLabel);
        writer.series(&[], &one).unwrap();
        assert_eq!(snapshot.families()[0].series().len(), 2);
        assert_eq!(snapshot.duplicates().count(), 0);
    }
}
