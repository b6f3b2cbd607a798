//! The least this machine can do when every thread has cells of its own: a plain load and store.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use crossbeam_utils::CachePadded;

use super::floor::{CELLS, bucket, cells, histogram_text, labelled_text, scaled};
use super::{Form, Kind, Peer, Record};
use crate::subject::{Local, Subject};
use crate::workload::{COUNTER, STATUSES, Shape, combinations, observations};

pub(super) struct FloorSharded;

/// More than the threads that ever record here; a real one would have to share beyond that.
const SHARDS: usize = 4;

type Shards<const N: usize> = [CachePadded<[AtomicU64; N]>; SHARDS];

static COUNTS: Shards<1> = [const { CachePadded::new([const { AtomicU64::new(0) }; 1]) }; SHARDS];
static BUCKETS: Shards<14> =
    [const { CachePadded::new([const { AtomicU64::new(0) }; 14]) }; SHARDS];
static LABELLED_CELLS: Shards<CELLS> =
    [const { CachePadded::new([const { AtomicU64::new(0) }; CELLS]) }; SHARDS];

static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static SHARD: Cell<usize> = const { Cell::new(usize::MAX) };
}

fn shard() -> usize {
    SHARD.with(|shard| {
        if shard.get() == usize::MAX {
            shard.set(NEXT.fetch_add(1, Relaxed) % SHARDS);
        }
        shard.get()
    })
}

/// Not atomic as a whole: only the owner of the cell calls it.
fn add(cell: &AtomicU64, amount: u64) {
    cell.store(cell.load(Relaxed) + amount, Relaxed);
}

fn reset<const N: usize>(shards: &Shards<N>) {
    shards
        .iter()
        .flat_map(|shard| shard.iter())
        .for_each(|cell| cell.store(0, Relaxed));
}

fn total<const N: usize>(shards: &Shards<N>, cell: usize) -> u64 {
    shards.iter().map(|shard| shard[cell].load(Relaxed)).sum()
}

impl Peer for FloorSharded {
    fn name(&self) -> &'static str {
        "floor, sharded"
    }

    fn kind(&self) -> Kind {
        Kind::Floor
    }

    fn package(&self) -> Option<&'static str> {
        None
    }

    fn record(&self, record: Record) -> Option<Box<dyn Subject>> {
        match record {
            Record::CounterInc => {
                reset(&COUNTS);
                let text = || format!("{COUNTER} {}\n", total(&COUNTS, 0)).into_bytes();
                Some(Local::record(|_| add(&COUNTS[shard()][0], 1), text))
            }
            Record::Histogram => {
                reset(&BUCKETS);
                let values = observations();
                let observe = move |i: usize| {
                    let value = values[i & 1023];
                    let cells = &BUCKETS[shard()];
                    add(&cells[bucket(value)], 1);
                    add(&cells[13], scaled(value));
                };
                let text = || {
                    let cells: Vec<_> = (0..14).map(|cell| total(&BUCKETS, cell)).collect();
                    histogram_text(&cells)
                };
                Some(Local::record(observe, text))
            }
            Record::Lookup | Record::Handle => {
                reset(&LABELLED_CELLS);
                let text = || labelled_text(|cell| total(&LABELLED_CELLS, cell));
                if record == Record::Lookup {
                    let calls = combinations();
                    let look_up = move |i: usize| {
                        let (method, status) = calls[i & 1023];
                        add(
                            &LABELLED_CELLS[shard()][method * STATUSES.len() + status],
                            1,
                        );
                    };
                    Some(Local::record(look_up, text))
                } else {
                    let handles = cells();
                    let add = move |i: usize| add(&LABELLED_CELLS[shard()][handles[i & 1023]], 1);
                    Some(Local::record(add, text))
                }
            }
            // Setting has no use for shards, and the rest would measure the same once more.
            Record::GaugeSet
            | Record::GaugeIncDec
            | Record::IntegerGaugeIncDec
            | Record::Dynamic => None,
        }
    }

    fn expose(&self, _: Shape, _: Form) -> Option<Box<dyn Subject>> {
        None
    }
}
