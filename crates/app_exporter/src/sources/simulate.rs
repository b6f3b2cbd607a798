//! Simulated numbers, for demonstrations and tests of dashboards and alerts.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::MapAccess;
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer};
use tokio::time::Instant;

use exporter_kit::Number;

use crate::config::variant::{self, Variants};
use crate::config::{Fault, Place, Span};
use crate::decode::{Cell, Failure, Limits, Part, Parts, Table, Wanted};
use crate::sources::origin::{Fetch, Fetcher, Origin, SourceInfo, Surroundings};
use crate::sources::visit::Visit;

const ROWS: &str = "rows";

/// The source in lists.
pub(crate) const INFO: SourceInfo = SourceInfo {
    name: "simulate",
    about: "simulated numbers: uniform, sine, random_walk, steps",
    rows: "one, with value",
    features: &[],
};

/// Simulated numbers: one row with the column `value`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", remote = "Self")]
pub(crate) enum SimulateConfig {
    /// A random integer of a range, each equally likely.
    Uniform(Uniform),
    /// A sine wave over a range, like day and night.
    Sine(Sine),
    /// A random walk: each number is near the one before.
    RandomWalk(RandomWalk),
    /// A list of numbers that repeats.
    Steps(Steps),
}

/// A random integer of a range.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Uniform {
    /// The smallest number.
    #[serde(default = "ten")]
    minimum: i64,
    /// The greatest number.
    #[serde(default = "hundred")]
    maximum: i64,
    /// The time until the next number. Without it, each fetch makes a new number.
    #[serde(default)]
    every: Option<Span>,
    /// Repeats the numbers of another run with this seed.
    #[serde(default)]
    seed: Option<u64>,
}

/// A sine wave over a range.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sine {
    /// The smallest number.
    #[serde(default = "ten")]
    minimum: i64,
    /// The greatest number.
    #[serde(default = "hundred")]
    maximum: i64,
    /// The period of the wave; default 10m.
    #[serde(default = "ten_minutes")]
    period: Span,
}

/// A random walk.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RandomWalk {
    /// The smallest number.
    #[serde(default = "ten")]
    minimum: i64,
    /// The greatest number.
    #[serde(default = "hundred")]
    maximum: i64,
    /// The largest difference between two numbers.
    #[serde(default = "five")]
    step: u32,
    /// Repeats the numbers of another run with this seed.
    #[serde(default)]
    seed: Option<u64>,
}

/// A list of numbers.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Steps {
    /// The numbers.
    values: Vec<f64>,
    /// The time until the next number; default 1m.
    #[serde(default = "minute")]
    every: Span,
}

fn ten() -> i64 {
    10
}

fn hundred() -> i64 {
    100
}

fn five() -> u32 {
    5
}

fn minute() -> Span {
    Span::from_secs(60)
}

fn ten_minutes() -> Span {
    Span::from_secs(600)
}

impl Variants for SimulateConfig {
    const EXPECTED: &'static str =
        "one of `uniform`, `sine`, `random_walk` and `steps` with keys under it";

    fn of_entry<'de, A: MapAccess<'de>>(entry: MapAccessDeserializer<A>) -> Result<Self, A::Error> {
        Self::deserialize(entry)
    }
}

impl<'de> Deserialize<'de> for SimulateConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        variant::read(deserializer)
    }
}

impl Origin for SimulateConfig {
    fn parts(&self) -> Parts {
        Parts::one(ROWS, &["value"])
    }

    fn check(&self, place: Place, faults: &mut Vec<Fault>) {
        let range = match self {
            Self::Uniform(it) => it.minimum..=it.maximum,
            Self::Sine(it) => it.minimum..=it.maximum,
            Self::RandomWalk(it) => it.minimum..=it.maximum,
            Self::Steps(steps) => {
                if steps.values.is_empty() {
                    faults.push(Fault::at(place, "`values` is empty; add numbers"));
                }
                return;
            }
        };
        if range.is_empty() {
            faults.push(Fault::at(
                place,
                format!(
                    "the `minimum` {} is greater than the `maximum` {}; change one of the two",
                    range.start(),
                    range.end()
                ),
            ));
        }
    }

    fn build(&self, _: Wanted, _: Limits, _: Surroundings<'_>) -> Result<Fetcher, Fault> {
        Ok(Fetcher::new(Simulator::new(self)))
    }
}

/// Simulates numbers.
#[derive(Debug)]
pub(crate) struct Simulator {
    config: SimulateConfig,
    start: Instant,
    generator: Mutex<Generator>,
}

#[derive(Debug)]
struct Generator {
    random: fastrand::Rng,
    /// The previous number.
    last: Option<i64>,
    /// When the next number is due.
    due: Duration,
}

impl Simulator {
    fn new(config: &SimulateConfig) -> Self {
        let seed = match config {
            SimulateConfig::Uniform(it) => it.seed,
            SimulateConfig::RandomWalk(it) => it.seed,
            SimulateConfig::Sine(_) | SimulateConfig::Steps(_) => None,
        };
        let random = seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Self {
            config: config.clone(),
            start: Instant::now(),
            generator: Mutex::new(Generator {
                random,
                last: None,
                due: Duration::ZERO,
            }),
        }
    }

    #[allow(
        clippy::cast_precision_loss,
        reason = "simulated numbers are not exact"
    )]
    fn number(&self, elapsed: Duration) -> f64 {
        let mut generator = self
            .generator
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match &self.config {
            SimulateConfig::Uniform(it) => generator.uniform(it, elapsed) as f64,
            SimulateConfig::Sine(it) => wave(it, elapsed),
            SimulateConfig::RandomWalk(it) => {
                let next = match generator.last {
                    None => generator.random.i64(it.minimum..=it.maximum),
                    Some(last) => {
                        let step = i64::from(it.step);
                        let step = generator.random.i64(-step..=step);
                        last.saturating_add(step).clamp(it.minimum, it.maximum)
                    }
                };
                generator.last = Some(next);
                next as f64
            }
            SimulateConfig::Steps(it) => {
                let count = it.values.len().max(1) as u128;
                let at = elapsed.as_nanos() / it.every.get().as_nanos().max(1) % count;
                let at = usize::try_from(at).unwrap_or(0);
                it.values.get(at).copied().unwrap_or(f64::NAN)
            }
        }
    }
}

impl Generator {
    fn uniform(&mut self, config: &Uniform, elapsed: Duration) -> i64 {
        if let Some(last) = self.last.filter(|_| elapsed < self.due) {
            return last;
        }
        let number = self.random.i64(config.minimum..=config.maximum);
        self.last = Some(number);
        let every = config.every.map_or(Duration::ZERO, Span::get);
        // Counted from when it was due, so that delays do not add up. A machine that slept for hours has nothing to catch
        // up on.
        self.due = self.due.saturating_add(every);
        if self.due <= elapsed {
            self.due = elapsed.saturating_add(every);
        }
        number
    }
}

impl Fetch for Simulator {
    async fn fetch(&self, _: &Visit) -> Result<Vec<Part>, Failure> {
        let number = self.number(self.start.elapsed());
        log::debug!(number; "Simulated a number");
        let cell = Cell::Number(Number::F64(number));
        let table = Table::of_one_row([("value", cell)]);
        Ok(vec![Part::rows(ROWS, Ok(table))])
    }
}

/// A point of the wave, rounded to an integer.
#[allow(
    clippy::cast_precision_loss,
    reason = "simulated numbers are not exact"
)]
fn wave(sine: &Sine, elapsed: Duration) -> f64 {
    let turns = elapsed.as_secs_f64() / sine.period.get().as_secs_f64();
    let (low, high) = (sine.minimum as f64, sine.maximum as f64);
    let height = (turns * std::f64::consts::TAU).sin() * 0.5 + 0.5;
    (low + (high - low) * height).round().clamp(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn simulate(config: &str) -> Simulator {
        Simulator::new(&serde_saphyr::from_str(config).unwrap())
    }

    fn numbers(config: &str, count: u64) -> Vec<f64> {
        let source = simulate(config);
        (0..count)
            .map(|second| source.number(Duration::from_secs(second)))
            .collect()
    }

    #[test]
    fn uniform_numbers_are_of_the_range_and_repeat_with_their_seed() {
        let config = "uniform: {minimum: 3, maximum: 5, seed: 1}";
        let all = numbers(config, 300);
        for number in [3.0, 4.0, 5.0] {
            assert!(all.contains(&number));
        }
        assert!(all.iter().all(|number| (3.0..=5.0).contains(number)));
        assert_eq!(all, numbers(config, 300));
    }

    #[test]
    fn a_uniform_number_stays_until_the_next_is_due() {
        let source = simulate("uniform: {minimum: 0, maximum: 1000000000, every: 5s, seed: 1}");
        let at = |seconds| source.number(Duration::from_secs(seconds));
        let first = at(0);
        assert_eq!(at(4), first);
        // Late: the one after it is due as if it had not been.
        let second = at(6);
        assert_ne!(second, first);
        assert_eq!(at(9), second);
        let third = at(10);
        assert_ne!(third, second);
        // Missed ones are not made up for.
        let fourth = at(3600);
        assert_ne!(fourth, third);
        assert_eq!(at(3604), fourth);
        assert_ne!(at(3605), fourth);
    }

    #[test]
    fn every_number_of_a_range_is_as_likely_as_another() {
        let mut seen = [0_u32; 101];
        for number in numbers("uniform: {seed: 1}", 10_000) {
            seen[number as usize] += 1;
        }
        // Expected are 110 of each. A fair generator strays by 60 less than once in a million times.
        for (number, times) in seen.iter().enumerate() {
            let expected = if number < 10 { 0..=0 } else { 50..=170 };
            assert!(expected.contains(times), "{number} came {times} times");
        }
    }

    #[test]
    fn a_wave_reaches_both_ends_once_a_period() {
        let wave = numbers("sine: {minimum: 0, maximum: 100, period: 40s}", 41);
        assert_eq!(
            [wave[0], wave[10], wave[20], wave[30], wave[40]],
            [50.0, 100.0, 50.0, 0.0, 50.0]
        );
    }

    #[test]
    fn a_walk_makes_no_leaps_and_stays_in_its_range() {
        let walk = numbers(
            "random_walk: {minimum: 0, maximum: 20, step: 3, seed: 2}",
            500,
        );
        assert!(walk.windows(2).all(|pair| (pair[0] - pair[1]).abs() <= 3.0));
        assert!(walk.iter().all(|number| (0.0..=20.0).contains(number)));
        assert!(walk.windows(2).any(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn steps_come_around_again() {
        let steps = numbers("steps: {values: [1, 2.5], every: 2s}", 6);
        assert_eq!(steps, [1.0, 1.0, 2.5, 2.5, 1.0, 1.0]);
    }
}
