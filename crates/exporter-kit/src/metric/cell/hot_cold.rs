//! The atomics of a distribution that any number of threads write.

use crate::metric::cell::native::{NativeSettings, NativeSide};
use crate::metric::cell::{AtomicF64, SparseBuckets};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, lock, yield_now};

/// Two sides of atomics: writers use the hot one. A reader makes it the cold one, waits until the updates that began
/// there have ended, and takes its contents. Writers never wait.
pub(crate) struct HotCold {
    /// Bit 63: the hot side. Other bits: the number of updates that have begun.
    begun: AtomicU64,
    sides: [Side; 2],
    begun_before: Mutex<BegunBefore>,
}

struct Side {
    ended: AtomicU64,
    sum: AtomicF64,
    counts: Box<[AtomicU64]>,
    native: Option<NativeSide>,
}

/// The number of updates begun when the sides last switched roles.
#[derive(Default)]
struct BegunBefore {
    at_all: u64,
    on: [u64; 2],
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
            begun_before: Mutex::default(),
        }
    }

    /// Records `value`, which falls in the classic bucket `bucket`.
    #[inline]
    pub(crate) fn observe(&self, bucket: usize, value: f64) {
        let begun = self.begun.fetch_add(1, Ordering::Acquire);
        let side = &self.sides[usize::from(begun & HOT_BIT != 0)];
        if let Some(count) = side.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(native) = &side.native {
            native.observe(value);
        }
        side.sum.add(value);
        side.ended.fetch_add(1, Ordering::Release);
    }

    /// Moves the observations since the last call into `totals`.
    pub(crate) fn drain_into(&self, totals: &mut Totals) {
        let mut begun_before = lock(&self.begun_before);
        let before = self.begun.fetch_xor(HOT_BIT, Ordering::AcqRel);
        let cold = usize::from(before & HOT_BIT != 0);
        let begun = before & !HOT_BIT;
        begun_before.on[cold] += begun - begun_before.at_all;
        begun_before.at_all = begun;
        let side = &self.sides[cold];
        while side.ended.load(Ordering::Acquire) != begun_before.on[cold] {
            // A writer is between its first and last step: a few instructions, unless its thread was preempted.
            yield_now();
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
    }
}
