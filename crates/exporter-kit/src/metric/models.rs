//! Models of families: loom runs each in every possible order of the threads' steps.

use loom::thread;

use crate::{Collect as _, Counter, Family, Registry, Snapshot, StateSet};

fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

fn family(series_limit: usize) -> Family<Counter, 1> {
    let definition = Counter::define("c_total", "h").labels(["l"]);
    Registry::new()
        .add(definition.series_limit(series_limit))
        .unwrap()
}

/// Returns the exposition of the family, and asserts that it shows each series once.
fn scrape(family: &Family<Counter, 1>) -> Snapshot {
    let mut snapshot = Snapshot::new();
    family.collect(&mut snapshot).unwrap();
    assert_eq!(snapshot.duplicates().next(), None);
    snapshot
}

fn value(snapshot: &Snapshot, label: &str) -> Option<f64> {
    snapshot.value("c_total", &[("l", label)])
}

#[test]
fn loom_two_threads_that_ask_for_the_same_series_get_the_same() {
    check(2, || {
        let family = family(10);
        let threads = [(); 2].map(|()| {
            let family = family.clone();
            thread::spawn(move || family.with(["a"]).inc())
        });
        let seen = value(&scrape(&family), "a");
        assert!(seen.is_none_or(|seen| seen <= 2.0), "{seen:?}");
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(value(&scrape(&family), "a"), Some(2.0));
        assert_eq!(family.len(), 1);
    });
}

#[test]
fn loom_a_counter_never_falls_where_its_words_are_full() {
    check(3, || {
        let counter = Registry::new().counter("c_total", "h").unwrap();
        let adding = {
            let counter = counter.clone();
            thread::spawn(move || {
                // The first amount makes the cell spread; the others go to one atomic.
                for amount in [1, u64::MAX, 1 << 62] {
                    counter.inc_by(amount);
                }
            })
        };
        let readings = [(); 2].map(|()| counter.get().as_f64());
        assert!(readings.is_sorted(), "{readings:?}");
        adding.join().unwrap();
        assert_eq!(counter.get().as_f64(), 5.0 * (1_u64 << 62) as f64);
    });
}

fn phase() -> StateSet {
    let states = &["a", "b", "c"];
    Registry::new()
        .add(StateSet::define("p", "h", states))
        .unwrap()
}

#[test]
fn loom_states_set_by_several_threads_all_hold() {
    check(3, || {
        let phase = phase();
        phase.set("a");
        let threads = ["b", "c"].map(|state| {
            let phase = phase.clone();
            thread::spawn(move || phase.set_state(state, true))
        });
        assert!(phase.is("a"));
        for thread in threads {
            assert!(thread.join().unwrap());
        }
        assert!(["a", "b", "c"].iter().all(|state| phase.is(state)));
    });
}

#[test]
fn loom_a_state_that_is_switched_when_another_is_set_alone_holds_beside_it() {
    check(3, || {
        let phase = phase();
        phase.set("a");
        let other = {
            let phase = phase.clone();
            thread::spawn(move || phase.set_state("b", true))
        };
        phase.set("c");
        assert!(!phase.is("a"));
        phase.set_state("b", true);
        assert!(other.join().unwrap());
        assert_eq!(
            ["a", "b", "c"].map(|state| phase.is(state)),
            [false, true, true]
        );
    });
}

#[test]
fn loom_a_series_is_removed_whole_while_it_is_made_and_scraped() {
    check(2, || {
        let family = family(10);
        let maker = {
            let family = family.clone();
            thread::spawn(move || family.with(["a"]).inc())
        };
        let remover = {
            let family = family.clone();
            thread::spawn(move || family.remove(["a"]))
        };
        scrape(&family);
        maker.join().unwrap();
        let removed = remover.join().unwrap();
        let left = if removed { None } else { Some(1.0) };
        assert_eq!(value(&scrape(&family), "a"), left);
        assert_eq!(family.len(), usize::from(!removed));
        // The next look-up returns one series, old or new.
        family.with(["a"]).inc();
        assert_eq!(
            value(&scrape(&family), "a"),
            Some(left.unwrap_or(0.0) + 1.0)
        );
    });
}

#[test]
fn loom_a_family_never_has_more_series_than_its_limit() {
    check(2, || {
        let family = family(1);
        let threads = ["a", "b"].map(|label| {
            let family = family.clone();
            thread::spawn(move || family.with([label]).inc())
        });
        assert!(family.len() <= 1);
        for thread in threads {
            thread.join().unwrap();
        }
        let snapshot = scrape(&family);
        let shown = ["a", "b"].map(|label| value(&snapshot, label));
        assert!(
            [[Some(1.0), None], [None, Some(1.0)]].contains(&shown),
            "{shown:?}"
        );
        assert_eq!(family.refused(), 1);
    });
}
