//! Families in memory: parsed or collected, compared, queried, encoded.
//!
//! A snapshot does not check names and values; parsers and collectors do.

mod contested;
mod index;
mod lookup;
mod sample;
mod series;

use std::fmt;
use std::ops::ControlFlow;

use hashbrown::HashMap;

use crate::collect::{Collect, CollectError, Sink};
use crate::encode::{Escaping, Format, Give, Output, encode};
use crate::model::{Descriptor, Sample, SeriesKey};

pub(crate) use contested::loosen;
#[cfg(feature = "source")]
pub(crate) use contested::{FamilyNames, contested};
pub(crate) use index::{SeriesIndex, same_labels};
#[cfg(feature = "source")]
pub(crate) use sample::heap_bytes;
pub(crate) use sample::{OwnedSample, OwnedValue};
pub(crate) use series::Series;

/// Families and their series at one time, owned.
///
/// A snapshot is a [`Sink`], to collect into, and a [`Collect`], to register it or pass it on. [`parse`](crate::parse)
/// creates one from an exposition. It contains each family once, and each series of a family once for each time;
/// [`duplicates`](Self::duplicates) names the others.
///
/// ```
/// use exporter_kit::Registry;
///
/// let registry = Registry::new();
/// registry.counter("jobs_total", "Jobs done.")?.inc_by(3u64);
/// let snapshot = registry.snapshot();
/// assert_eq!(snapshot.value("jobs_total", &[]), Some(3.0));
/// assert_eq!(snapshot.value("jobs_total", &[("queue", "mail")]), None);
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
#[derive(Clone, Default)]
pub struct Snapshot {
    families: Vec<FamilySnapshot>,
    names: HashMap<Box<str>, usize>,
    duplicates: Vec<Duplicate>,
    /// The series so far of the current family.
    shown: SeriesIndex,
    /// True if the family begun last is accepted.
    open: bool,
}

/// A duplicate family or series.
#[derive(Clone, Debug, PartialEq)]
struct Duplicate {
    family: Box<str>,
    /// `name{labels}`.
    text: Box<str>,
}

/// One family of a [`Snapshot`].
#[derive(Clone, PartialEq)]
pub struct FamilySnapshot {
    descriptor: Descriptor,
    series: Vec<Series>,
}

impl Snapshot {
    /// Creates an empty snapshot, to collect into.
    pub fn new() -> Self {
        Self::default()
    }

    /// The families, in order of arrival.
    pub fn families(&self) -> &[FamilySnapshot] {
        &self.families
    }

    /// The family of that name. The name is the one used in queries, so a counter's ends in `_total`.
    pub fn family(&self, name: &str) -> Option<&FamilySnapshot> {
        self.names.get(name).map(|at| &self.families[*at])
    }

    /// The duplicate families and series, `name{labels}`, which were left out.
    pub fn duplicates(&self) -> impl Iterator<Item = &str> {
        self.duplicates.iter().map(|duplicate| &*duplicate.text)
    }

    pub(crate) fn duplicates_by_family(&self) -> impl Iterator<Item = (&str, &str)> {
        let duplicates = self.duplicates.iter();
        duplicates.map(|duplicate| (&*duplicate.family, &*duplicate.text))
    }

    /// An estimate of its memory, in bytes.
    #[cfg(feature = "source")]
    pub(crate) fn held_bytes(&self) -> usize {
        let families = self.families.iter();
        let families = families.map(|family| {
            let descriptor = &family.descriptor;
            let texts = 2 * descriptor.name().len() + descriptor.help().len();
            let series = family.series.iter();
            let series: usize = series.map(Series::held_bytes).sum();
            size_of::<FamilySnapshot>() + texts + series
        });
        families.sum()
    }

    /// Returns the snapshot with its families sorted by name.
    #[must_use]
    pub fn sorted(&self) -> Self {
        let mut families = self.families.clone();
        families.sort_by(|a, b| a.descriptor.name().cmp(b.descriptor.name()));
        let names = families.iter().enumerate();
        let names = names.map(|(at, family)| (family.descriptor.name().into(), at));
        Self {
            names: names.collect(),
            families,
            duplicates: self.duplicates.clone(),
            shown: SeriesIndex::default(),
            open: false,
        }
    }

    /// Writes the snapshot in that format, with names quoted where the format allows it.
    pub fn encode(&self, format: Format) -> Vec<u8> {
        let mut body = Vec::new();
        let mut whole = |chunk: &mut Vec<u8>| {
            body = std::mem::take(chunk);
            ControlFlow::Continue(())
        };
        let output = Output::new(Vec::new(), usize::MAX, &mut whole);
        let _ = encode(format, Escaping::AllowUtf8, true, output, self);
        body
    }

    fn give(&self, sink: &mut (impl Sink + ?Sized)) {
        for family in &self.families {
            if sink.family(&family.descriptor) {
                for series in &family.series {
                    sink.sample(series.key.as_key(), &series.sample.as_sample());
                }
            }
        }
    }

    /// Adds a family whose series are known to be distinct; returns `false` if the name exists.
    pub(crate) fn push(&mut self, descriptor: Descriptor, series: Vec<Series>) -> bool {
        let at = self.families.len();
        let name: Box<str> = descriptor.name().into();
        if self.names.contains_key(&name) {
            return false;
        }
        self.names.insert(name, at);
        self.families.push(FamilySnapshot { descriptor, series });
        true
    }

    pub(crate) fn note_duplicate(&mut self, family: &str, text: &str) {
        self.duplicates.push(Duplicate {
            family: family.into(),
            text: text.trim_end().into(),
        });
    }
}

impl Give for Snapshot {
    fn give_to<S: Sink>(&self, sink: &mut S) {
        self.give(sink);
    }
}

impl Sink for Snapshot {
    fn family(&mut self, descriptor: &Descriptor) -> bool {
        self.shown = SeriesIndex::default();
        self.open = self.push(descriptor.clone(), Vec::new());
        if !self.open {
            self.note_duplicate(descriptor.name(), descriptor.name());
        }
        self.open
    }

    fn sample(&mut self, key: SeriesKey<'_>, sample: &Sample<'_>) -> bool {
        let Some(family) = self.families.last_mut().filter(|_| self.open) else {
            return self.open;
        };
        let hash = self.shown.hash_of(key, sample);
        let series = &family.series;
        let known = self.shown.find(hash, |at| {
            let known = series[at].key.as_key();
            series[at].sample.timestamp == sample.timestamp
                && known.name() == key.name()
                && same_labels(known.labels(), key.labels())
        });
        if known.is_some() {
            self.note_duplicate(key.name(), &key.text());
            return self.open;
        }
        self.shown.insert(hash, series.len());
        family.series.push(Series {
            key: key.into(),
            sample: OwnedSample::from(sample),
        });
        true
    }
}

impl Collect for Snapshot {
    fn descriptors(&self) -> Vec<Descriptor> {
        let descriptors = self.families.iter();
        descriptors
            .map(|family| family.descriptor.clone())
            .collect()
    }

    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        self.give(sink);
        Ok(())
    }

    fn never_waits(&self, _: crate::collect::Internal) -> bool {
        true
    }
}

/// Equal if the same families have the same series in the same order; NaN equals NaN.
impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        self.families == other.families && self.duplicates == other.duplicates
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("families", &self.families)
            .field("duplicates", &self.duplicates)
            .finish_non_exhaustive()
    }
}

impl FamilySnapshot {
    /// Name, help, unit and metric type.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// Adds the names of the samples.
    #[cfg(feature = "source")]
    pub(crate) fn add_names_to(&self, names: &mut FamilyNames) {
        names.add(&self.descriptor, &self.series);
    }

    /// The series, in order of arrival. One with several times appears once for each.
    pub fn series(&self) -> impl ExactSizeIterator<Item = (SeriesKey<'_>, Sample<'_>)> {
        self.series
            .iter()
            .map(|series| (series.key.as_key(), series.sample.as_sample()))
    }
}

impl fmt::Debug for FamilySnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FamilySnapshot")
            .field("descriptor", &self.descriptor)
            .field("series", &self.series)
            .finish()
    }
}
