//! Threads for work that may block. The pool never waits for a hung thread and has no size limit to exhaust.

use std::collections::VecDeque;
use std::io;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::sync::{caught, lock};

/// The time for which an idle thread is kept.
const IDLE: Duration = Duration::from_secs(10);

type Work = Box<dyn FnOnce() + Send>;

struct Pool {
    threads: Mutex<Threads>,
    added: Condvar,
}

struct Threads {
    /// Invariant: an idle thread is about to take each of them.
    work: VecDeque<Work>,
    idle: usize,
}

/// One for the process: it holds only threads.
static POOL: Pool = Pool {
    threads: Mutex::new(Threads {
        work: VecDeque::new(),
        idle: 0,
    }),
    added: Condvar::new(),
};

/// Starts the work at once on a thread of the pool.
///
/// # Errors
/// When the system allows no further thread.
pub(crate) fn run(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let work: Work = Box::new(work);
    let mut threads = lock(&POOL.threads);
    if threads.idle > threads.work.len() {
        threads.work.push_back(work);
        drop(threads);
        POOL.added.notify_one();
        return Ok(());
    }
    drop(threads);
    let thread = thread::Builder::new().name("exporter-blocking".to_owned());
    thread.spawn(move || work_from(work)).map(drop)
}

fn work_from(first: Work) {
    let mut next = Some(first);
    while let Some(work) = next {
        let _ = caught(work);
        next = wait_for_work();
    }
}

fn wait_for_work() -> Option<Work> {
    let mut threads = lock(&POOL.threads);
    threads.idle += 1;
    let (mut threads, _) = POOL
        .added
        .wait_timeout_while(threads, IDLE, |threads| threads.work.is_empty())
        .unwrap_or_else(PoisonError::into_inner);
    threads.idle -= 1;
    threads.work.pop_front()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn hung_work_delays_no_other() {
        let (end, hangs) = channel::<()>();
        let hangs = std::sync::Arc::new(Mutex::new(hangs));
        for _ in 0..20 {
            let hangs = std::sync::Arc::clone(&hangs);
            run(move || assert!(lock(&hangs).recv().is_err())).unwrap();
        }
        let (sender, done) = channel();
        for number in 0..100 {
            let sender = sender.clone();
            run(move || sender.send(number).unwrap()).unwrap();
        }
        let mut numbers: Vec<i32> = (0..100).map(|_| done.recv().unwrap()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..100).collect::<Vec<_>>());
        drop(end);
    }

    #[test]
    fn a_panic_ends_no_thread_with_other_work() {
        let (sender, done) = channel();
        for _ in 0..10 {
            run(|| panic!("in the pool")).unwrap();
            let sender = sender.clone();
            run(move || sender.send(()).unwrap()).unwrap();
        }
        for _ in 0..10 {
            done.recv().unwrap();
        }
    }
}
