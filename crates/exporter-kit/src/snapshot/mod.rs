//! Families held in memory: read from an exposition or collected, compared, looked into, encoded again.
//!
//! Holds no metric type and no format; who fills it decides what is valid.

mod index;
mod point;
mod read;

use std::fmt;
use std::ops::ControlFlow;

use hashbrown::HashMap;

use crate::collect::{Collect, CollectError, Sink};
use crate::encode::{Escaping, Format, Give, Output, encode};
use crate::model::{Descriptor, Head, HeadBuf, Point};
use crate::registry::Registry;
use crate::scrape::Scrape;

pub(crate) use index::{SeriesIndex, same_labels};
pub(crate) use point::{OwnedPoint, OwnedValue};

/// Families and their series at one moment, owned.
///
/// It is a [`Sink`], so that a scrape can be collected into it, and a [`Collect`], so that it can be shown
/// again. [`parse`](crate::parse) gives one for an exposition. No family is in it twice, and no series of
/// a family twice at the same time; what would have been is named by [`duplicates`](Self::duplicates).
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
    /// What the family that is being collected has shown so far.
    shown: SeriesIndex,
    /// Whether the family begun last is taken.
    open: bool,
}

/// A family or series that came a second time.
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

/// One series at one moment.
#[derive(Clone)]
pub(crate) struct Series {
    pub(crate) head: HeadBuf,
    pub(crate) point: OwnedPoint,
}

impl Snapshot {
    /// An empty snapshot, to collect into.
    pub fn new() -> Self {
        Self::default()
    }

    /// What a scrape gives now. Its format does not matter, its filter does.
    pub fn of(scrape: &Scrape) -> Self {
        let mut snapshot = Self::new();
        scrape.collect_into(&mut snapshot);
        snapshot
    }

    /// The families, in the order in which they came.
    pub fn families(&self) -> &[FamilySnapshot] {
        &self.families
    }

    /// The family of that name: the one that a query uses, so a counter's ends in `_total`.
    pub fn family(&self, name: &str) -> Option<&FamilySnapshot> {
        self.names.get(name).map(|at| &self.families[*at])
    }

    /// The families and series, `name{labels}`, that came a second time and were left out.
    pub fn duplicates(&self) -> impl Iterator<Item = &str> {
        self.duplicates.iter().map(|duplicate| &*duplicate.text)
    }

    pub(crate) fn duplicates_by_family(&self) -> impl Iterator<Item = (&str, &str)> {
        let duplicates = self.duplicates.iter();
        duplicates.map(|duplicate| (&*duplicate.family, &*duplicate.text))
    }

    /// The same with the families in the order of their names.
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

    /// Writes the snapshot in that format, names quoted where the format can.
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
                    sink.point(series.head.as_head(), &series.point.as_point());
                }
            }
        }
    }

    /// Adds a family whose series are known to be distinct; `false` if one of that name is there.
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

impl Registry {
    /// Everything as it is now, to look into. For tests, mostly; a scrape encodes without this detour.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.scrape(Format::default()))
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

    fn point(&mut self, head: Head<'_>, point: &Point<'_>) -> bool {
        let Some(family) = self.families.last_mut().filter(|_| self.open) else {
            return self.open;
        };
        let hash = self.shown.hash(head.labels(), point.timestamp);
        let series = &family.series;
        let known = self.shown.find(hash, |at| {
            series[at].point.timestamp == point.timestamp
                && same_labels(series[at].head.as_head().labels(), head.labels())
        });
        if known.is_some() {
            self.note_duplicate(head.name(), &head.text());
            return self.open;
        }
        self.shown.insert(hash, series.len());
        family.series.push(Series {
            head: head.into(),
            point: OwnedPoint::from(point),
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
    /// Name, help, unit and kind.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The series, in the order in which they came. One with several moments comes once for each.
    pub fn series(&self) -> impl ExactSizeIterator<Item = (Head<'_>, Point<'_>)> {
        self.series
            .iter()
            .map(|series| (series.head.as_head(), series.point.as_point()))
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

impl PartialEq for Series {
    fn eq(&self, other: &Self) -> bool {
        let (own, others) = (self.head.as_head(), other.head.as_head());
        own.name() == others.name()
            && same_labels(own.labels(), others.labels())
            && self.point == other.point
    }
}

impl fmt::Debug for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{:?}",
            self.head.as_head().text(),
            self.point.as_point()
        )
    }
}
