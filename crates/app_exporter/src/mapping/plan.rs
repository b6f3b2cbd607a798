//! All metrics of one source.

use exporter_kit::{NameError, Snapshot};

use crate::config::MetricConfig;
use crate::decode::{Content, Failure, Part, Parts, Wanted};
use crate::mapping::Failures;
use crate::mapping::assembly::Assembly;
use crate::mapping::metric::{Metric, Problems};

/// Maps the rows of a source to families, by the declared metrics.
#[derive(Debug)]
pub(crate) struct Mapping {
    metrics: Vec<Metric>,
}

/// The result of one mapping.
#[derive(Debug)]
pub(crate) struct Mapped {
    pub(crate) snapshot: Snapshot,
    /// The number of rows read and of series passed on.
    pub(crate) rows: u64,
    /// Failures of single rows and metrics.
    pub(crate) failures: Failures,
    /// The reason why a result set has no rows, where a `default` stands for them.
    pub(crate) unmatched: Option<Box<str>>,
}

impl Mapping {
    /// Prepares the metrics of a source with these result sets.
    ///
    /// # Errors
    /// When the name of a metric is invalid. Checking the configuration finds that before.
    pub(crate) fn new<'c>(
        metrics: impl IntoIterator<Item = &'c MetricConfig>,
        parts: &Parts,
    ) -> Result<Self, NameError> {
        let default = parts.names().next().unwrap_or_default();
        let metrics = metrics.into_iter().map(|config| {
            let from = config.from.as_ref().map_or(default, |from| from.as_str());
            let descriptor = config.descriptor()?;
            Ok(Metric::new(config, descriptor, from))
        });
        Ok(Self {
            metrics: metrics.collect::<Result<_, _>>()?,
        })
    }

    /// The columns that the metrics read. A decoder drops all others.
    pub(crate) fn wanted(&self) -> Wanted {
        let mut wanted = Wanted::default();
        for metric in &self.metrics {
            metric.want(&mut wanted);
        }
        wanted
    }

    /// Maps the result sets to families. A failed result set fails its metrics; an invalid row is skipped alone.
    ///
    /// # Errors
    /// When all result sets failed, or the deadline of the computation has passed.
    pub(crate) fn map(&self, parts: &[Part]) -> Result<Mapped, Failure> {
        let used = parts.iter().filter(|part| self.can_use(part));
        let rows: usize = used.map(Part::rows_len).sum();
        let mut problems = Problems::default();
        let failed = parts.iter().filter_map(|part| {
            let failure = part.content.as_ref().err()?;
            Some((&part.name, failure))
        });
        let failed: Vec<_> = failed.collect();
        if !failed.is_empty() && !parts.iter().any(|part| self.can_use(part)) {
            return Err(Failure::all(failed.into_iter().map(|(_, failure)| failure)));
        }
        for (name, failure) in failed {
            problems.failures.add(name, failure.clone());
        }
        let mut assembly = Assembly::default();
        for metric in &self.metrics {
            let own = || parts.iter().filter(|part| part.name == metric.part);
            let complete = own().all(|part| part.content.is_ok());
            let samples = metric.samples(own().filter_map(Part::table), complete, &mut problems)?;
            assembly.add_made(metric, samples, &mut problems.failures);
        }
        let Problems {
            mut failures,
            unmatched,
        } = problems;
        for part in parts {
            if let Ok(Content::Families(families)) = &part.content {
                for family in families.families() {
                    assembly.add_passed(family, &mut failures);
                }
            }
        }
        Ok(Mapped {
            snapshot: assembly.build(&mut failures)?,
            rows: rows as u64,
            failures,
            unmatched: unmatched.map(Into::into),
        })
    }

    fn can_use(&self, part: &Part) -> bool {
        match &part.content {
            Ok(Content::Rows(_)) => self.metrics.iter().any(|metric| metric.part == part.name),
            Ok(Content::Families(_)) => true,
            Err(_) => false,
        }
    }
}
