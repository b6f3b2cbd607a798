//! Wall-clock times.

use std::time::{SystemTime, UNIX_EPOCH};

/// A wall-clock time: seconds since 1970-01-01 UTC, and nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    seconds: i64,
    /// Invariant: less than 10^9.
    nanos: u32,
}

impl Timestamp {
    /// Creates the time `seconds` and `nanos` after the epoch; nanoseconds of 10^9 and more carry over.
    pub fn new(seconds: i64, nanos: u32) -> Self {
        Self {
            seconds: seconds.saturating_add(i64::from(nanos / 1_000_000_000)),
            nanos: nanos % 1_000_000_000,
        }
    }

    /// Now, by the system's clock. The library reads the wall clock only here.
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the clock"
    )]
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// Creates the time that many milliseconds after the epoch.
    pub fn from_millis(millis: i64) -> Self {
        let nanos = u32::try_from(millis.rem_euclid(1000)).unwrap_or(0) * 1_000_000;
        Self {
            seconds: millis.div_euclid(1000),
            nanos,
        }
    }

    /// Whole milliseconds since the epoch, rounded down, as the text format 0.0.4 writes them.
    pub fn as_millis(self) -> i64 {
        self.seconds
            .saturating_mul(1000)
            .saturating_add(i64::from(self.nanos / 1_000_000))
    }

    /// Whole seconds since the epoch, rounded down.
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// The nanoseconds beyond the whole seconds, less than 10^9.
    pub fn subsec_nanos(self) -> u32 {
        self.nanos
    }

    /// Seconds since the epoch, rounded to the nearest `f64`.
    #[allow(clippy::cast_precision_loss, reason = "rounding is what this does")]
    pub fn as_secs_f64(self) -> f64 {
        self.seconds as f64 + f64::from(self.nanos) / 1e9
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Self::new(
                i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
                after.subsec_nanos(),
            ),
            Err(before) => {
                let before = before.duration();
                let seconds = -i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
                match before.subsec_nanos() {
                    0 => Self { seconds, nanos: 0 },
                    nanos => Self {
                        seconds: seconds.saturating_sub(1),
                        nanos: 1_000_000_000 - nanos,
                    },
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_before_the_epoch_round_down() {
        let time = Timestamp::from_millis(-1);
        assert_eq!((time.seconds(), time.subsec_nanos()), (-1, 999_000_000));
        assert_eq!(time.as_millis(), -1);
    }
}
