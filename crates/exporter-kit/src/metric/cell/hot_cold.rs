//! The atomics of a distribution that any number of threads write.

use std::hint;

use crate::metric::cell::native::{NativeSettings, NativeSide};
use crate::metric::cell::{AtomicF64, SparseBuckets};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, lock};

/// Two sides of atomics: writers use the hot one. A reader makes it the cold one, and takes its contents when the
/// updates that began there have ended. Writers never wait.
///
/// An update takes a few instructions, so a reader looks a few times whether the last one has ended. If it has not, its
/// thread has probably lost its processor. The contents then stay there for a later reader.
pub(crate) struct HotCold {
    /// Bit 63: the hot side. Other bits: the number of updates that have begun.
    begun: AtomicU64,
    sides: [Side; 2],
    drained: Mutex<Drained>,
}

pub(super) struct Side {
    ended: AtomicU64,
    sum: AtomicF64,
    counts: Box<[AtomicU64]>,
    native: Option<NativeSide>,
}

/// The state of the readers.
#[derive(Default)]
struct Drained {
    /// The number of updates begun when the sides last switched roles.
    begun: u64,
    /// The number of updates begun on each side when it last became the cold one.
    begun_on: [u64; 2],
    /// The cold side, if its contents are still there.
    left: Option<usize>,
}

/// The observations so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) sum: f64,
    /// Per classic bucket, not cumulative.
    pub(crate) counts: Vec<u64>,
    pub(crate) native: Option<SparseBuckets>,
}

impl Totals {
    pub(crate) fn new(buckets: usize, native: Option<&NativeSettings>) -> Self {
        Self {
            sum: 0.0,
            counts: vec![0; buckets],
            native: native.map(SparseBuckets::new),
        }
    }

    /// Copies `start`, or becomes empty.
    pub(crate) fn begin_with(
        &mut self,
        start: Option<&Self>,
        buckets: usize,
        native: Option<&NativeSettings>,
    ) {
        self.counts.clear();
        match start {
            Some(start) => {
                self.sum = start.sum;
                self.counts.extend_from_slice(&start.counts);
                self.native.clone_from(&start.native);
            }
            None => {
                self.sum = 0.0;
                self.counts.resize(buckets, 0);
                self.native = native.map(SparseBuckets::new);
            }
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.sum += other.sum;
        for (count, other) in self.counts.iter_mut().zip(&other.counts) {
            *count += other;
        }
        if let (Some(native), Some(other)) = (&mut self.native, &other.native) {
            native.merge(other);
        }
    }
}

const HOT_BIT: u64 = 1 << 63;

/// How often a reader looks whether the updates on the cold side have ended.
const LOOKS: usize = if cfg!(exporter_kit_loom) { 1 } else { 50 };

impl HotCold {
    pub(crate) fn new(buckets: usize, native: Option<&NativeSettings>) -> Self {
        let side = || Side {
            ended: AtomicU64::new(0),
            sum: AtomicF64::default(),
            counts: (0..buckets).map(|_| AtomicU64::new(0)).collect(),
            native: native.map(NativeSide::new),
        };
        Self {
            begun: AtomicU64::new(0),
            sides: [side(), side()],
            drained: Mutex::default(),
        }
    }

    /// Records `value`, which falls in the classic bucket `bucket`.
    #[inline]
    pub(crate) fn observe(&self, bucket: usize, value: f64) {
        let side = self.begin();
        side.count(bucket, value);
        side.end();
    }

    /// Begins an update, and returns its side.
    #[inline]
    pub(super) fn begin(&self) -> &Side {
        let begun = self.begun.fetch_add(1, Ordering::Acquire);
        &self.sides[usize::from(begun & HOT_BIT != 0)]
    }

    /// Moves the observations since the last call into `totals`, or none while an update that began before is not over.
    /// Never waits for a writer.
    pub(crate) fn drain_into(&self, totals: &mut Totals) {
        let mut drained = lock(&self.drained);
        if let Some(cold) = drained.left {
            if !self.take(cold, drained.begun_on[cold], totals) {
                return;
            }
            drained.left = None;
        }
        if self.begun.load(Ordering::Relaxed) & !HOT_BIT == drained.begun {
            return;
        }
        let before = self.begun.fetch_xor(HOT_BIT, Ordering::AcqRel);
        let cold = usize::from(before & HOT_BIT != 0);
        let begun = before & !HOT_BIT;
        drained.begun_on[cold] += begun - drained.begun;
        drained.begun = begun;
        if !self.take(cold, drained.begun_on[cold], totals) {
            drained.left = Some(cold);
        }
    }

    /// Moves the contents of the cold side into `totals` if all `begun` updates there have ended, and returns whether
    /// they have.
    fn take(&self, cold: usize, begun: u64, totals: &mut Totals) -> bool {
        let side = &self.sides[cold];
        if !side.is_complete(begun) {
            return false;
        }
        totals.sum += side.sum.swap(0.0);
        for (total, count) in totals.counts.iter_mut().zip(&side.counts) {
            *total += count.swap(0, Ordering::Relaxed);
        }
        if let (Some(total), Some(native)) = (&mut totals.native, &side.native) {
            native.drain_into(total);
            for side in &self.sides {
                side.native
                    .iter()
                    .for_each(|native| native.lower_schema_to(total.schema()));
            }
        }
        true
    }
}

impl Side {
    #[inline]
    pub(super) fn count(&self, bucket: usize, value: f64) {
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(native) = &self.native {
            native.observe(value);
        }
        self.sum.add(value);
    }

    #[inline]
    pub(super) fn end(&self) {
        self.ended.fetch_add(1, Ordering::Release);
    }

    fn is_complete(&self, begun: u64) -> bool {
        (0..LOOKS).any(|_| {
            let is_complete = self.ended.load(Ordering::Acquire) == begun;
            if !is_complete {
                hint::spin_loop();
            }
            is_complete
        })
    }
}
