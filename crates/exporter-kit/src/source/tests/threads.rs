//! A server's scrapes, which wait on threads for sources on another runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Semaphore;

use super::harness::{SECOND, Takes, fetched};
use crate::source::{Deadline, Fetched, Source, SourceError, SourceSpec, Sources};

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
