//! Checks that all metrics of a configuration fit in one exposition.

use std::collections::BTreeMap;
use std::path::Path;

use exporter_kit::{
    Collect, CollectError, Descriptor, ProcessCollector, RegisterError, Registry, Sink,
};

use crate::config::{At, Fault, MetricConfig, MetricType};

/// Prefixes of the exporter's own metrics.
const OWN: [&str; 2] = ["app_exporter_", "exporter_kit_"];

/// The families of all sources.
pub(super) struct Families<'c> {
    /// The first metric of each name, and its file.
    by_name: BTreeMap<&'c str, (&'c At<MetricConfig>, &'c Path)>,
    /// Detects conflicts as it does at run time.
    registry: Registry,
    /// Messages about names that only OpenMetrics cannot tell apart, with their places.
    ambiguous: Vec<String>,
}

/// Returns messages about metrics whose names OpenMetrics cannot tell apart, such as those of a gauge `x` and a counter
/// `x_total`.
pub(crate) fn ambiguous<'c>(
    metrics: impl Iterator<Item = (&'c Path, &'c At<MetricConfig>)>,
) -> Vec<String> {
    let mut families = Families::new();
    for (file, metric) in metrics {
        families.check(metric, file, &mut Vec::new());
    }
    families.ambiguous
}

impl<'c> Families<'c> {
    pub(super) fn new() -> Self {
        let registry = Registry::new();
        // Its families are those of the process, which the program exports as well.
        let process = registry.register(ProcessCollector::new());
        debug_assert!(process.is_ok(), "the registry is empty");
        Self {
            by_name: BTreeMap::new(),
            registry,
            ambiguous: Vec::new(),
        }
    }

    /// Checks a metric against those before it. Several sources may share a family with the same type, help and unit.
    pub(super) fn check(
        &mut self,
        metric: &'c At<MetricConfig>,
        file: &'c Path,
        faults: &mut Vec<Fault>,
    ) {
        let (name, place) = (metric.name.as_str(), metric.name.place());
        if let Some((first, of_first)) = self.by_name.get(name) {
            let differs = if first.kind != metric.kind {
                "type"
            } else if first.help != metric.help {
                "help"
            } else if first.unit != metric.unit {
                "unit"
            } else {
                return;
            };
            let first = first.name.place();
            let first = match *of_first == file {
                true => format!("line {}", first.line),
                false => first.within(of_first),
            };
            faults.push(Fault::at(
                place,
                format!(
                    "the metric `{name}` has another `{differs}` in {first}; use the same in both"
                ),
            ));
            return;
        }
        self.by_name.insert(name, (metric, file));
        if let Some(own) = OWN.iter().find(|own| name.starts_with(**own)) {
            faults.push(Fault::at(
                place,
                format!("the metric `{name}` has the prefix of the exporter's own metrics, `{own}`; rename it"),
            ));
        } else if let Ok(descriptor) = metric.descriptor()
            && let Err(error) = self.registry.register(Declared(descriptor))
        {
            match self.ambiguity(metric, &error) {
                Some(ambiguity) => {
                    self.ambiguous
                        .push(format!("{}: {ambiguity}", place.within(file)));
                }
                None => faults.push(Fault::at(place, error.to_string())),
            }
        }
    }

    /// The consequence of a name that two metrics with one number per series share in OpenMetrics alone.
    fn ambiguity(&self, metric: &MetricConfig, error: &RegisterError) -> Option<String> {
        let RegisterError::Taken { by, sample, .. } = error else {
            return None;
        };
        let (other, _) = self.by_name.get(&**by)?;
        (is_single_number(metric.kind) && is_single_number(other.kind)).then(|| {
            format!(
                "`{}` and `{by}` share the name `{sample}` in OpenMetrics, which shows them without their type; rename \
                 one of the two",
                metric.name.as_str()
            )
        })
    }
}

/// Returns whether each series of the type is one number.
fn is_single_number(metric_type: MetricType) -> bool {
    matches!(
        metric_type,
        MetricType::Counter | MetricType::Gauge | MetricType::Unknown
    )
}

/// A family without samples.
struct Declared(Descriptor);

impl Collect for Declared {
    fn descriptors(&self) -> Vec<Descriptor> {
        vec![self.0.clone()]
    }

    fn collect(&self, _: &mut dyn Sink) -> Result<(), CollectError> {
        Ok(())
    }
}
