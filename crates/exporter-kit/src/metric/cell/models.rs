//! Models of the cells: loom runs each in every possible order of the threads' steps.
//!
//! A model assigns the thread numbers itself, or its threads take and return them as real threads do, from a [`Free`]
//! behind a mutex. Under loom a cell spreads at the first collision, to two atomics.

use std::sync::Arc;

use loom::thread;

use crate::metric::cell::hot_cold::{HotCold, Totals};
use crate::metric::cell::slot::{self, Free};
use crate::metric::cell::writer::WriterWords;
use crate::metric::cell::{Adder, Distribution, NativeSettings};
use crate::sync::{Mutex, lock};

/// Checks `model` in every order with at most `preemptions` involuntary switches between threads. Nearly every fault of
/// two or three threads shows within that bound.
fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 10_000;
    builder.check(model);
}

fn spawn<T: 'static>(work: impl FnOnce() -> T + 'static) -> thread::JoinHandle<T> {
    thread::spawn(work)
}

#[test]
fn loom_an_adder_loses_and_doubles_nothing_while_it_spreads_and_is_read() {
    check(2, || {
        let adder = Arc::new(Adder::new());
        let threads = [(0, 1), (1, 4)].map(|(slot, amount)| {
            let adder = Arc::clone(&adder);
            spawn(move || {
                adder.add_from(slot, amount);
                adder.add_from(slot, amount);
            })
        });
        let reading = adder.get();
        let later = adder.get();
        for part in [1, 4] {
            let times = |sum: u128| sum / part % 4;
            assert!(times(reading) <= times(later), "{reading} then {later}");
        }
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(adder.get(), 2 * (1 + 4));
    });
}

#[test]
fn loom_an_adder_counts_for_threads_without_a_number_and_beyond_the_words() {
    check(2, || {
        let adder = Arc::new(Adder::new());
        let threads = [(slot::NONE, 1), (9, 4)].map(|(slot, amount)| {
            let adder = Arc::clone(&adder);
            spawn(move || adder.add_from(slot, amount))
        });
        adder.add_from(0, 16);
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(adder.get(), 1 + 4 + 16);
    });
}

/// An amount that does not fit in one atomic goes to another; every reading shows it exactly once.
#[test]
fn loom_a_sum_never_falls_where_a_word_is_full() {
    const QUARTER: u64 = 1 << 62;
    check(3, || {
        let adder = Arc::new(Adder::new());
        let owner = {
            let adder = Arc::clone(&adder);
            spawn(move || (0..2).for_each(|_| assert!(adder.add_from(0, QUARTER))))
        };
        let readings = [(); 2].map(|()| adder.get());
        assert!(readings.is_sorted(), "{readings:?}");
        assert!(readings[1] <= 2 * u128::from(QUARTER), "{readings:?}");
        owner.join().unwrap();
        assert_eq!(adder.get(), 2 * u128::from(QUARTER));
    });
}

/// Starts a thread with a real thread's life cycle: takes a number, works, returns the number.
fn living(free: &Arc<Mutex<Free>>, work: impl FnOnce(u32) + 'static) -> thread::JoinHandle<()> {
    let free = Arc::clone(free);
    spawn(move || {
        let slot = lock(&free).take();
        work(slot);
        lock(&free).give_back(slot);
    })
}

#[test]
fn loom_an_adder_keeps_what_an_ended_thread_counted_when_another_takes_its_number() {
    check(3, || {
        let free = Arc::new(Mutex::new(Free::new()));
        let adder = Arc::new(Adder::new());
        // The threads start before any is joined: the order decides whether two use the same number.
        let threads = [1, 4, 16].map(|amount| {
            let adder = Arc::clone(&adder);
            living(&free, move |slot| {
                adder.add_from(slot, amount);
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(adder.get(), 1 + 4 + 16);
    });
}

/// Asserts that the observations of 1.0 have a count equal to their sum; returns the count.
fn assert_whole(totals: &Totals) -> u64 {
    let count: u64 = totals.counts.iter().sum();
    assert_eq!(count as f64, totals.sum, "half an observation");
    if let Some(native) = &totals.native {
        assert_eq!(native.count(), count, "half an observation");
    }
    count
}

#[test]
fn loom_words_of_one_writer_are_read_whole() {
    check(2, || {
        let words = Arc::new(WriterWords::new(2));
        let writer = {
            let words = Arc::clone(&words);
            spawn(move || {
                let recorded = [0, 1].map(|bucket| words.observe(bucket, 1.0));
                recorded.into_iter().map(u64::from).sum::<u64>()
            })
        };
        let read = |words: &WriterWords| {
            let mut totals = Totals::new(2, None);
            totals.sum = words.add_to(&mut totals.counts);
            assert_whole(&totals)
        };
        let first = read(&words);
        let recorded = writer.join().unwrap();
        assert!(first <= recorded, "{first} of {recorded}");
        assert_eq!(read(&words), recorded);
    });
}

#[test]
fn loom_two_readers_of_one_writers_words_read_them_whole() {
    check(2, || {
        let words = Arc::new(WriterWords::new(1));
        let read = |words: &WriterWords| {
            let mut totals = Totals::new(1, None);
            totals.sum = words.add_to(&mut totals.counts);
            assert_whole(&totals)
        };
        let writer = {
            let words = Arc::clone(&words);
            spawn(move || u64::from(words.observe(0, 1.0)))
        };
        let reader = {
            let words = Arc::clone(&words);
            spawn(move || read(&words))
        };
        let here = read(&words);
        let there = reader.join().unwrap();
        let recorded = writer.join().unwrap();
        assert!(here.max(there) <= recorded);
        assert_eq!(read(&words), recorded);
        // The last reader has left the atomics open.
        assert!(words.observe(0, 1.0));
    });
}

/// The reader starts and ends between two steps of the writer. If it waited, the model would not end.
#[test]
fn loom_a_reader_of_one_writers_words_does_not_wait_for_it() {
    check(2, || {
        let words = Arc::new(WriterWords::new(2));
        let read = |words: &Arc<WriterWords>| {
            let words = Arc::clone(words);
            let reader = spawn(move || {
                let mut totals = Totals::new(2, None);
                totals.sum = words.add_to(&mut totals.counts);
                assert_whole(&totals)
            });
            reader.join().unwrap()
        };
        assert!(words.observe(0, 1.0));
        let recorded = words.observe_in_steps(1, 1.0, || assert_eq!(read(&words), 1));
        assert!(recorded);
        assert_eq!(read(&words), 2);
    });
}

#[test]
fn loom_a_reader_of_shared_words_does_not_wait_for_a_stopped_writer() {
    check(3, || {
        let shared = Arc::new(HotCold::new(1, None));
        let stopped = shared.begin();
        let writer = {
            let shared = Arc::clone(&shared);
            spawn(move || shared.observe(0, 1.0))
        };
        let mut totals = Totals::new(1, None);
        let readings = [(); 2].map(|()| {
            shared.drain_into(&mut totals);
            assert_whole(&totals)
        });
        assert!(readings.is_sorted(), "{readings:?}");
        stopped.count(0, 1.0);
        stopped.end();
        writer.join().unwrap();
        shared.drain_into(&mut totals);
        assert_eq!(assert_whole(&totals), 2);
    });
}

#[test]
fn loom_hot_and_cold_sides_are_drained_whole() {
    check(3, || {
        let shared = Arc::new(HotCold::new(2, None));
        let writers = [0, 1].map(|bucket| {
            let shared = Arc::clone(&shared);
            spawn(move || shared.observe(bucket, 1.0))
        });
        let mut totals = Totals::new(2, None);
        for _ in 0..2 {
            shared.drain_into(&mut totals);
            assert_whole(&totals);
        }
        for writer in writers {
            writer.join().unwrap();
        }
        shared.drain_into(&mut totals);
        assert_eq!(assert_whole(&totals), 2);
    });
}

#[test]
fn loom_two_readers_drain_no_observation_twice() {
    check(3, || {
        let shared = Arc::new(HotCold::new(1, None));
        let reader = {
            let shared = Arc::clone(&shared);
            spawn(move || {
                let mut totals = Totals::new(1, None);
                shared.drain_into(&mut totals);
                assert_whole(&totals)
            })
        };
        let writer = {
            let shared = Arc::clone(&shared);
            spawn(move || shared.observe(0, 1.0))
        };
        let mut totals = Totals::new(1, None);
        shared.drain_into(&mut totals);
        let theirs = reader.join().unwrap();
        writer.join().unwrap();
        shared.drain_into(&mut totals);
        assert_eq!(assert_whole(&totals) + theirs, 1);
    });
}

#[test]
fn loom_native_buckets_are_drained_whole_while_their_resolution_falls() {
    let settings = NativeSettings {
        schema: -3,
        zero_threshold: 0.0,
        bucket_limit: 1,
    };
    check(2, move || {
        let shared = Arc::new(HotCold::new(1, Some(&settings)));
        // The table of this resolution fits two keys: the third lowers it.
        let writers = [&[1e-40, 1e40][..], &[1e300]].map(|values| {
            let shared = Arc::clone(&shared);
            spawn(move || values.iter().for_each(|value| shared.observe(0, *value)))
        });
        let mut totals = Totals::new(1, Some(&settings));
        shared.drain_into(&mut totals);
        let both = |totals: &Totals| {
            let native = totals.native.as_ref().unwrap().count();
            assert_eq!(native, totals.counts[0], "half an observation");
            native
        };
        both(&totals);
        for writer in writers {
            writer.join().unwrap();
        }
        shared.drain_into(&mut totals);
        assert_eq!(both(&totals), 3);
        let native = totals.native.unwrap().to_model();
        assert_eq!(
            (native.schema, native.positive),
            (-4, vec![(-8, 1), (9, 1), (63, 1)])
        );
    });
}

#[test]
fn loom_a_distribution_is_read_whole_while_it_spreads() {
    check(2, || {
        let distribution = Arc::new(Distribution::new(2, None));
        let writers = [(0, 2), (1, 1)].map(|(slot, times)| {
            let distribution = Arc::clone(&distribution);
            spawn(move || {
                (0..times).for_each(|bucket| distribution.observe_from(slot, bucket, 1.0))
            })
        });
        assert_whole(&distribution.totals());
        for writer in writers {
            writer.join().unwrap();
        }
        assert_eq!(assert_whole(&distribution.totals()), 3);
    });
}

#[test]
fn loom_a_distribution_keeps_what_an_ended_thread_observed_when_another_takes_its_number() {
    check(2, || {
        let free = Arc::new(Mutex::new(Free::new()));
        let distribution = Arc::new(Distribution::new(1, None));
        let threads = [(); 2].map(|()| {
            let distribution = Arc::clone(&distribution);
            living(&free, move |slot| distribution.observe_from(slot, 0, 1.0))
        });
        assert_whole(&distribution.totals());
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(assert_whole(&distribution.totals()), 2);
    });
}
