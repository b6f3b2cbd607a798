//! The backoff of a failing source.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The wait after the first failure.
const FIRST: Duration = Duration::from_secs(1);

/// The longest wait, unless the interval is longer.
const LONGEST: Duration = Duration::from_secs(60);

/// Returns the wait after that many consecutive failures, at least 1. It doubles each time. A random time between half
/// of it and all of it prevents sources that failed together from retrying together.
pub(crate) fn wait(failures: u32, interval: Duration) -> Duration {
    let doubled = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(16));
    let longest = doubled.min(LONGEST.max(interval));
    // A hasher's keys are random, which is enough randomness here.
    let chance = RandomState::new().hash_one(failures) % 1024;
    longest / 2 + longest / 2 * u32::try_from(chance).unwrap_or(0) / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_or_the_interval() {
        let within = |failures, interval, longest| {
            for _ in 0..100 {
                let wait = wait(failures, Duration::from_secs(interval));
                let longest = Duration::from_secs(longest);
                assert!(
                    wait >= longest / 2 && wait < longest,
                    "{failures}: {wait:?}"
                );
            }
        };
        within(1, 5, 1);
        within(2, 5, 2);
        within(6, 5, 32);
        within(7, 5, 60);
        within(u32::MAX, 5, 60);
        within(u32::MAX, 3600, 3600);
        let waits: Vec<_> = (0..50).map(|_| wait(5, FIRST)).collect();
        assert!(waits.iter().any(|wait| *wait != waits[0]));
    }
}
