//! Laws of the runner, in a runtime whose clock jumps to the next timer when it is idle.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use super::*;
use crate::{Descriptor, FamilyWriter, MetricType, Registry, Snapshot};

const SECOND: Duration = Duration::from_secs(1);

fn with_fast_time(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(test);
}

fn gauge(name: &str, labels: &[&str], value: u64) -> Snapshot {
    let mut snapshot = Snapshot::new();
    let family = Descriptor::new(MetricType::Gauge, name, "Help.").unwrap();
    let mut writer = FamilyWriter::begin(&mut snapshot, &family, ["label"]).unwrap();
    for label in labels {
        writer.gauge([label], value).unwrap();
    }
    drop(writer);
    snapshot
}

fn fetched(value: u64) -> Fetched {
    Fetched::new(gauge("sessions", &["a"], value), 1)
}

/// Counts a source's runs.
#[derive(Default)]
struct Log {
    begun: AtomicU64,
    ended: AtomicU64,
    dropped: AtomicU64,
    fails: AtomicBool,
}

impl Log {
    fn counts(&self) -> (u64, u64, u64) {
        let get = |count: &AtomicU64| count.load(Ordering::SeqCst);
        (get(&self.begun), get(&self.ended), get(&self.dropped))
    }
}

/// Counts a run that is dropped before its end.
struct Dropping<'a>(&'a Log, bool);

impl Drop for Dropping<'_> {
    fn drop(&mut self) {
        let count = if self.1 {
            &self.0.ended
        } else {
            &self.0.dropped
        };
        count.fetch_add(1, Ordering::SeqCst);
    }
}

/// Takes that long, then returns the number of the run or fails.
struct Takes(Duration, Arc<Log>);

impl Source for Takes {
    async fn fetch(&self, _: Deadline) -> Result<Fetched, SourceError> {
        let run = self.1.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let mut dropping = Dropping(&self.1, false);
        sleep(self.0).await;
        dropping.1 = true;
        if self.1.fails.load(Ordering::SeqCst) {
            return Err(SourceError::query("no such table"));
        }
        Ok(fetched(run))
    }
}

fn start(specs: Vec<SourceSpec>) -> (Sources, Registry) {
    let sources = Sources::builder("app").start(&Handle::current()).unwrap();
    sources.replace(specs).unwrap();
    let registry = Registry::new();
    registry.register(&sources).unwrap();
    (sources, registry)
}

async fn refresh(sources: &Sources, seconds: u64) {
    sources
        .refresh(Deadline::after(SECOND * u32::try_from(seconds).unwrap()))
        .await;
}

fn value(registry: &Registry, sample: &str, labels: &[(&str, &str)]) -> Option<f64> {
    registry.snapshot().value(sample, labels)
}

fn errors(registry: &Registry, reason: &str) -> Option<f64> {
    let labels = [("source", "db"), ("reason", reason)];
    value(registry, "app_source_errors_total", &labels)
}

fn up(registry: &Registry) -> Option<f64> {
    value(registry, "app_source_up", &[("source", "db")])
}

fn sessions(registry: &Registry) -> Option<f64> {
    value(registry, "sessions", &[("label", "a")])
}

#[test]
fn health_is_there_from_the_start() {
    with_fast_time(async {
        let (sources, registry) = start(vec![SourceSpec::new("db", Takes(SECOND, Arc::default()))]);
        let sample = |name: &str| value(&registry, name, &[("source", "db")]);
        for name in [
            "app_source_up",
            "app_source_duration_seconds",
            "app_source_last_success_timestamp_seconds",
            "app_source_rows",
        ] {
            assert_eq!(sample(name), Some(0.0), "{name}");
        }
        for reason in SourceErrorReason::ALL {
            assert_eq!(errors(&registry, reason.as_str()), Some(0.0), "{reason}");
        }
        assert_eq!(sample("app_source_age_seconds"), None);
        refresh(&sources, 5).await;
        assert_eq!(sample("app_source_up"), Some(1.0));
        assert_eq!(sample("app_source_duration_seconds"), Some(1.0));
        assert_eq!(sample("app_source_rows"), Some(1.0));
        assert!(sample("app_source_last_success_timestamp_seconds").unwrap() > 1e9);
        assert_eq!(sessions(&registry), Some(1.0));
        crate::testing::assert_lint(&registry);
    });
}

#[test]
fn nothing_there_is_no_failure() {
    struct Empty;
    impl Source for Empty {
        async fn fetch(&self, _: Deadline) -> Result<Fetched, SourceError> {
            Ok(Fetched::nothing())
        }
    }
    with_fast_time(async {
        let (sources, registry) = start(vec![SourceSpec::new("db", Empty)]);
        refresh(&sources, 1).await;
        assert_eq!(up(&registry), Some(1.0));
        assert_eq!(sessions(&registry), None);
        assert_eq!(sources.status()[0].error, None);
    });
}

#[test]
fn scrapes_that_arrive_together_share_one_run() {
    with_fast_time(async {
        let log = Arc::new(Log::default());
        let (sources, registry) = start(vec![SourceSpec::new("db", Takes(SECOND, log.clone()))]);
        let scrapes: Vec<_> = (0..100)
            .map(|_| {
                let sources = sources.clone();
                tokio::spawn(async move { sources.view(Deadline::after(5 * SECOND)).await })
            })
            .collect();
        for scrape in scrapes {
            let view = scrape.await.unwrap();
            assert!(view.0[0].up);
        }
        assert_eq!(log.counts(), (1, 1, 0));
        // A later scrape gets its own numbers.
        refresh(&sources, 5).await;
        assert_eq!(log.counts(), (2, 2, 0));
        assert_eq!(sessions(&registry), Some(2.0));
    });
}

/// A server's scrapes wait on threads, for sources on another runtime.
#[cfg(feature = "http")]
#[test]
fn scrapes_that_wait_on_threads_share_one_run() {
    struct Waits(AtomicU64, Semaphore);
    impl Source for Arc<Waits> {
        async fn fetch(&self, _: Deadline) -> Result<Fetched, SourceError> {
            let run = self.0.fetch_add(1, Ordering::SeqCst) + 1;
            self.1.acquire().await.map_err(SourceError::other)?.forget();
            Ok(fetched(run))
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let source = Arc::new(Waits(AtomicU64::new(0), Semaphore::new(0)));
    let sources = Sources::builder("app").start(runtime.handle()).unwrap();
    let spec = SourceSpec::new("db", Arc::clone(&source)).timeout(60 * SECOND);
    sources.replace(vec![spec]).unwrap();
    let begin = || sources.begin(Deadline::after(60 * SECOND));
    let scrapes: Vec<_> = (0..30).map(|_| begin()).collect();
    std::thread::scope(|threads| {
        for scrape in scrapes {
            threads.spawn(|| assert!(scrape.wait_here(None, &|| true).0[0].up));
        }
        source.1.add_permits(1000);
    });
    assert_eq!(source.0.load(Ordering::SeqCst), 1);
    assert!(begin().wait_here(None, &|| true).0[0].up);
    assert_eq!(source.0.load(Ordering::SeqCst), 2);
}

#[cfg(feature = "http")]
#[test]
fn a_runtime_that_has_ended_leaves_no_scrape_waiting() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let sources = Sources::builder("app").start(runtime.handle()).unwrap();
    let spec = SourceSpec::new("db", Takes(SECOND, Arc::default()));
    sources.replace(vec![spec]).unwrap();
    drop(runtime);
    let scrape = sources.begin(Deadline::after(60 * SECOND));
    assert!(!scrape.wait_here(None, &|| true).0[0].up);
}

#[test]
fn the_deadline_of_a_scrape_stops_the_work() {
    with_fast_time(async {
        let log = Arc::new(Log::default());
        let (sources, registry) = start(vec![
            SourceSpec::new("db", Takes(60 * SECOND, log.clone())).timeout(30 * SECOND),
        ]);
        let before = Instant::now();
        refresh(&sources, 2).await;
        assert!(before.elapsed() <= 2 * SECOND);
        assert_eq!(log.counts(), (1, 0, 1));
        assert_eq!(up(&registry), Some(0.0));
        assert_eq!(errors(&registry, "timeout"), Some(1.0));
        assert!(
            sources.status()[0]
                .error
                .as_deref()
                .unwrap()
                .contains("stopped")
        );
        // So does its own timeout.
        refresh(&sources, 300).await;
        assert_eq!(before.elapsed().as_secs(), 31);
        assert_eq!(errors(&registry, "timeout"), Some(2.0));
        assert_eq!(log.counts(), (2, 0, 2));
    });
}

#[test]
fn a_scrape_that_is_given_up_stops_the_work_unless_another_waits() {
    with_fast_time(async {
        let log = Arc::new(Log::default());
        let (sources, _) = start(vec![SourceSpec::new("db", Takes(8 * SECOND, log.clone()))]);
        let ask = || {
            let sources = sources.clone();
            tokio::spawn(async move { sources.view(Deadline::after(20 * SECOND)).await.0[0].up })
        };
        let (first, second) = (ask(), ask());
        sleep(SECOND).await;
        first.abort();
        assert!(second.await.unwrap());
        assert_eq!(log.counts(), (1, 1, 0));
        let third = ask();
        sleep(SECOND).await;
        third.abort();
        sleep(SECOND).await;
        assert_eq!(log.counts(), (2, 1, 1));
        assert!(!sources.status()[0].running);
    });
}

#[test]
fn who_has_more_time_gets_more_time() {
    with_fast_time(async {
        let log = Arc::new(Log::default());
        let (sources, registry) =
            start(vec![SourceSpec::new("db", Takes(3 * SECOND, log.clone()))]);
        let short = {
            let sources = sources.clone();
            tokio::spawn(async move { sources.view(Deadline::after(SECOND)).await.0[0].up })
        };
        sleep(SECOND / 2).await;
        let long = sources.view(Deadline::after(9 * SECOND)).await;
        assert!(!short.await.unwrap());
        assert!(long.0[0].up);
        assert_eq!(log.counts(), (2, 1, 1));
        assert_eq!(errors(&registry, "timeout"), Some(1.0));
    });
}

/// A scrape keeps its own numbers: it still shows them after another scrape has lost them.
#[test]
fn a_scrape_shows_what_it_has_waited_for() {
    with_fast_time(async {
        let log = Arc::new(Log::default());
        let (sources, _) = start(vec![SourceSpec::new("db", Takes(SECOND, log.clone()))]);
        let view = sources.view(Deadline::after(5 * SECOND)).await;
        log.fails.store(true, Ordering::SeqCst);
        refresh(&sources, 5).await;
        assert_eq!(sources.status()[0].up, Some(false));
        assert!(view.0[0].up && view.0[0].good.is_some());
    });
}

#[test]
fn a_source_that_panics_costs_only_itself() {
    struct Panics(bool);
    impl Source for Panics {
        // Not an async function: it panics before it returns a future, or within it.
        #[allow(clippy::manual_async_fn, reason = "the panic comes before the future")]
        fn fetch(&self, _: Deadline) -> impl Future<Output = Result<Fetched, SourceError>> + Send {
            assert!(!self.0, "before there is a future");
            async { panic!("in the future") }
        }
    }
    with_fast_time(async {
        let (sources, registry) = start(vec![
            SourceSpec::new("early", Panics(true)),
            SourceSpec::new("late", Panics(false)),
            SourceSpec::new("good", Takes(SECOND, Arc::default())),
        ]);
        for runs in 1..=2 {
            refresh(&sources, 5).await;
            for source in ["early", "late"] {
                let labels = [("source", source), ("reason", "panic")];
                let panics = value(&registry, "app_source_errors_total", &labels);
                assert_eq!(panics, Some(f64::from(runs)));
            }
            assert_eq!(sessions(&registry), Some(f64::from(runs)));
        }
    });
}

#[test]
fn one_that_hangs_costs_no_other() {
    struct Hangs;
    impl Source for Hangs {
        async fn fetch(&self, _: Deadline) -> Result<Fetched, SourceError> {
            pending().await
        }
    }
    with_fast_time(async {
        let (sources, registry) = start(vec![
            SourceSpec::new("hangs", Hangs),
            SourceSpec::new("db", Takes(SECOND, Arc::default())),
        ]);
        refresh(&sources, 2).await;
        assert_eq!((up(&registry), sessions(&registry)), (Some(1.0), Some(1.0)));
        assert_eq!(
            value(&registry, "app_source_up", &[("source", "hangs")]),
            Some(0.0)
        );
    });
}

#[test]
fn no_more_than_the_limit_work_at_once() {
    struct Crowd(Arc<Semaphore>);
    impl Source for Crowd {
        async fn fetch(&self, _: Deadline) -> Result<Fetched, SourceError> {
            let _place = self.0.try_acquire().map_err(SourceError::limit)?;
            sleep(SECOND / 2).await;
            Ok(Fetched::nothing())
        }
    }
    with_fast_time(async {
        let places = Arc::new(Semaphore::new(3));
        let builder = Sources::builder("app").concurrency(3);
        let sources = builder.start(&Handle::current()).unwrap();
        let spec = |i: usize| SourceSpec::new(format!("s{i}"), Crowd(places.clone()));
        sources.replace((0..9).map(spec).collect()).unwrap();
        let before = Instant::now();
        refresh(&sources, 10).await;
        assert_eq!(before.elapsed().as_millis(), 1500);
        assert!(
            sources
                .status()
                .iter()
                .all(|source| source.up == Some(true))
        );
    });
}

#[test]
fn sources_that_hang_hold_up_no_other_however_many_they_are() {
    struct Hangs;
    impl Source for Hangs {
        async fn fetch(&self, _: Deadline) -> Result<Fetched, SourceError> {
            pending().await
        }
    }
    with_fast_time(async {
        let log = Arc::new(Log::default());
        let (sources, registry) = start(
            (0..40)
                .map(|i| SourceSpec::new(format!("hangs{i}"), Hangs))
                .chain([SourceSpec::new("db", Takes(SECOND, log.clone()))])
                .collect(),
        );
        refresh(&sources, 10).await;
        assert_eq!(sessions(&registry), Some(1.0));
        assert_eq!(up(&registry), Some(1.0));
    });
}

#[test]
fn numbers_of_a_failed_source_are_dropped_or_kept_for_a_time() {
    with_fast_time(async {
        let run = async |on_error| {
            let log = Arc::new(Log::default());
            let spec = SourceSpec::new("db", Takes(SECOND, log.clone())).on_error(on_error);
            let (sources, registry) = start(vec![spec]);
            refresh(&sources, 5).await;
            assert_eq!(sessions(&registry), Some(1.0));
            log.fails.store(true, Ordering::SeqCst);
            refresh(&sources, 5).await;
            assert_eq!(up(&registry), Some(0.0));
            let shown = sessions(&registry);
            let rows = value(&registry, "app_source_rows", &[("source", "db")]);
            assert_eq!(rows, Some(f64::from(u8::from(shown.is_some()))));
            let age = value(&registry, "app_source_age_seconds", &[("source", "db")]);
            sleep(30 * SECOND).await;
            refresh(&sources, 5).await;
            (shown, age, sessions(&registry))
        };
        assert_eq!(run(OnError::Drop).await, (None, None, None));
        let keep = OnError::Keep {
            at_most: 10 * SECOND,
        };
        assert_eq!(run(keep).await, (Some(1.0), Some(1.0), None));
    });
}

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

struct Gives(Snapshot);

impl Source for Gives {
    async fn fetch(&self, _: Deadline) -> Result<Fetched, SourceError> {
        Ok(Fetched::new(self.0.clone(), 1))
    }
}

#[test]
fn families_of_several_sources_become_one_and_contradictions_are_counted() {
    let counter = |name: &str| {
        let mut snapshot = Snapshot::new();
        let family = Descriptor::new(MetricType::Counter, name, "Help.").unwrap();
        let mut writer = FamilyWriter::begin(&mut snapshot, &family, []).unwrap();
        writer.counter([], 1).unwrap();
        drop(writer);
        snapshot
    };
    with_fast_time(async {
        let (sources, registry) = start(vec![
            SourceSpec::new("one", Gives(gauge("x", &["a", "b"], 1))),
            SourceSpec::new("two", Gives(gauge("x", &["b", "c"], 2))),
            SourceSpec::new("three", Gives(gauge("a", &["z"], 3))),
            SourceSpec::new("four", Gives(counter("x_total"))),
            SourceSpec::new("five", Gives(gauge("app_source_up", &["z"], 3))),
        ]);
        for _ in 0..2 {
            refresh(&sources, 5).await;
            let text = registry.to_text();
            let _ = registry.to_text();
            let families = "# HELP a Help.\n# TYPE a gauge\na{label=\"z\"} 3.0\n\
                # HELP x Help.\n# TYPE x gauge\nx{label=\"a\"} 1.0\nx{label=\"b\"} 1.0\nx{label=\"c\"} 2.0\n";
            assert!(text.contains(families), "{text}");
            assert!(!text.contains("x_total"));
            crate::parse::text(&text).unwrap();
        }
        let conflicts = |source| {
            let labels = [("source", source), ("reason", "conflict")];
            value(&registry, "app_source_errors_total", &labels)
        };
        // Once for each fetch, not for each scrape.
        let counts = ["one", "two", "three", "four", "five"].map(conflicts);
        assert_eq!(counts, [0.0, 2.0, 0.0, 2.0, 2.0].map(Some));
        let status = sources.status();
        assert_eq!(status[0].error, None);
        let told = status[1].error.as_deref().unwrap_or_default();
        assert!(told.contains(" contradicts what came before"), "{told}");
    });
}

#[test]
fn a_part_that_failed_is_counted_and_the_rest_is_shown() {
    struct Part;
    impl Source for Part {
        async fn fetch(&self, _: Deadline) -> Result<Fetched, SourceError> {
            Ok(fetched(7).with_problem(SourceError::decode("row 3 has no `user`")))
        }
    }
    with_fast_time(async {
        let (sources, registry) = start(vec![SourceSpec::new("db", Part)]);
        refresh(&sources, 5).await;
        assert_eq!((up(&registry), sessions(&registry)), (Some(1.0), Some(7.0)));
        assert_eq!(errors(&registry, "decode"), Some(1.0));
        assert_eq!(
            sources.status()[0].error.as_deref(),
            Some("row 3 has no `user`")
        );
    });
}
