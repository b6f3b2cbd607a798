//! The series that this thread has lately looked up, so that looking one up again touches nothing that
//! threads share.

use std::any::Any;
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::HashTable;

use crate::metric::series::Instrument;
use crate::model::equal_bytes;

/// How many families a thread remembers; a further one takes the place of the first.
const FAMILIES: usize = 16;

/// How many series of a family a thread remembers; when there are more, it begins anew.
const SERIES: usize = 1024;

/// Not where models are checked: there all threads are one to the system, and nothing outlives a model.
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

/// Series by the hash of their label values. The type is that of the family; the id tells which.
type Table<M> = HashTable<Remembered<M>>;

struct Remembered<M> {
    hash: u64,
    values: Values,
    series: M,
}

/// Label values, each with a byte behind it that is in no text.
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
    fn are(&self, values: &[&str]) -> bool {
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
    static RECENT: RefCell<Vec<(FamilyId, Box<dyn Any>)>> = const { RefCell::new(Vec::new()) };
}

/// Gives the series to `then`, if this thread remembers it and it is still in its family.
#[inline]
pub(crate) fn find<M: Instrument, T>(
    family: FamilyId,
    hash: u64,
    values: &[&str],
    then: impl FnOnce(&M) -> T,
) -> Option<T> {
    let found = RECENT.try_with(|recent| {
        // Busy when `then` looks up another series; that one is then looked up the long way.
        let mut recent = recent.try_borrow_mut().ok()?;
        let table = table_of::<M>(&mut recent, family)?;
        let known = table.find(hash, |known| known.hash == hash && known.values.are(values))?;
        if known.series.series().is_removed() {
            table.retain(|known| !known.series.series().is_removed());
            return None;
        }
        Some(then(&known.series))
    });
    // A thread that is ending remembers nothing.
    found.ok().flatten()
}

/// Remembers a series.
#[cold]
pub(crate) fn keep<M: Instrument>(family: FamilyId, hash: u64, values: &[&str], series: &M) {
    let _ = RECENT.try_with(|recent| {
        let Ok(mut recent) = recent.try_borrow_mut() else {
            return;
        };
        if table_of::<M>(&mut recent, family).is_none() {
            if recent.len() == FAMILIES {
                recent.remove(0);
            }
            recent.push((family, Box::new(Table::<M>::new())));
        }
        if let Some(table) = table_of::<M>(&mut recent, family) {
            if table.len() == SERIES {
                table.clear();
            }
            let remembered = Remembered {
                hash,
                values: Values::new(values),
                series: series.clone(),
            };
            table.insert_unique(hash, remembered, |known| known.hash);
        }
    });
}

#[inline]
fn table_of<M: Instrument>(
    recent: &mut [(FamilyId, Box<dyn Any>)],
    family: FamilyId,
) -> Option<&mut Table<M>> {
    let (_, table) = recent.iter_mut().find(|(id, _)| *id == family)?;
    table.downcast_mut()
}
