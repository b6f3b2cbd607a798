//! The series that this thread looked up recently. Another look-up of them touches no memory that threads share.

use std::any::Any;
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::HashTable;

use crate::metric::series::Metric;
use crate::model::equal_bytes;

/// The maximum number of families with remembered series in a thread. Each family has one place, selected by its
/// number.
const FAMILIES: usize = 64;

/// The maximum number of remembered series of one family in a thread.
const SERIES: usize = 1024;

/// The maximum number of remembered series of all families in a thread.
const SERIES_AT_ALL: usize = 16 * SERIES;

/// After this number of look-ups without room, a thread forgets a family's series and remembers the new ones. With more
/// series in use than fit, doing so at once would be a waste: it would forget each series before its next use.
const PATIENCE: u32 = 4096;

/// False under loom, where all threads are one system thread and nothing outlives a model.
pub(crate) const REMEMBERS: bool = cfg!(not(exporter_kit_loom));

/// A family's number, unique in the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FamilyId(u64);

impl FamilyId {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The series that a thread remembers.
struct Recent {
    /// By the families' numbers, modulo the length.
    families: Vec<OfFamily>,
    /// The number of remembered series.
    held: usize,
}

/// The series of one family that a thread remembers.
struct OfFamily {
    id: FamilyId,
    /// A [`SeriesTable`] of the family's metric type.
    table: Box<dyn Any>,
    /// The number of remembered series of the family.
    held: usize,
    /// The number of look-ups without room.
    missed: u32,
}

/// Series by the hash of their label values.
type SeriesTable<M> = HashTable<Remembered<M>>;

struct Remembered<M> {
    hash: u64,
    values: Values,
    series: M,
}

impl<M> Remembered<M> {
    #[inline]
    fn is<const N: usize>(&self, hash: u64, values: &[&str; N]) -> bool {
        self.hash == hash && self.values.are(values)
    }
}

/// Label values, each followed by a byte that never occurs in UTF-8 text.
struct Values(Box<[u8]>);

const END: u8 = 0xff;

impl Values {
    fn new(values: &[&str]) -> Self {
        let mut bytes = Vec::with_capacity(values.iter().map(|value| value.len() + 1).sum());
        for value in values {
            bytes.extend_from_slice(value.as_bytes());
            bytes.push(END);
        }
        Self(bytes.into_boxed_slice())
    }

    #[inline]
    fn are<const N: usize>(&self, values: &[&str; N]) -> bool {
        let mut rest = &*self.0;
        values
            .iter()
            .all(|value| match rest.split_at_checked(value.len()) {
                Some((own, [END, behind @ ..])) if equal_bytes(own, value.as_bytes()) => {
                    rest = behind;
                    true
                }
                _ => false,
            })
    }
}

thread_local! {
    static RECENT: RefCell<Recent> = const {
        RefCell::new(Recent { families: Vec::new(), held: 0 })
    };
}

/// Calls `then` with the series, if this thread remembers it and its family still contains it.
#[inline]
pub(crate) fn find<M: Metric, T, const N: usize>(
    family: FamilyId,
    hash: u64,
    values: &[&str; N],
    then: impl FnOnce(&M) -> T,
) -> Option<T> {
    let found = RECENT.try_with(|recent| {
        // Borrowed when `then` looks up another series; that look-up then uses the shared store.
        let mut recent = recent.try_borrow_mut().ok()?;
        let remembered = recent.families.get_mut(family.place())?;
        if remembered.id != family {
            return None;
        }
        let table = remembered.table.downcast_mut::<SeriesTable<M>>()?;
        let known = table.find(hash, |known| known.is(hash, values))?;
        if known.series.series().is_removed() {
            recent.forget::<M, N>(family, hash, values);
            return None;
        }
        Some(then(&known.series))
    });
    // A thread that is ending remembers nothing.
    found.ok().flatten()
}

/// Remembers a series.
#[cold]
pub(crate) fn keep<M: Metric>(family: FamilyId, hash: u64, values: &[&str], series: &M) {
    let _ = RECENT.try_with(|recent| {
        let Ok(mut recent) = recent.try_borrow_mut() else {
            return;
        };
        if let Some(table) = recent.with_room::<M>(family) {
            let remembered = Remembered {
                hash,
                values: Values::new(values),
                series: series.clone(),
            };
            table.insert_unique(hash, remembered, |known| known.hash);
        }
    });
}

impl FamilyId {
    /// In place of a number: no family.
    const NONE: Self = Self(u64::MAX);

    #[inline]
    fn place(self) -> usize {
        self.0 as usize % FAMILIES
    }
}

impl OfFamily {
    fn none() -> Self {
        Self {
            id: FamilyId::NONE,
            table: Box::new(()),
            held: 0,
            missed: 0,
        }
    }
}

impl Recent {
    /// Returns the family's table and counts one more series in it; returns `None` without room.
    fn with_room<M: Metric>(&mut self, family: FamilyId) -> Option<&mut SeriesTable<M>> {
        let place = family.place();
        if self.families.len() <= place {
            self.families.resize_with(place + 1, OfFamily::none);
        }
        let Self { families, held } = self;
        let there = families.get_mut(place)?;
        let is_full = there.held >= SERIES || *held >= SERIES_AT_ALL;
        if there.held > 0 && (there.id != family || is_full) {
            there.missed += 1;
            if there.missed < PATIENCE {
                return None;
            }
            *held -= there.held;
            *there = OfFamily::none();
        }
        if *held >= SERIES_AT_ALL {
            return None;
        }
        if there.id != family {
            there.id = family;
            there.table = Box::new(SeriesTable::<M>::new());
        }
        there.held += 1;
        *held += 1;
        there.table.downcast_mut()
    }

    /// Forgets a removed series.
    #[cold]
    fn forget<M: Metric, const N: usize>(
        &mut self,
        family: FamilyId,
        hash: u64,
        values: &[&str; N],
    ) {
        let Some(own) = self.families.get_mut(family.place()) else {
            return;
        };
        let table = own.table.downcast_mut::<SeriesTable<M>>();
        let known =
            table.and_then(|table| table.find_entry(hash, |known| known.is(hash, values)).ok());
        if let Some(known) = known {
            known.remove();
            own.held -= 1;
            self.held -= 1;
        }
    }
}
