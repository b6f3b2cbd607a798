//! Totals of columns that count since they were last read.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::decode::Failure;
use crate::mapping::group::{Labels, Sample, SampleValue};
use crate::mapping::number;

/// The limit of label sets of one metric, so that memory is bounded.
const MOST: usize = 10_000;

/// The totals of one metric since the program started, by labels.
#[derive(Debug, Default)]
pub(super) struct Totals(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// In the order in which the label sets first had a row.
    all: Vec<Sample>,
    places: HashMap<Labels, usize>,
}

impl Totals {
    /// Adds the numbers of a fetch. Returns all totals, also of label sets without a row: they counted nothing.
    ///
    /// # Errors
    /// When there are too many label sets. The others are counted.
    pub(super) fn add(&self, samples: Vec<Sample>) -> (Vec<Sample>, Result<(), Failure>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let State { all, places } = &mut *state;
        let mut result = Ok(());
        for sample in samples {
            let next = all.len();
            match places.get(&sample.labels).and_then(|at| all.get_mut(*at)) {
                Some(total) => add(&mut total.value, &sample.value),
                None if next == MOST => {
                    result = Err(Failure::limit(format!(
                        "more than {MOST} label sets with a total; use labels with fewer values"
                    )));
                }
                None => {
                    places.insert(sample.labels.clone(), next);
                    all.push(Sample {
                        timestamp: None,
                        ..sample
                    });
                }
            }
        }
        (all.clone(), result)
    }
}

fn add(total: &mut SampleValue, value: &SampleValue) {
    if let (SampleValue::Number(total), SampleValue::Number(value)) = (total, value) {
        *total = number::sum(*total, *value);
    }
}

#[cfg(test)]
mod tests {
    use exporter_kit::Number;

    use super::*;

    fn sample(label: &str, number: u64) -> Sample {
        Sample {
            labels: [label.into()].into(),
            value: SampleValue::Number(Number::U64(number)),
            timestamp: None,
        }
    }

    #[test]
    fn numbers_add_up_and_a_label_set_without_a_row_stays() {
        let totals = Totals::default();
        assert!(totals.add(vec![sample("a", 3), sample("b", 1)]).1.is_ok());
        let (all, result) = totals.add(vec![sample("a", 4), sample("c", 2)]);
        assert_eq!(all, [sample("a", 7), sample("b", 1), sample("c", 2)]);
        assert_eq!(result, Ok(()));
    }

    #[test]
    fn label_sets_are_limited() {
        let totals = Totals::default();
        let many = (0..MOST + 5).map(|at| sample(&at.to_string(), 1));
        let (all, result) = totals.add(many.collect());
        assert_eq!(all.len(), MOST);
        assert!(result.is_err());
    }
}
