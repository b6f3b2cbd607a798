//! Families whose label names are known only at run time, or come from another exporter.

use crate::collect::family_writer::render;
use crate::collect::{CollectError, FamilyWriter, Sink};
use crate::model::{Descriptor, Sample, SeriesKey, Value, check_labels};
use crate::name::NameScheme;

impl<'s> FamilyWriter<'s, 0> {
    /// Begins a family whose label names are known only at run time. Each [`series`](Self::series) has its own.
    pub fn with_any_labels(sink: &'s mut dyn Sink, descriptor: &Descriptor) -> Self {
        Self::new(sink, descriptor, [])
    }

    /// Writes a series with labels known only at run time: pairs of name and value.
    ///
    /// ```
    /// use exporter_kit::{Descriptor, FamilyWriter, MetricType, Number, Sample, Snapshot, Value};
    ///
    /// let mut snapshot = Snapshot::new();
    /// let descriptor = Descriptor::new(MetricType::Gauge, "queue_depth", "Jobs that wait.")?;
    /// let labels = vec![("queue", "mail"), ("shard", "1")];
    /// let point = Sample::new(Value::Gauge(Number::U64(3)));
    /// FamilyWriter::with_any_labels(&mut snapshot, &descriptor).series(&labels, &point)?;
    /// assert_eq!(snapshot.value("queue_depth", &labels), Some(3.0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When a label name is invalid for the family's type or a duplicate, or [`sample`](Self::sample) rejects the
    /// value. Also when the labels are a duplicate with the same timestamp. After an error, the next series can still
    /// be written.
    pub fn series(
        &mut self,
        labels: &[(&str, &str)],
        point: &Sample<'_>,
    ) -> Result<(), CollectError> {
        self.check(&point.value)?;
        let names: Vec<&str> = labels.iter().map(|(name, _)| *name).collect();
        let family = &self.text[..self.name_len];
        check_labels(&names, family, self.metric_type, NameScheme::Utf8)?;
        if self.wanted {
            let legacy = render(&mut self.text, self.name_len, labels.iter().copied());
            let is_new = self.given.insert_sorted(labels, point.timestamp);
            self.write(is_new, legacy, point)?;
        }
        Ok(())
    }
}

impl FamilyWriter<'_, 0> {
    /// Writes a series of a [`Snapshot`](crate::Snapshot) unchanged. A [`Line`](Value::Line) may have the name of any
    /// sample, if the description is that of its family.
    ///
    /// # Errors
    /// When [`sample`](Self::sample) rejects the value, or the labels are a duplicate with the same timestamp. After an
    /// error, the next series can still be written.
    pub fn pass_on(&mut self, key: SeriesKey<'_>, sample: &Sample<'_>) -> Result<(), CollectError> {
        let is_line = matches!(sample.value, Value::Line(..));
        if !is_line {
            self.check(&sample.value)?;
        }
        if !self.wanted {
            return Ok(());
        }
        let labels: Vec<_> = key.labels().collect();
        let mut labels: Vec<_> = labels
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        if is_line {
            // The name tells lines of one label set apart.
            labels.push(("", key.name()));
        }
        if !self.given.insert_sorted(&labels, sample.timestamp) {
            return Err(CollectError::Repeated {
                series: key.text().trim_end().into(),
            });
        }
        self.wanted = self.sink.sample(key, sample);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MetricType, Number};
    use crate::name::NameErrorKind;
    use crate::snapshot::Snapshot;

    #[test]
    fn what_is_refused_costs_no_other_series() {
        let mut snapshot = Snapshot::new();
        let descriptor = Descriptor::new(MetricType::Counter, "jobs_total", "Jobs.").unwrap();
        let mut writer = FamilyWriter::with_any_labels(&mut snapshot, &descriptor);
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
