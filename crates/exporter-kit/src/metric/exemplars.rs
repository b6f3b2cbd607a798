//! The latest exemplar of a counter or of each bucket.

use std::sync::TryLockError;

use crate::model::{Exemplar, ExemplarError, Timestamp};
use crate::sync::{Mutex, OnceLock, lock};

/// One place per exemplar; allocated at the first exemplar.
#[derive(Debug, Default)]
pub(crate) struct Exemplars(OnceLock<Box<[Mutex<Option<Exemplar>>]>>);

impl Exemplars {
    /// Keeps an exemplar at place `at` of `places`. Skips it if another thread is reading or writing there: that
    /// exemplar is as good an example, and this thread need not wait.
    pub(crate) fn keep(&self, at: usize, places: usize, exemplar: Exemplar) {
        let places = self
            .0
            .get_or_init(|| (0..places).map(|_| Mutex::new(None)).collect());
        match places.get(at).map(Mutex::try_lock) {
            Some(Ok(mut place)) => *place = Some(exemplar),
            Some(Err(TryLockError::Poisoned(place))) => *place.into_inner() = Some(exemplar),
            Some(Err(TryLockError::WouldBlock)) | None => {}
        }
    }

    /// Returns the exemplar at place `at`.
    pub(crate) fn get(&self, at: usize) -> Option<Exemplar> {
        self.0.get()?.get(at).and_then(|place| lock(place).clone())
    }

    /// Returns all exemplars by place; empty before the first one.
    pub(crate) fn all(&self) -> Vec<Option<Exemplar>> {
        self.0
            .get()
            .map(|places| places.iter().map(|place| lock(place).clone()).collect())
            .unwrap_or_default()
    }
}

/// Returns an exemplar with the current time.
pub(crate) fn now(labels: &[(&str, &str)], value: f64) -> Result<Exemplar, ExemplarError> {
    Exemplar::new(labels, value, Some(Timestamp::now()))
}
