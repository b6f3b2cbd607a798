//! Results of password checks, cached for a time.

use std::time::{Duration, Instant};

/// The number of cached results, accepted and rejected each.
const CAPACITY: usize = 100;

/// The number of results that are evicted at random from a full cache.
const EVICTED: usize = CAPACITY / 10;

/// The time after which an unused result is dropped.
pub(super) const IDLE: Duration = Duration::from_secs(5 * 60);

/// The identity of a login: a keyed hash of everything that its result depends on.
pub(super) type Digest = [u8; 32];

/// Cached results, with the time of their last use.
#[derive(Default)]
pub(super) struct Verdicts(Vec<(Digest, Instant)>);

impl Verdicts {
    pub(super) fn has(&mut self, digest: &Digest, now: Instant) -> bool {
        let Some((_, asked)) = self.0.iter_mut().find(|(known, _)| known == digest) else {
            return false;
        };
        let is_fresh = now.saturating_duration_since(*asked) < IDLE;
        if is_fresh {
            *asked = now;
        }
        is_fresh
    }

    pub(super) fn remember(&mut self, digest: Digest, now: Instant) {
        self.0.retain(|(known, asked)| {
            *known != digest && now.saturating_duration_since(*asked) < IDLE
        });
        if self.0.len() >= CAPACITY {
            // Without the key, the digest cannot be predicted.
            let random = digest.iter().fold(0, |sum: usize, byte| {
                sum.rotate_left(8) ^ usize::from(*byte)
            });
            let from = random % (CAPACITY - EVICTED);
            // The order is random as well, except for the newest: a flood evicts its own results too.
            self.0.drain(from..from + EVICTED);
        }
        let at = self
            .0
            .len()
            .checked_sub(1)
            .map_or(0, |last| usize::from(digest[0]) % (last + 1));
        self.0.insert(at, (digest, now));
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_bounded() {
        let now = Instant::now();
        let mut verdicts = Verdicts::default();
        for at in 0..10_000_u32 {
            let mut digest = Digest::default();
            for (to, from) in digest
                .iter_mut()
                .zip(at.wrapping_mul(2_654_435_761).to_le_bytes())
            {
                *to = from;
            }
            verdicts.remember(digest, now);
            assert!(verdicts.has(&digest, now));
            assert!(verdicts.0.len() <= CAPACITY);
        }
    }
}
