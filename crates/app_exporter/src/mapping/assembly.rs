//! Families by name, from declared metrics and from other exporters.

use std::collections::HashMap;

use exporter_kit::{CollectError, Descriptor, FamilySnapshot, FamilyWriter, Snapshot};

use crate::decode::{Failure, ROWS_PER_CHECK, check_deadline};
use crate::mapping::Failures;
use crate::mapping::group::Sample;
use crate::mapping::metric::Metric;

/// Families whose series come from several metrics, each exported once.
#[derive(Debug, Default)]
pub(super) struct Assembly<'a> {
    families: Vec<(Descriptor, Vec<Given<'a>>)>,
    places: HashMap<Box<str>, usize>,
}

#[derive(Debug)]
enum Given<'a> {
    Made(&'a Metric, Vec<Sample>),
    Passed(&'a FamilySnapshot),
}

impl<'a> Assembly<'a> {
    pub(super) fn add_made(
        &mut self,
        metric: &'a Metric,
        samples: Vec<Sample>,
        failures: &mut Failures,
    ) {
        self.add(&metric.descriptor, Given::Made(metric, samples), failures);
    }

    pub(super) fn add_passed(&mut self, family: &'a FamilySnapshot, failures: &mut Failures) {
        self.add(family.descriptor(), Given::Passed(family), failures);
    }

    fn add(&mut self, descriptor: &Descriptor, given: Given<'a>, failures: &mut Failures) {
        let name = descriptor.name();
        let next = self.families.len();
        let at = *self.places.entry(name.into()).or_insert(next);
        match self.families.get_mut(at) {
            None => self.families.push((descriptor.clone(), vec![given])),
            Some((first, all)) if first.metric_type() == descriptor.metric_type() => {
                *first = first.joined(descriptor);
                all.push(given);
            }
            Some((first, _)) => failures.add(
                name,
                Failure::decode(format!(
                    "the family `{name}` is both a {} and a {}; rename one of them",
                    first.metric_type(),
                    descriptor.metric_type()
                )),
            ),
        }
    }

    /// All families, each label set once.
    ///
    /// # Errors
    /// When the deadline of the computation has passed.
    pub(super) fn build(self, failures: &mut Failures) -> Result<Snapshot, Failure> {
        let mut snapshot = Snapshot::new();
        for (descriptor, all) in &self.families {
            // A family without series is not shown, but what it is made from may have had none.
            let mut writer = FamilyWriter::with_any_labels(&mut snapshot, descriptor);
            let mut note = |written: Result<(), CollectError>| {
                if let Err(error) = written {
                    failures.add(descriptor.name(), error.into());
                }
            };
            for given in all {
                check_deadline()?;
                match given {
                    Given::Made(metric, samples) => {
                        for (at, sample) in samples.iter().enumerate() {
                            if at.is_multiple_of(ROWS_PER_CHECK) {
                                check_deadline()?;
                            }
                            let point = metric.point(sample);
                            note(writer.series(&metric.labels_of(sample), &point));
                        }
                    }
                    Given::Passed(family) => {
                        for (at, (head, point)) in family.series().enumerate() {
                            if at.is_multiple_of(ROWS_PER_CHECK) {
                                check_deadline()?;
                            }
                            note(writer.pass_on(head, &point));
                        }
                    }
                }
            }
        }
        Ok(snapshot)
    }
}
