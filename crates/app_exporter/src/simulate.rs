//! The configuration that stands for a missing file: simulated sessions.

use std::ops::RangeInclusive;
use std::time::Duration;

use humantime::format_duration;

/// Values of the flags `--simulate.…`.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The same seed gives the same values; without one every run has its own.
    pub(crate) seed: Option<u64>,
    /// Each integer in it is equally likely. Invariant: not empty.
    pub(crate) range: RangeInclusive<u32>,
    /// Invariant: not zero, and no longer than a day.
    pub(crate) interval: Duration,
}

/// The text of the configuration.
pub(crate) fn configuration(plan: &Plan) -> String {
    let (minimum, maximum) = (plan.range.start(), plan.range.end());
    let every = format_duration(plan.interval);
    let seed = plan.seed.map(|seed| format!("        seed: {seed}\n"));
    let seed = seed.unwrap_or_default();
    format!(
        "# Without --config.file the sessions are simulated.
sources:
  sessions:
    simulate:
      uniform:
        minimum: {minimum}
        maximum: {maximum}
        every: {every}
{seed}    metrics:
      - name: app_active_sessions
        help: Number of active user sessions
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::{Config, Location};

    #[test]
    fn every_plan_is_a_configuration() {
        let day = Duration::from_secs(24 * 60 * 60);
        for (seed, interval) in [
            (None, day),
            (Some(u64::MAX), Duration::from_millis(1)),
            (Some(0), Duration::from_micros(1_234_567)),
        ] {
            let plan = Plan {
                seed,
                range: 0..=u32::MAX,
                interval,
            };
            let location = Location::built_in(configuration(&plan));
            Config::read(&location, &|_| None).unwrap();
        }
    }
}
