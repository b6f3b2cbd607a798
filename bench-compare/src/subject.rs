//! One thing that is measured: an operation that can be repeated, and the exposition that shows
//! what the repetitions did.

use std::hint::black_box;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use anyhow::Result;

use crate::method::{Timing, Workers};

/// Repeats an operation the given number of times.
pub type Job = Arc<dyn Fn(u64) + Send + Sync>;

/// One operation; its argument is the number of the repetition.
pub type Operation = Arc<dyn Fn(usize) + Send + Sync>;

/// A peer set up for one row.
pub trait Subject {
    /// Has `threads` threads run `iterations` operations each.
    fn time(&mut self, threads: usize, iterations: u64) -> Result<Timing>;

    /// The exposition as it is now.
    fn exposition(&mut self) -> Result<Vec<u8>>;

    /// Called between samples, untimed: upkeep without which a peer would grow without end.
    fn settle(&mut self) {}
}

/// A subject in this process.
pub struct Local {
    job: Job,
    exposition: Box<dyn Fn() -> Vec<u8>>,
    settle: Box<dyn Fn()>,
}

static WORKERS: LazyLock<Mutex<Workers>> = LazyLock::new(|| Mutex::new(Workers::new(2)));

impl Local {
    /// Repeats `operation`. Its argument is the number of the repetition in this run.
    pub fn record(
        operation: impl Fn(usize) + Send + Sync + 'static,
        exposition: impl Fn() -> Vec<u8> + 'static,
    ) -> Box<dyn Subject> {
        let job: Job = Arc::new(move |iterations| {
            for i in 0..iterations as usize {
                operation(i);
            }
        });
        Box::new(Self {
            job,
            exposition: Box::new(exposition),
            settle: Box::new(|| ()),
        })
    }

    /// Runs `job`, which repeats by itself.
    pub fn job(
        job: impl Fn(u64) + Send + Sync + 'static,
        exposition: impl Fn() -> Vec<u8> + 'static,
        settle: impl Fn() + 'static,
    ) -> Box<dyn Subject> {
        Box::new(Self {
            job: Arc::new(job),
            exposition: Box::new(exposition),
            settle: Box::new(settle),
        })
    }

    /// Encodes into one buffer that keeps its capacity. `encode` finds it empty.
    pub fn encode<B: Buffer>(encode: impl Fn(&mut B) + Send + Sync + 'static) -> Box<dyn Subject> {
        let encode = Arc::new(encode);
        let buffer = Mutex::new(B::default());
        let repeat = Arc::clone(&encode);
        let job: Job = Arc::new(move |iterations| {
            let mut buffer = buffer.lock().unwrap_or_else(PoisonError::into_inner);
            for _ in 0..iterations {
                buffer.clear();
                repeat(&mut *buffer);
                black_box(&mut *buffer);
            }
        });
        let exposition = move || {
            let mut buffer = B::default();
            encode(&mut buffer);
            buffer.into_bytes()
        };
        Box::new(Self {
            job,
            exposition: Box::new(exposition),
            settle: Box::new(|| ()),
        })
    }
}

impl Subject for Local {
    fn time(&mut self, threads: usize, iterations: u64) -> Result<Timing> {
        WORKERS
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .time(&self.job, threads, iterations)
    }

    fn exposition(&mut self) -> Result<Vec<u8>> {
        Ok((self.exposition)())
    }

    fn settle(&mut self) {
        (self.settle)();
    }
}

/// What peers encode into.
pub trait Buffer: Default + Send + 'static {
    /// Empties it, keeping its capacity where it can.
    fn clear(&mut self);
    /// Its content.
    fn into_bytes(self) -> Vec<u8>;
}

impl Buffer for Vec<u8> {
    fn clear(&mut self) {
        self.clear();
    }

    fn into_bytes(self) -> Vec<u8> {
        self
    }
}

impl Buffer for String {
    fn clear(&mut self) {
        self.clear();
    }

    fn into_bytes(self) -> Vec<u8> {
        self.into_bytes()
    }
}
