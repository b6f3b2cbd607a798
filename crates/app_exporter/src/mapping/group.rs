//! Rows of one metric grouped by labels, and the treatment of duplicates.

use std::fmt::Write as _;

use exporter_kit::{HistogramValue, Number, SummaryValue, Timestamp};
use hashbrown::HashMap;

use crate::config::Duplicates;
use crate::mapping::number;

/// The label values of a sample, in the order of the metric's labels.
pub(super) type Labels = Box<[Box<str>]>;

/// A sample: its label values and its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) labels: Labels,
    pub(super) value: SampleValue,
    pub(super) timestamp: Option<Timestamp>,
}

/// The value of a sample.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SampleValue {
    Number(Number),
    Histogram(Box<HistogramValue>),
    Summary(Box<SummaryValue>),
}

/// The rows with the same labels so far.
#[derive(Debug)]
struct Group {
    labels: Labels,
    /// `None` for a row with an invalid number. The default does not replace it.
    number: Option<Number>,
    timestamp: Option<Timestamp>,
}

/// Samples with distinct labels, in the order of their first rows.
#[derive(Debug)]
pub(super) struct Groups {
    duplicates: Duplicates,
    all: Vec<Group>,
    places: HashMap<String, usize>,
    /// Reused for every key.
    key: String,
}

impl Groups {
    pub(super) fn new(duplicates: Duplicates) -> Self {
        Self {
            duplicates,
            all: Vec::new(),
            places: HashMap::new(),
            key: String::new(),
        }
    }

    /// Adds a row. Returns `false` for a dropped duplicate.
    pub(super) fn add(
        &mut self,
        labels: &[impl AsRef<str>],
        number: Option<Number>,
        timestamp: Option<Timestamp>,
    ) -> bool {
        let at = self.place(labels);
        let Some(known) = self.all.get_mut(at) else {
            self.push(labels, number, timestamp);
            return true;
        };
        let (Some(old), Some(new)) = (known.number, number) else {
            // Where one of them has no number, the other's is not it: neither of a sum nor of the greatest.
            known.number = match self.duplicates {
                Duplicates::Last => number,
                Duplicates::Drop => return false,
                _ => None,
            };
            return true;
        };
        known.number = Some(match self.duplicates {
            Duplicates::Drop => return false,
            Duplicates::Sum | Duplicates::Count => number::sum(old, new),
            Duplicates::Max => number::max(old, new),
            Duplicates::Min => number::min(old, new),
            Duplicates::Last => new,
        });
        // Of several the latest; a number without a time is of now.
        known.timestamp = match self.duplicates {
            Duplicates::Last => timestamp,
            _ => known.timestamp.zip(timestamp).map(|(a, b)| a.max(b)),
        };
        true
    }

    /// Adds a number for labels without a row.
    pub(super) fn add_default(&mut self, labels: &[impl AsRef<str>], number: Number) {
        if self.place(labels) == self.all.len() {
            self.push(labels, Some(number), None);
        }
    }

    /// The samples of the groups with a valid number.
    pub(super) fn into_samples(self) -> Vec<Sample> {
        let sample = |group: Group| {
            Some(Sample {
                labels: group.labels,
                value: SampleValue::Number(group.number?),
                timestamp: group.timestamp,
            })
        };
        self.all.into_iter().filter_map(sample).collect()
    }

    /// The place of the group with these labels: that of the next one, if there is none yet.
    fn place(&mut self, labels: &[impl AsRef<str>]) -> usize {
        self.key.clear();
        for label in labels {
            let label = label.as_ref();
            // Lengths separate the values. Writing to a text can't fail.
            let _ = write!(self.key, "{}:{label}", label.len());
        }
        let next = self.all.len();
        *self.places.entry_ref(self.key.as_str()).or_insert(next)
    }

    /// Adds the group of the labels that [`place`](Self::place) just found no group for.
    fn push(
        &mut self,
        labels: &[impl AsRef<str>],
        number: Option<Number>,
        timestamp: Option<Timestamp>,
    ) {
        self.all.push(Group {
            labels: labels.iter().map(|label| label.as_ref().into()).collect(),
            number,
            timestamp,
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grouped(duplicates: Duplicates, rows: &[(Vec<String>, u32)]) -> Vec<Sample> {
        let mut groups = Groups::new(duplicates);
        for (labels, number) in rows {
            groups.add(labels, Some(Number::U64((*number).into())), None);
        }
        groups.into_samples()
    }

    fn rows() -> impl Strategy<Value = Vec<(Vec<String>, u32)>> {
        // Few letters, so that label sets meet; digits and colons, as keys are made of them.
        let label = "[a1:]{0,3}";
        prop::collection::vec((prop::collection::vec(label, 2..=2), any::<u32>()), 0..40)
    }

    proptest! {
        #[test]
        fn every_label_set_comes_once_in_the_order_of_the_rows(rows in rows()) {
            let mut expected: Vec<Vec<String>> = Vec::new();
            for (labels, _) in &rows {
                if !expected.contains(labels) {
                    expected.push(labels.clone());
                }
            }
            for duplicates in [Duplicates::Drop, Duplicates::Sum, Duplicates::Max, Duplicates::Min, Duplicates::Last] {
                let found: Vec<Vec<String>> = grouped(duplicates, &rows)
                    .iter()
                    .map(|sample| sample.labels.iter().map(|it| it.to_string()).collect())
                    .collect();
                prop_assert_eq!(&found, &expected);
            }
        }

        #[test]
        fn numbers_are_what_each_policy_says(rows in rows()) {
            let of = |sample: &Sample| -> Vec<u64> {
                let same = |labels: &Vec<String>| labels.iter().map(String::as_str).eq(sample.labels.iter().map(|it| &**it));
                rows.iter().filter(|(labels, _)| same(labels)).map(|(_, number)| u64::from(*number)).collect()
            };
            let check = |duplicates, expected: fn(&[u64]) -> u64| {
                for sample in grouped(duplicates, &rows) {
                    prop_assert_eq!(&sample.value, &SampleValue::Number(Number::U64(expected(&of(&sample)))));
                }
                Ok(())
            };
            check(Duplicates::Drop, |all| all[0])?;
            check(Duplicates::Sum, |all| all.iter().sum())?;
            check(Duplicates::Max, |all| *all.iter().max().unwrap())?;
            check(Duplicates::Min, |all| *all.iter().min().unwrap())?;
            check(Duplicates::Last, |all| *all.last().unwrap())?;
        }
    }

    #[test]
    fn a_row_without_number_spoils_a_sum_and_keeps_its_default_away() {
        let mut groups = Groups::new(Duplicates::Sum);
        groups.add(&["a"], Some(Number::U64(1)), None);
        groups.add(&["a"], None, None);
        groups.add_default(&["a"], Number::U64(0));
        groups.add_default(&["b"], Number::U64(0));
        let samples = groups.into_samples();
        assert_eq!(samples.len(), 1);
        assert_eq!(*samples[0].labels[0], *"b");
        assert_eq!(samples[0].value, SampleValue::Number(Number::U64(0)));
    }
}
