//! The built-in metrics of every source: its health, as measured by the runner.

use super::error::SourceErrorReason;
use super::view::View;
use crate::collect::{CollectError, FamilyWriter, Sink};
use crate::model::{Descriptor, MetricType, Timestamp};
use crate::name::NameError;

/// The families of the health of all sources.
pub(crate) struct Health {
    up: Descriptor,
    duration: Descriptor,
    last_success: Descriptor,
    rows: Descriptor,
    age: Descriptor,
    errors: Descriptor,
}

impl Health {
    pub(crate) fn new(prefix: &str) -> Result<Self, NameError> {
        let gauge = |name: &str, help: &str, unit: &str| {
            Descriptor::with_unit(
                MetricType::Gauge,
                &format!("{prefix}_source_{name}"),
                help,
                unit,
            )
        };
        Ok(Self {
            up: gauge(
                "up",
                "Whether the last attempt to get the source's numbers worked, and in time.",
                "",
            )?,
            duration: gauge(
                "duration_seconds",
                "How long the source's last run took.",
                "seconds",
            )?,
            last_success: gauge(
                "last_success_timestamp_seconds",
                "When the source last returned numbers; 0 if it never did.",
                "seconds",
            )?,
            rows: gauge(
                "rows",
                "Rows that the source's numbers in this scrape were made from.",
                "",
            )?,
            age: gauge(
                "age_seconds",
                "How old the source's numbers in this scrape are; only where they may be older than the scrape.",
                "seconds",
            )?,
            errors: Descriptor::new(
                MetricType::Counter,
                &format!("{prefix}_source_errors_total"),
                "What went wrong with the source, by reason.",
            )?,
        })
    }

    pub(crate) fn descriptors(&self) -> Vec<Descriptor> {
        let all = [
            &self.age,
            &self.duration,
            &self.errors,
            &self.last_success,
            &self.rows,
            &self.up,
        ];
        all.map(Clone::clone).into()
    }

    /// Writes the families, in the order of their names.
    pub(crate) fn give(&self, view: &View, sink: &mut dyn Sink) -> Result<(), CollectError> {
        let sources = || view.0.iter().map(|shown| (&*shown.runner.spec.name, shown));
        let shown_old: Vec<_> = sources()
            .filter(|(_, shown)| shown.may_be_old())
            .filter_map(|(name, shown)| Some((name, shown.good.as_ref()?)))
            .collect();
        if !shown_old.is_empty() {
            let mut family = FamilyWriter::begin(sink, &self.age, ["source"])?;
            for (name, good) in shown_old {
                family.gauge([name], good.at.elapsed().as_secs_f64())?;
            }
        }
        if view.0.is_empty() {
            return Ok(());
        }
        let mut family = FamilyWriter::begin(sink, &self.duration, ["source"])?;
        for (name, shown) in sources() {
            let (duration, _) = shown.runner.times();
            family.gauge([name], duration.unwrap_or_default().as_secs_f64())?;
        }
        let mut family = FamilyWriter::begin(sink, &self.errors, ["source", "reason"])?;
        for (name, shown) in sources() {
            for reason in SourceErrorReason::ALL {
                family.counter([name, reason.as_str()], shown.runner.errors(*reason))?;
            }
        }
        let mut family = FamilyWriter::begin(sink, &self.last_success, ["source"])?;
        for (name, shown) in sources() {
            let (_, last_success) = shown.runner.times();
            family.gauge([name], last_success.map_or(0.0, Timestamp::as_secs_f64))?;
        }
        let mut family = FamilyWriter::begin(sink, &self.rows, ["source"])?;
        for (name, shown) in sources() {
            let rows = shown.good.as_ref().map_or(0, |good| good.fetched.rows());
            family.gauge([name], rows)?;
        }
        let mut family = FamilyWriter::begin(sink, &self.up, ["source"])?;
        for (name, shown) in sources() {
            family.gauge([name], u64::from(shown.up))?;
        }
        Ok(())
    }
}
