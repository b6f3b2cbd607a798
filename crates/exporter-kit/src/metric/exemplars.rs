//! The latest exemplar of a counter or of each bucket.

use std::sync::TryLockError;

use crate::model::{Exemplar, ExemplarError, Timestamp};
use crate::sync::{Mutex, OnceLock, lock};

/// Room for one exemplar each, made when the first one comes.
#[derive(Debug, Default)]
pub(crate) struct Exemplars(OnceLock<Box<[Mutex<Option<Exemplar>>]>>);

impl Exemplars {
    /// Keeps an exemplar at place `at` of `places`, unless someone is reading or writing there right now:
    /// then that is as good an example, without waiting.
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

    /// The exemplar at place `at`.
    pub(crate) fn get(&self, at: usize) -> Option<Exemplar> {
        self.0.get()?.get(at).and_then(|place| lock(place).clone())
    }

    /// All exemplars by place; empty if there never was one.
    pub(crate) fn all(&self) -> Vec<Option<Exemplar>> {
        self.0
            .get()
            .map(|places| places.iter().map(|place| lock(place).clone()).collect())
            .unwrap_or_default()
    }
}

/// An exemplar of now.
pub(crate) fn now(labels: &[(&str, &str)], value: f64) -> Result<Exemplar, ExemplarError> {
    Exemplar::new(labels, value, Some(Timestamp::now()))
}
