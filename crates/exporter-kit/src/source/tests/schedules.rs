//! Schedules, and replacements of the set of sources.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use super::harness::{Log, SECOND, Takes, refresh, sessions, start, up, value, with_fast_time};
use crate::source::{ReplaceError, Schedule, SourceSpec};

#[test]
fn a_cached_source_is_asked_when_its_numbers_are_too_old() {
    with_fast_time(async {
        let log = Arc::new(Log::default());
        let spec = SourceSpec::new("db", Takes(SECOND, log.clone())).schedule(Schedule::Cached {
            time_to_live: 60 * SECOND,
        });
        let (sources, registry) = start(vec![spec]);
        for _ in 0..6 {
            refresh(&sources, 5).await;
            assert_eq!(sessions(&registry), Some(1.0));
            sleep(10 * SECOND).await;
        }
        let age = value(&registry, "app_source_age_seconds", &[("source", "db")]);
        assert_eq!(age, Some(60.0));
        refresh(&sources, 5).await;
        assert_eq!(sessions(&registry), Some(2.0));
        assert_eq!(log.counts(), (2, 2, 0));
    });
}

#[test]
fn a_source_in_the_background_is_waited_for_once_and_then_runs_by_itself() {
    with_fast_time(async {
        let log = Arc::new(Log::default());
        let spec = SourceSpec::new("db", Takes(SECOND, log.clone())).schedule(Schedule::Every {
            interval: 10 * SECOND,
        });
        let (sources, registry) = start(vec![spec]);
        let before = Instant::now();
        refresh(&sources, 5).await;
        assert_eq!((sessions(&registry), before.elapsed()), (Some(1.0), SECOND));
        refresh(&sources, 5).await;
        assert_eq!(before.elapsed(), SECOND);
        sleep(35 * SECOND).await;
        assert_eq!(sessions(&registry), Some(4.0));
        assert_eq!(log.counts(), (4, 4, 0));
        // Nothing runs after the last clone is dropped.
        drop(registry);
        drop(sources);
        sleep(100 * SECOND).await;
        assert_eq!(log.counts(), (4, 4, 0));
    });
}

#[test]
fn a_failing_source_in_the_background_is_left_alone_for_longer_and_longer() {
    with_fast_time(async {
        let log = Arc::new(Log::default());
        log.fails.store(true, Ordering::SeqCst);
        let spec = SourceSpec::new("db", Takes(Duration::ZERO, log.clone()))
            .schedule(Schedule::Every { interval: SECOND });
        let (sources, registry) = start(vec![spec]);
        sleep(600 * SECOND).await;
        // 1, 2, 4, … 32 s, then a minute, each between half of it and all.
        let (runs, ..) = log.counts();
        assert!((14..=28).contains(&runs), "{runs}");
        assert_eq!(u64::from(sources.status()[0].failures), runs);
        log.fails.store(false, Ordering::SeqCst);
        sleep(60 * SECOND).await;
        assert_eq!(up(&registry), Some(1.0));
        assert_eq!(sources.status()[0].failures, 0);
    });
}

#[test]
fn a_replacement_is_all_or_nothing_and_keeps_what_is_the_same() {
    with_fast_time(async {
        let logs: Vec<Arc<Log>> = (0..4).map(|_| Arc::default()).collect();
        let spec = |name: &str, log: usize, config: &str| {
            SourceSpec::new(name, Takes(SECOND, logs[log].clone()))
                .schedule(Schedule::Every {
                    interval: 10 * SECOND,
                })
                .config(config.to_owned())
        };
        let (sources, _) = start(vec![spec("a", 0, "x"), spec("b", 1, "x")]);
        sleep(5 * SECOND).await;
        let refused = sources.replace(vec![spec("a", 2, "y"), spec("a", 2, "y")]);
        assert_eq!(refused, Err(ReplaceError::Repeated { name: "a".into() }));
        assert_eq!(
            sources.replace(vec![spec("", 2, "y")]),
            Err(ReplaceError::Nameless)
        );
        sleep(10 * SECOND).await;
        assert_eq!((logs[0].counts().0, logs[1].counts().0), (2, 2));
        let replaced = sources
            .replace(vec![spec("b", 2, "x"), spec("a", 3, "y")])
            .unwrap();
        assert_eq!((replaced.begun, replaced.ended, replaced.kept), (1, 1, 1));
        sleep(10 * SECOND).await;
        // `a` restarted; `b` kept running.
        let runs: Vec<u64> = logs.iter().map(|log| log.counts().0).collect();
        assert_eq!(runs, [2, 3, 0, 1]);
        let status = sources.status();
        assert_eq!((&*status[0].name, &*status[1].name), ("b", "a"));
    });
}

#[test]
fn many_replacements_leave_nothing_behind() {
    with_fast_time(async {
        let log = Arc::new(Log::default());
        let (sources, _) = start(Vec::new());
        for i in 0..10_000_u32 {
            let spec = SourceSpec::new("db", Takes(SECOND, log.clone()))
                .schedule(Schedule::Every { interval: SECOND })
                .config(i);
            sources.replace(vec![spec]).unwrap();
            if i % 1000 == 0 {
                sleep(SECOND / 2).await;
            }
        }
        sources.replace(Vec::new()).unwrap();
        sleep(10 * SECOND).await;
        let (begun, ended, dropped) = log.counts();
        assert_eq!((begun, ended), (dropped, 0));
        // This source, and the one created here.
        assert_eq!(Arc::strong_count(&log), 1);
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
    });
}
