//! The rate limit: a token bucket, from which each request takes one token.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::Problem;
use super::file::{self, place_of, said};
use super::go_duration;

/// A configured limit: one request per interval, and a burst at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RateLimit {
    interval: Duration,
    burst: u32,
}

impl RateLimit {
    /// The limit of a file; `None` without an interval, or with the interval 0.
    pub(super) fn build(file: Option<&file::RateLimitSection>) -> Result<Option<Self>, Problem> {
        let Some(file) = file else {
            return Ok(None);
        };
        let interval = match said(&file.interval) {
            None => Duration::ZERO,
            Some(text) => go_duration::parse(&text.value).ok_or_else(|| {
                let message = format!(
                    "`{}` is not an interval; write a number with a unit, such as `1s`, `100ms` or `1m30s`, or 0 for no limit",
                    text.value
                );
                Problem::new(message).at(place_of(text))
            })?,
        };
        let burst = match &file.burst {
            None => 0,
            Some(burst) => u32::try_from(burst.value).map_err(|_| {
                let message = format!(
                    "`{}` is not a burst; write an integer from 0 to {}",
                    burst.value,
                    u32::MAX
                );
                Problem::new(message).at(place_of(burst))
            })?,
        };
        Ok((!interval.is_zero()).then_some(Self { interval, burst }))
    }
}

/// The bucket: full at first, and refilled by one token per interval.
#[derive(Debug)]
pub(super) struct TokenBucket {
    limit: RateLimit,
    level: Mutex<Level>,
}

#[derive(Debug)]
struct Level {
    tokens: f64,
    at: Instant,
}

impl TokenBucket {
    pub(super) fn new(limit: RateLimit, now: Instant) -> Self {
        Self {
            limit,
            level: Mutex::new(Level {
                tokens: f64::from(limit.burst),
                at: now,
            }),
        }
    }

    pub(super) fn limit(&self) -> RateLimit {
        self.limit
    }

    /// Takes a token, and returns whether there was one.
    pub(super) fn take(&self, now: Instant) -> bool {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        // Requests may arrive here in another order than they read the clock.
        let passed = now.saturating_duration_since(level.at);
        level.at += passed;
        let filled = level.tokens + passed.div_duration_f64(self.limit.interval);
        level.tokens = filled.min(f64::from(self.limit.burst));
        if level.tokens < 1.0 {
            return false;
        }
        level.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn bucket(burst: u32) -> (TokenBucket, Instant) {
        let now = Instant::now();
        let limit = RateLimit {
            interval: SECOND,
            burst,
        };
        (TokenBucket::new(limit, now), now)
    }

    #[test]
    fn a_burst_and_then_one_an_interval() {
        let (bucket, now) = bucket(3);
        let taken = (0..10).filter(|_| bucket.take(now)).count();
        assert_eq!(taken, 3);
        assert!(!bucket.take(now + SECOND / 2));
        assert!(bucket.take(now + SECOND));
        assert!(!bucket.take(now + SECOND));
        let taken = (0..10).filter(|_| bucket.take(now + SECOND * 60)).count();
        assert_eq!(taken, 3);
    }

    #[test]
    fn a_burst_of_none_lets_nobody_through() {
        let (bucket, now) = bucket(0);
        assert!(!bucket.take(now));
        assert!(!bucket.take(now + SECOND * 1000));
    }

    #[test]
    fn a_clock_that_stands_still_or_goes_back_gives_nothing() {
        let (bucket, now) = bucket(1);
        assert!(bucket.take(now));
        assert!(!bucket.take(now));
        assert!(bucket.take(now + SECOND));
        assert!(!bucket.take(now));
        assert!(bucket.take(now + SECOND * 2));
    }
}
