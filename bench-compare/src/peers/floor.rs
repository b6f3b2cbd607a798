//! The least this machine can do with memory that the threads share: not a library.
//!
//! Static atomics, an array index in place of a look-up, one hash in place of a map of handles.

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use crossbeam_utils::CachePadded;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher as _;

use super::{Form, Kind, Peer, Record, floor_encode};
use crate::subject::{Local, Subject};
use crate::workload::{
    BOUNDS, COUNTER, DYNAMIC, GAUGE, HISTOGRAM, INTEGER_GAUGE, LABELLED, METHODS, STATUSES, Shape,
    combinations, observations, pairs,
};

pub(super) struct Floor;

/// Sums of observations are kept in steps of 2^-32, so that one addition of integers is enough.
const SUM_SCALE: f64 = (1_u64 << 32) as f64;

pub(super) const CELLS: usize = METHODS.len() * STATUSES.len();

static CELL: CachePadded<AtomicU64> = CachePadded::new(AtomicU64::new(0));
static INTEGER: CachePadded<AtomicI64> = CachePadded::new(AtomicI64::new(0));
static LABELLED_CELLS: [CachePadded<AtomicU64>; CELLS] =
    [const { CachePadded::new(AtomicU64::new(0)) }; CELLS];
static BUCKETS: CachePadded<[AtomicU64; 14]> = CachePadded::new([const { AtomicU64::new(0) }; 14]);

/// In which bucket a value falls; the last one is `+Inf`. The compiler makes the comparisons without
/// a branch: the order of the values can't be foreseen, so a search with branches takes longer.
pub(super) fn bucket(value: f64) -> usize {
    BOUNDS.partition_point(|&bound| bound < value)
}

/// An amount to add to a sum. Conversion to a signed integer is one instruction, to an unsigned several.
pub(super) fn scaled(value: f64) -> u64 {
    ((value * SUM_SCALE) as i64).cast_unsigned()
}

/// The lines of a histogram, from counts per bucket and the scaled sum behind them.
pub(super) fn histogram_text(cells: &[u64]) -> Vec<u8> {
    let mut out = String::new();
    let mut count = 0;
    for (i, cell) in cells[..=BOUNDS.len()].iter().enumerate() {
        count += cell;
        let le = BOUNDS.get(i).map_or("+Inf".to_owned(), f64::to_string);
        _ = writeln!(out, "{HISTOGRAM}_bucket{{le=\"{le}\"}} {count}");
    }
    let sum = cells[BOUNDS.len() + 1] as f64 / SUM_SCALE;
    _ = writeln!(out, "{HISTOGRAM}_sum {sum}\n{HISTOGRAM}_count {count}");
    out.into_bytes()
}

/// The lines of the counter by method and status.
pub(super) fn labelled_text(count: impl Fn(usize) -> u64) -> Vec<u8> {
    let mut out = String::new();
    for cell in 0..CELLS {
        let (method, status) = (
            METHODS[cell / STATUSES.len()],
            STATUSES[cell % STATUSES.len()],
        );
        let count = count(cell);
        _ = writeln!(
            out,
            "{LABELLED}{{method=\"{method}\",status=\"{status}\"}} {count}"
        );
    }
    out.into_bytes()
}

/// Where the 1024 combinations lead.
pub(super) fn cells() -> [usize; 1024] {
    combinations().map(|(method, status)| method * STATUSES.len() + status)
}

struct Series {
    route: String,
    customer: String,
    count: AtomicU64,
}

fn hash(route: &str, customer: &str) -> u64 {
    FixedState::with_seed(1).hash_one((route, customer))
}

impl Peer for Floor {
    fn name(&self) -> &'static str {
        "floor"
    }

    fn kind(&self) -> Kind {
        Kind::Floor
    }

    fn package(&self) -> Option<&'static str> {
        None
    }

    fn record(&self, record: Record) -> Option<Box<dyn Subject>> {
        Some(match record {
            Record::CounterInc => {
                CELL.store(0, Relaxed);
                let text = || format!("{COUNTER} {}\n", CELL.load(Relaxed)).into_bytes();
                Local::record(|_| _ = CELL.fetch_add(1, Relaxed), text)
            }
            Record::GaugeSet => {
                let set = |i| CELL.store(black_box((i & 1023) as f64).to_bits(), Relaxed);
                let text =
                    || format!("{GAUGE} {}\n", f64::from_bits(CELL.load(Relaxed))).into_bytes();
                Local::record(set, text)
            }
            Record::GaugeIncDec | Record::IntegerGaugeIncDec => {
                INTEGER.store(0, Relaxed);
                let name = if record == Record::GaugeIncDec {
                    GAUGE
                } else {
                    INTEGER_GAUGE
                };
                let step = |i| {
                    if i & 1 == 0 {
                        INTEGER.fetch_add(1, Relaxed);
                    } else {
                        INTEGER.fetch_sub(1, Relaxed);
                    }
                };
                Local::record(step, move || {
                    format!("{name} {}\n", INTEGER.load(Relaxed)).into_bytes()
                })
            }
            Record::Histogram => {
                BUCKETS.iter().for_each(|cell| cell.store(0, Relaxed));
                let values = observations();
                let observe = move |i: usize| {
                    let value = values[i & 1023];
                    BUCKETS[bucket(value)].fetch_add(1, Relaxed);
                    BUCKETS[13].fetch_add(scaled(value), Relaxed);
                };
                let text = || {
                    let cells: Vec<_> = BUCKETS.iter().map(|cell| cell.load(Relaxed)).collect();
                    histogram_text(&cells)
                };
                Local::record(observe, text)
            }
            Record::Lookup | Record::Handle => {
                LABELLED_CELLS
                    .iter()
                    .for_each(|cell| cell.store(0, Relaxed));
                let text = || labelled_text(|cell| LABELLED_CELLS[cell].load(Relaxed));
                if record == Record::Lookup {
                    let calls = combinations();
                    let look_up = move |i: usize| {
                        let (method, status) = calls[i & 1023];
                        LABELLED_CELLS[method * STATUSES.len() + status].fetch_add(1, Relaxed);
                    };
                    Local::record(look_up, text)
                } else {
                    let handles = cells().map(|cell| &*LABELLED_CELLS[cell]);
                    Local::record(move |i| _ = handles[i & 1023].fetch_add(1, Relaxed), text)
                }
            }
            Record::Dynamic => dynamic(),
        })
    }

    fn expose(&self, shape: Shape, form: Form) -> Option<Box<dyn Subject>> {
        Some(floor_encode::subject(shape, form))
    }
}

/// A table that is complete, so that it needs no lock.
fn dynamic() -> Box<dyn Subject> {
    let pairs = pairs();
    let mut table = HashTable::with_capacity(pairs.len());
    for (route, customer) in pairs.clone() {
        let hash_of = |series: &Series| hash(&series.route, &series.customer);
        let series = Series {
            route,
            customer,
            count: AtomicU64::new(0),
        };
        table.insert_unique(hash_of(&series), series, hash_of);
    }
    let table = std::sync::Arc::new(table);
    let shown = table.clone();
    let look_up = move |i: usize| {
        let (route, customer) = &pairs[i % 1000];
        let found = table.find(hash(route, customer), |series| {
            series.route == *route && series.customer == *customer
        });
        found
            .expect("every pair was inserted")
            .count
            .fetch_add(1, Relaxed);
    };
    Local::record(look_up, move || {
        let mut out = String::new();
        for Series {
            route,
            customer,
            count,
        } in shown.iter()
        {
            let count = count.load(Relaxed);
            _ = writeln!(
                out,
                "{DYNAMIC}{{route=\"{route}\",customer=\"{customer}\"}} {count}"
            );
        }
        out.into_bytes()
    })
}
