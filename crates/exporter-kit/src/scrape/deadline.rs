//! The deadlines of a scrape.

use std::time::{Duration, Instant};

use http::HeaderMap;

/// The header with the client's timeout, in seconds.
const HEADER: &str = "x-prometheus-scrape-timeout-seconds";

/// The default time between a complete answer and the client's timeout.
pub(crate) const DEFAULT_OFFSET: Duration = Duration::from_millis(500);

/// The default time for sources and collectors if the client sends no timeout.
pub(crate) const DEFAULT_LIMIT: Duration = Duration::from_secs(10);

/// The longest time reserved for writing. It is at most a quarter of the total.
const MAX_WRITING: Duration = Duration::from_millis(250);

/// The limits of one scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The end of the wait for sources and collectors.
    pub(crate) collected: Option<Instant>,
    /// The end of writing.
    pub(crate) written: Option<Instant>,
}

impl Limits {
    /// The limits of a request that arrived at `now`. Without a valid timeout from the client, sources and collectors
    /// have `limit`, and the client may read as slowly as it likes.
    pub(crate) fn of(
        headers: &HeaderMap,
        now: Instant,
        offset: Duration,
        limit: Option<Duration>,
    ) -> Self {
        let later = |time: Duration| now.checked_add(time);
        match timeout(headers) {
            None => Self {
                collected: limit.and_then(later),
                written: None,
            },
            Some(timeout) => {
                // For a timeout hardly longer than the offset, half of it is better than nothing.
                let time = timeout.saturating_sub(offset).max(timeout / 2);
                let writing = (time / 4).min(MAX_WRITING);
                Self {
                    collected: later(time.saturating_sub(writing)),
                    written: later(time),
                }
            }
        }
    }
}

fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(HEADER)?.to_str().ok()?.trim().parse().ok()?;
    let timeout = Duration::try_from_secs_f64(seconds).ok()?;
    (!timeout.is_zero()).then_some(timeout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_the_header_less_the_offset() {
        let now = Instant::now();
        let half = Duration::from_millis(500);
        let limits = |value: &str, offset| {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, value.parse().unwrap());
            let limits = Limits::of(&headers, now, offset, Some(DEFAULT_LIMIT));
            let after = |limit: Option<Instant>| limit.map(|at| (at - now).as_millis());
            (after(limits.collected), after(limits.written))
        };
        assert_eq!(limits("10", half), (Some(9250), Some(9500)));
        assert_eq!(limits("10.000000", half), (Some(9250), Some(9500)));
        assert_eq!(limits("1.5", half), (Some(750), Some(1000)));
        assert_eq!(limits("10", Duration::ZERO), (Some(9750), Some(10_000)));
        assert_eq!(limits("0.5", half), (Some(187), Some(250)));
        assert_eq!(limits("1", Duration::from_secs(60)), (Some(375), Some(500)));
        for nonsense in ["", "0", "-1", "soon", "nan", "inf", "1e30", "0x10", "1,5"] {
            assert_eq!(limits(nonsense, half), (Some(10_000), None), "{nonsense}");
        }
        let none = Limits::of(&HeaderMap::new(), now, half, None);
        assert_eq!((none.collected, none.written), (None, None));
    }
}
