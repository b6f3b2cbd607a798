//! Failures of sources, and the numbers that remain.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::runtime::Handle;
use tokio::time::sleep;

use super::harness::{
    Log, SECOND, Takes, errors, fetched, gauge, refresh, sessions, start, up, value, with_fast_time,
};
use crate::source::{
    Deadline, Fetched, MemoryLimit, OnError, Source, SourceError, SourceErrorReason, SourceSpec,
    Sources,
};
use crate::{Descriptor, FamilyWriter, MetricType, Snapshot};

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
            assert!(
                text.contains("# TYPE x_total counter\nx_total 1.0\n"),
                "{text}"
            );
            crate::parse::text(&text).unwrap();
            // OpenMetrics has one family `x`, so the counter has no type there.
            let openmetrics = registry.scrape(crate::Format::OpenMetrics).to_vec();
            let read = crate::parse::openmetrics(&openmetrics).unwrap();
            let family = read.family("x_total").unwrap().descriptor();
            assert_eq!(family.metric_type(), MetricType::Unknown);
        }
        let conflicts = |source| {
            let labels = [("source", source), ("reason", "conflict")];
            value(&registry, "app_source_errors_total", &labels)
        };
        // Once for each fetch, not for each scrape.
        let counts = ["one", "two", "three", "four", "five"].map(conflicts);
        assert_eq!(counts, [0.0, 2.0, 0.0, 0.0, 2.0].map(Some));
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

#[test]
fn numbers_beyond_the_limit_of_memory_cost_their_source_alone() {
    /// Returns this many series.
    struct Series(Arc<AtomicU64>);
    impl Source for Series {
        async fn fetch(&self, _: Deadline) -> Result<Fetched, SourceError> {
            let count = self.0.load(Ordering::Relaxed);
            let labels: Vec<String> = (0..count).map(|label| label.to_string()).collect();
            let labels: Vec<&str> = labels.iter().map(|label| &**label).collect();
            let snapshot = gauge(&format!("of_{count}"), &labels, 1);
            Ok(Fetched::new(snapshot, count))
        }
    }
    with_fast_time(async {
        let limit = MemoryLimit::new(100_000);
        let builder = Sources::builder("app").memory_limit(limit.clone());
        let sources = builder.start(&Handle::current()).unwrap();
        let counts = [1, 2].map(|count| Arc::new(AtomicU64::new(count)));
        let specs = ["small", "large"].into_iter().zip(&counts);
        let specs = specs.map(|(name, count)| SourceSpec::new(name, Series(Arc::clone(count))));
        sources.replace(specs.collect()).unwrap();
        refresh(&sources, 1).await;
        let small = limit.taken();
        assert!(small > 0);
        counts[1].store(100_000, Ordering::Relaxed);
        refresh(&sources, 1).await;
        let up: Vec<_> = sources.status().iter().map(|status| status.up).collect();
        assert_eq!(up, [Some(true), Some(false)]);
        let error = sources.status()[1].error.clone().unwrap();
        assert!(
            error.contains("the memory limit of 100000 bytes"),
            "{error}"
        );
        assert!(limit.taken() < small, "what it had before is given back");
        // The next numbers that fit are taken.
        counts[1].store(2, Ordering::Relaxed);
        refresh(&sources, 1).await;
        assert_eq!(limit.taken(), small);
        drop(sources);
        assert_eq!(limit.taken(), 0);
    });
}
