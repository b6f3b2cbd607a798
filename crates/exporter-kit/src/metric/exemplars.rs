//! The latest exemplar of a counter or of each bucket.

use std::sync::TryLockError;

use crate::model::{Exemplar, ExemplarError, Timestamp};
use crate::sync::{Mutex, MutexGuard, OnceLock};

/// One place per exemplar; allocated at the first exemplar.
#[derive(Debug, Default)]
pub(crate) struct Exemplars(OnceLock<Box<[Place]>>);

impl Exemplars {
    /// Keeps an exemplar at place `at` of `places`. Skips it if another thread is reading or writing there: that
    /// exemplar is as good an example, and this thread need not wait.
    pub(crate) fn keep(&self, at: usize, places: usize, exemplar: Exemplar) {
        let places = self
            .0
            .get_or_init(|| (0..places).map(|_| Mutex::new(None)).collect());
        if let Some(mut place) = places.get(at).and_then(free) {
            *place = Some(exemplar);
        }
    }

    /// Returns the exemplar at place `at`, if no other thread is reading or writing there. So a scrape never waits for
    /// a thread that records.
    pub(crate) fn get(&self, at: usize) -> Option<Exemplar> {
        free(self.0.get()?.get(at)?)?.clone()
    }

    /// Returns all exemplars by place, without those that another thread is reading or writing; empty before the first
    /// one.
    pub(crate) fn all(&self) -> Vec<Option<Exemplar>> {
        let places = self.0.get().into_iter().flatten();
        places.map(|place| free(place)?.clone()).collect()
    }
}

type Place = Mutex<Option<Exemplar>>;

/// Locks a place, unless another thread has locked it.
fn free(place: &Place) -> Option<MutexGuard<'_, Option<Exemplar>>> {
    match place.try_lock() {
        Ok(place) => Some(place),
        Err(TryLockError::Poisoned(place)) => Some(place.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// Returns an exemplar with the current time.
pub(crate) fn now(labels: &[(&str, &str)], value: f64) -> Result<Exemplar, ExemplarError> {
    Exemplar::new(labels, value, Some(Timestamp::now()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_does_not_wait_for_a_thread_that_keeps_an_exemplar() {
        let exemplars = Exemplars::default();
        for (at, value) in [(0, 1.0), (1, 2.0)] {
            exemplars.keep(at, 2, now(&[], value).unwrap());
        }
        let keeping = free(&exemplars.0.get().unwrap()[0]);
        assert!(keeping.is_some());
        let shown = exemplars.all();
        assert!(shown[0].is_none() && shown[1].is_some());
        assert!(exemplars.get(0).is_none());
        drop(keeping);
        assert!(exemplars.get(0).is_some());
    }
}
