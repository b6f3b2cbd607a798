//! Assembles the lines of one sample into its value, and checks them together.

use std::borrow::Cow;
use std::sync::Arc;

use hashbrown::HashSet;

use crate::model::decimal;
use crate::model::{Exemplar, HistogramValue, MetricType, Number, SummaryValue, Timestamp};
use crate::parse::Dialect;
use crate::parse::error::ParseErrorKind;
use crate::parse::line::has_duplicate;
use crate::snapshot::OwnedValue;

/// The role of a sample in its family, by type and suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The only sample of its type.
    Value,
    Created,
    Bucket,
    Count,
    Sum,
    Quantile,
    State,
}

/// The suffixes of a type's samples in OpenMetrics, and their roles.
pub(crate) fn openmetrics_samples(metric_type: MetricType) -> &'static [(&'static str, Role)] {
    match metric_type {
        MetricType::Counter => &[("_total", Role::Value), ("_created", Role::Created)],
        MetricType::Histogram => &[
            ("_bucket", Role::Bucket),
            ("_count", Role::Count),
            ("_sum", Role::Sum),
            ("_created", Role::Created),
        ],
        MetricType::GaugeHistogram => &[
            ("_bucket", Role::Bucket),
            ("_gcount", Role::Count),
            ("_gsum", Role::Sum),
        ],
        MetricType::Summary => &[
            ("", Role::Quantile),
            ("_count", Role::Count),
            ("_sum", Role::Sum),
            ("_created", Role::Created),
        ],
        MetricType::Info => &[("_info", Role::Value)],
        MetricType::StateSet => &[("", Role::State)],
        MetricType::Gauge | MetricType::Unknown => &[("", Role::Value)],
    }
}

/// The lines of one sample so far.
#[derive(Default)]
pub(crate) struct Parts {
    /// Accepts a line again that says the same.
    may_repeat: bool,
    value: Option<Number>,
    exemplar: Option<Exemplar>,
    pub(crate) created: Option<Timestamp>,
    buckets: Vec<Bucket>,
    count: Option<u64>,
    sum: Option<f64>,
    quantiles: Vec<(f64, f64)>,
    states: Vec<(Arc<str>, bool)>,
}

struct Bucket {
    bound: f64,
    count: u64,
    exemplar: Option<Exemplar>,
}

/// One line of a sample.
pub(crate) struct SamplePart<'a> {
    pub(crate) role: Role,
    pub(crate) metric_type: MetricType,
    pub(crate) number: Number,
    /// The value's text, for values that are times.
    pub(crate) text: &'a str,
    /// The value of `le`, `quantile` or the state's label.
    pub(crate) special: Option<Cow<'a, str>>,
    pub(crate) exemplar: Option<Exemplar>,
}

impl Parts {
    /// The lines of a sample with a timestamp, which OpenMetrics accepts again with the same value.
    pub(crate) fn at_a_time() -> Self {
        Self {
            may_repeat: true,
            ..Self::default()
        }
    }

    /// Adds a sample.
    pub(crate) fn add(
        &mut self,
        part: SamplePart<'_>,
        dialect: Dialect,
    ) -> Result<(), ParseErrorKind> {
        let value = part.number.as_f64();
        let strict = dialect == Dialect::OpenMetrics;
        match part.role {
            Role::Value => {
                match part.metric_type {
                    MetricType::Counter if value.is_nan() || value < 0.0 => {
                        return Err(ParseErrorKind::NotACount);
                    }
                    MetricType::Info if value != 1.0 => return Err(ParseErrorKind::InfoValue),
                    _ => {}
                }
                let same = |a: &Number, b: &Number| equal(a.as_f64(), b.as_f64());
                if put(&mut self.value, part.number, self.may_repeat, same)? {
                    self.exemplar = part.exemplar;
                }
                Ok(())
            }
            Role::Created => {
                let time = decimal::moment(part.text).ok_or(ParseErrorKind::Timestamp)?;
                put(
                    &mut self.created,
                    time.timestamp(),
                    self.may_repeat,
                    PartialEq::eq,
                )
                .map(drop)
            }
            Role::Count => {
                let count = whole(part.number)?;
                put(&mut self.count, count, self.may_repeat, PartialEq::eq).map(drop)
            }
            Role::Sum => {
                let falls = value < 0.0 && part.metric_type == MetricType::Summary;
                if strict && (value.is_nan() || falls) {
                    return Err(ParseErrorKind::NotACount);
                }
                put(&mut self.sum, value, self.may_repeat, |a, b| equal(*a, *b)).map(drop)
            }
            Role::Bucket => {
                let text = part.special.ok_or(ParseErrorKind::Le)?;
                let bound = decimal::float(&text).filter(|bound| !bound.is_nan());
                let bound = bound.ok_or(ParseErrorKind::Le)?;
                let count = whole(part.number)?;
                if strict {
                    // Infinity also has a canonical form.
                    if bound == f64::INFINITY && text != "+Inf" {
                        return Err(ParseErrorKind::Le);
                    }
                    match self.buckets.last() {
                        Some(last) if bound <= last.bound => {
                            return match self.has_bucket(bound, count) {
                                true => Ok(()),
                                false => Err(ParseErrorKind::BucketOrder),
                            };
                        }
                        Some(last) if count < last.count => {
                            return Err(ParseErrorKind::BucketCount);
                        }
                        _ => {}
                    }
                }
                let exemplar = part.exemplar;
                self.buckets.push(Bucket {
                    bound,
                    count,
                    exemplar,
                });
                Ok(())
            }
            Role::Quantile => {
                let quantile = part.special.as_deref().and_then(decimal::float);
                let quantile = quantile.ok_or(ParseErrorKind::Quantile)?;
                if strict && value < 0.0 {
                    return Err(ParseErrorKind::NegativeQuantile);
                }
                if !(0.0..=1.0).contains(&quantile) {
                    return Err(ParseErrorKind::Quantile);
                }
                self.quantiles.push((quantile, value));
                Ok(())
            }
            Role::State => {
                let state = part.special.ok_or(ParseErrorKind::State)?;
                if value != 0.0 && value != 1.0 {
                    return Err(ParseErrorKind::StateValue);
                }
                self.states.push((state.into(), value == 1.0));
                Ok(())
            }
        }
    }

    /// Returns the value of the sample.
    pub(crate) fn finish(
        mut self,
        metric_type: MetricType,
        dialect: Dialect,
        bounds: &mut Arc<[f64]>,
    ) -> Result<OwnedValue, ParseErrorKind> {
        Ok(match metric_type {
            MetricType::Counter => {
                let total = self.value.ok_or(ParseErrorKind::NoTotal)?;
                OwnedValue::Counter(total, self.exemplar.map(Box::new))
            }
            MetricType::Gauge | MetricType::Unknown => {
                OwnedValue::number(metric_type, self.value.unwrap_or(Number::U64(0)))
            }
            MetricType::Info => OwnedValue::Info,
            MetricType::StateSet => {
                self.drop_repeated_states();
                if has_duplicate(self.states.iter().map(|(state, _)| &**state)) {
                    return Err(ParseErrorKind::Duplicate);
                }
                OwnedValue::StateSet(self.states.into())
            }
            MetricType::Summary => OwnedValue::Summary(Box::new(self.summary()?)),
            MetricType::Histogram => {
                OwnedValue::Histogram(Box::new(self.histogram(metric_type, dialect, bounds)?))
            }
            MetricType::GaugeHistogram => OwnedValue::GaugeHistogram(Box::new(self.histogram(
                metric_type,
                dialect,
                bounds,
            )?)),
        })
    }

    /// Returns whether this line repeats the bucket that it names. Buckets are in the order of their bounds.
    fn has_bucket(&self, bound: f64, count: u64) -> bool {
        let known = self
            .buckets
            .binary_search_by(|bucket| bucket.bound.total_cmp(&bound));
        self.may_repeat && known.is_ok_and(|at| self.buckets[at].count == count)
    }

    fn drop_repeated_states(&mut self) {
        if self.may_repeat {
            let mut seen = HashSet::new();
            self.states.retain(|state| seen.insert(state.clone()));
        }
    }

    fn summary(mut self) -> Result<SummaryValue, ParseErrorKind> {
        self.quantiles.sort_by(|a, b| a.0.total_cmp(&b.0));
        if self.may_repeat {
            self.quantiles
                .dedup_by(|a, b| a.0 == b.0 && equal(a.1, b.1));
        }
        if self.quantiles.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(ParseErrorKind::Duplicate);
        }
        Ok(SummaryValue {
            quantiles: self.quantiles,
            count: self.count,
            sum: self.sum,
        })
    }

    fn histogram(
        mut self,
        metric_type: MetricType,
        dialect: Dialect,
        bounds: &mut Arc<[f64]>,
    ) -> Result<HistogramValue, ParseErrorKind> {
        match dialect {
            Dialect::OpenMetrics => self.check_sum(metric_type)?,
            Dialect::Text => self.complete_buckets()?,
        }
        let last = self
            .buckets
            .last()
            .filter(|last| last.bound == f64::INFINITY);
        let total = last.ok_or(ParseErrorKind::NoInfBucket)?.count;
        if self.count.is_some_and(|count| count != total) {
            return Err(ParseErrorKind::CountMismatch);
        }
        // The series of a family nearly always have the same bounds.
        if !self
            .buckets
            .iter()
            .map(|bucket| bucket.bound)
            .eq(bounds.iter().copied())
        {
            *bounds = self.buckets.iter().map(|bucket| bucket.bound).collect();
        }
        let has_exemplars = self.buckets.iter().any(|bucket| bucket.exemplar.is_some());
        let cumulative_counts = self.buckets.iter().map(|bucket| bucket.count).collect();
        let exemplars = self.buckets.into_iter().map(|bucket| bucket.exemplar);
        Ok(HistogramValue {
            bounds: Arc::clone(bounds),
            cumulative_counts,
            count: total,
            sum: self.sum,
            exemplars: if has_exemplars {
                exemplars.collect()
            } else {
                Vec::new()
            },
            native: None,
        })
    }

    /// Checks that sum and count are both present, and that negative buckets allow the sum.
    fn check_sum(&self, metric_type: MetricType) -> Result<(), ParseErrorKind> {
        let negative = self
            .buckets
            .first()
            .is_some_and(|bucket| bucket.bound < 0.0);
        match (self.sum, self.count) {
            (Some(_), None) => Err(ParseErrorKind::SumWithoutCount),
            (None, Some(_)) => Err(ParseErrorKind::CountWithoutSum),
            (Some(_), _) if metric_type == MetricType::Histogram && negative => {
                Err(ParseErrorKind::SumOfNegative)
            }
            (Some(sum), _) if sum < 0.0 && !negative => Err(ParseErrorKind::NegativeSum),
            _ => Ok(()),
        }
    }

    /// The text format requires neither order nor the last bucket.
    fn complete_buckets(&mut self) -> Result<(), ParseErrorKind> {
        self.buckets.sort_by(|a, b| a.bound.total_cmp(&b.bound));
        if self
            .buckets
            .windows(2)
            .any(|pair| pair[0].bound == pair[1].bound)
        {
            return Err(ParseErrorKind::Duplicate);
        }
        if let (None | Some(f64::NEG_INFINITY..f64::INFINITY), Some(count)) =
            (self.buckets.last().map(|last| last.bound), self.count)
        {
            self.buckets.push(Bucket {
                bound: f64::INFINITY,
                count,
                exemplar: None,
            });
        }
        if self
            .buckets
            .windows(2)
            .any(|pair| pair[0].count > pair[1].count)
        {
            return Err(ParseErrorKind::BucketCount);
        }
        Ok(())
    }
}

/// Returns whether the place was empty.
fn put<T>(
    place: &mut Option<T>,
    value: T,
    may_repeat: bool,
    same: impl FnOnce(&T, &T) -> bool,
) -> Result<bool, ParseErrorKind> {
    match place {
        None => {
            *place = Some(value);
            Ok(true)
        }
        Some(before) if may_repeat && same(before, &value) => Ok(false),
        Some(_) => Err(ParseErrorKind::Duplicate),
    }
}

/// Equality that includes NaN.
fn equal(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}

/// A count: an integer, not negative, below 2^64.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be whole, not negative and in range"
)]
fn whole(number: Number) -> Result<u64, ParseErrorKind> {
    /// 2^64, the first count that does not fit.
    const TOO_LARGE: f64 = 18_446_744_073_709_551_616.0;
    match number {
        Number::U64(n) => Ok(n),
        Number::I64(_) => Err(ParseErrorKind::NotACount),
        Number::F64(n) if n.is_nan() || n < 0.0 => Err(ParseErrorKind::NotACount),
        Number::F64(n) if n.fract() == 0.0 && n < TOO_LARGE => Ok(n as u64),
        Number::F64(_) => Err(ParseErrorKind::NotWhole),
    }
}
