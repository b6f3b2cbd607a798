//! Simulated sessions: a gauge with a random value, and anew at every interval.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use exporter_kit::Gauge;

/// How the sessions are simulated.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The same seed gives the same values; without one every run has its own.
    pub(crate) seed: Option<u64>,
    /// Every whole number in it is equally likely. Invariant: not empty.
    pub(crate) range: RangeInclusive<u32>,
    /// Invariant: not zero, and no longer than a day.
    pub(crate) interval: Duration,
}

/// Sets a gauge as a plan says.
#[derive(Debug)]
pub(crate) struct Simulation {
    sessions: Gauge,
    random: fastrand::Rng,
    plan: Plan,
    due: Instant,
}

impl Simulation {
    /// Sets the first value; the next is due an interval after `now`.
    pub(crate) fn start(sessions: Gauge, plan: Plan, now: Instant) -> Self {
        let random = plan
            .seed
            .map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        let mut simulation = Self {
            sessions,
            random,
            due: now + plan.interval,
            plan,
        };
        simulation.step();
        simulation
    }

    /// When the next value is due.
    pub(crate) fn due(&self) -> Instant {
        self.due
    }

    /// Sets a value if one is due.
    pub(crate) fn advance(&mut self, now: Instant) {
        if now < self.due {
            return;
        }
        self.step();
        // Counted from when it was due, so that delays do not add up. A machine that slept for hours
        // has nothing to catch up on.
        self.due += self.plan.interval;
        if self.due <= now {
            self.due = now + self.plan.interval;
        }
    }

    fn step(&mut self) {
        let sessions = self.random.u32(self.plan.range.clone());
        self.sessions.set(sessions);
        log::debug!(sessions; "Simulated sessions");
    }
}

#[cfg(test)]
mod tests {
    use exporter_kit::Registry;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn start(seed: Option<u64>, range: RangeInclusive<u32>, now: Instant) -> Simulation {
        let sessions = Registry::new().gauge("sessions", "Sessions").unwrap();
        let plan = Plan {
            seed,
            range,
            interval: 5 * SECOND,
        };
        Simulation::start(sessions, plan, now)
    }

    fn values(seed: Option<u64>, range: RangeInclusive<u32>, count: usize) -> Vec<u32> {
        let mut simulation = start(seed, range, Instant::now());
        let mut values = Vec::new();
        while values.len() < count {
            values.push(simulation.sessions.get() as u32);
            simulation.advance(simulation.due());
        }
        values
    }

    #[test]
    fn every_number_of_the_range_comes_and_no_other() {
        let values = values(Some(1), 10..=100, 10_000);
        let mut seen = [0_u32; 101];
        for value in values {
            assert!((10..=100).contains(&value), "{value}");
            seen[value as usize] += 1;
        }
        // Expected are 110 of each. A fair generator strays by 60 less than once in a million times.
        for (number, times) in seen.iter().enumerate().skip(10) {
            assert!((50..=170).contains(times), "{number} came {times} times");
        }
    }

    #[test]
    fn a_range_of_one_number_is_that_number() {
        assert_eq!(values(None, 7..=7, 3), [7, 7, 7]);
        assert_eq!(values(None, u32::MAX..=u32::MAX, 2), [u32::MAX, u32::MAX]);
    }

    #[test]
    fn a_seed_repeats_its_values_and_another_has_others() {
        assert_eq!(values(Some(7), 10..=100, 50), values(Some(7), 10..=100, 50));
        assert_ne!(values(Some(7), 10..=100, 50), values(Some(8), 10..=100, 50));
        assert_ne!(values(None, 10..=100, 50), values(None, 10..=100, 50));
    }

    #[test]
    fn a_value_stays_until_the_next_is_due() {
        let now = Instant::now();
        let mut simulation = start(Some(1), 0..=u32::MAX, now);
        let first = simulation.sessions.get();
        assert_eq!(simulation.due(), now + 5 * SECOND);
        simulation.advance(now + 4 * SECOND);
        assert_eq!(simulation.sessions.get(), first);
        simulation.advance(now + 5 * SECOND);
        assert_ne!(simulation.sessions.get(), first);
    }

    #[test]
    fn delays_do_not_add_up_and_missed_values_are_not_made_up_for() {
        let now = Instant::now();
        let mut simulation = start(Some(1), 10..=100, now);
        simulation.advance(now + 6 * SECOND);
        assert_eq!(simulation.due(), now + 10 * SECOND);
        simulation.advance(now + 100 * SECOND);
        assert_eq!(simulation.due(), now + 105 * SECOND);
    }
}
