//! Scrapes that wait for sources: shared runs, deadlines, limits.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use super::harness::{Log, SECOND, Takes, errors, refresh, sessions, start, up, with_fast_time};
use crate::source::{Deadline, Fetched, Source, SourceError, SourceSpec, Sources};

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
