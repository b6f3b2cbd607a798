//! Names that several families would have in OpenMetrics, such as those of a gauge `x` and a counter `x_total`.

use hashbrown::{HashMap, HashSet};

use crate::encode::{Escaping, sample_names};
use crate::model::{Composition, Descriptor, MetricType};
use crate::snapshot::{OwnedValue, Series};

/// The names of one family.
#[derive(Default)]
pub(crate) struct FamilyNames {
    /// Those that OpenMetrics reserves for it.
    pub(crate) claimed: Vec<Box<str>>,
    /// Those of its samples.
    pub(crate) actual: HashSet<Box<str>>,
    /// True if it consists of numbers, so that each can be in a family of unknown type.
    are_numbers: bool,
    claims_more: bool,
}

impl FamilyNames {
    pub(crate) fn new(descriptor: &Descriptor) -> Self {
        Self {
            claimed: sample_names(descriptor),
            actual: HashSet::new(),
            are_numbers: true,
            claims_more: !matches!(
                descriptor.metric_type(),
                MetricType::Gauge | MetricType::Unknown | MetricType::StateSet
            ),
        }
    }

    /// Adds the names of these samples.
    pub(crate) fn add(&mut self, descriptor: &Descriptor, series: &[Series]) {
        if descriptor.composition() != Composition::Values {
            let mut last = "";
            for series in series {
                let name = series.key.as_key().name();
                if name != last {
                    last = name;
                    let escaped = Escaping::Underscores.metric_name(name);
                    self.actual.insert(escaped.into());
                }
            }
            return;
        }
        match series.first().map(|series| &series.sample.value) {
            None => {}
            Some(OwnedValue::Histogram(_) | OwnedValue::GaugeHistogram(_))
            | Some(OwnedValue::Summary(_) | OwnedValue::StateSet(_)) => {
                self.are_numbers = false;
                self.actual.extend(self.claimed.iter().cloned());
            }
            Some(_) => {
                let name = Escaping::Underscores.metric_name(descriptor.name());
                self.actual.insert(name.into());
            }
        }
    }
}

/// Returns for each family whether OpenMetrics can show it only as families of unknown type, because another one claims
/// a name of it or has samples of the same name. A family without samples is not shown, so it claims nothing.
pub(crate) fn contested(families: &[FamilyNames]) -> Vec<bool> {
    let mut claims: HashMap<&str, u32> = HashMap::new();
    let mut samples: HashMap<&str, u32> = HashMap::new();
    for family in families.iter().filter(|family| !family.actual.is_empty()) {
        let unclaimed = family
            .actual
            .iter()
            .filter(|it| !family.claimed.contains(*it));
        for name in family.claimed.iter().chain(unclaimed) {
            *claims.entry(name).or_default() += 1;
        }
        for name in &family.actual {
            *samples.entry(name).or_default() += 1;
        }
    }
    let is_contested = |family: &FamilyNames| {
        let claimed_twice = |name: &str| claims.get(name) > Some(&1);
        let sampled_twice = |name: &str| samples.get(name) > Some(&1);
        family.are_numbers
            && ((family.claims_more && family.claimed.iter().any(|it| claimed_twice(it)))
                || family.actual.iter().any(|it| sampled_twice(it)))
    };
    families.iter().map(is_contested).collect()
}

/// Loosens the contested families.
pub(crate) fn loosen(families: &mut [(Descriptor, Vec<Series>)]) {
    let names = |(descriptor, series): &(Descriptor, Vec<Series>)| {
        let mut names = FamilyNames::new(descriptor);
        names.add(descriptor, series);
        names
    };
    let names: Vec<_> = families.iter().map(names).collect();
    for ((descriptor, _), is_contested) in families.iter_mut().zip(contested(&names)) {
        if is_contested {
            *descriptor = descriptor.clone().composed(Composition::Loose);
        }
    }
}
