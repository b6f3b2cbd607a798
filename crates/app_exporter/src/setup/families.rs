//! Checks that all metrics of a configuration fit in one exposition.

use std::collections::BTreeMap;

use exporter_kit::{Collect, CollectError, Descriptor, ProcessCollector, Registry, Sink};

use crate::config::{At, Fault, MetricConfig};

/// Prefixes of the exporter's own metrics.
const OWN: [&str; 2] = ["app_exporter_", "exporter_kit_"];

/// The families of all sources.
pub(super) struct Families<'c> {
    by_name: BTreeMap<&'c str, &'c At<MetricConfig>>,
    /// Detects conflicts as it does at run time.
    registry: Registry,
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
        }
    }

    /// Checks a metric against those before it. Several sources may share a family with the same type, help and unit.
    pub(super) fn check(&mut self, metric: &'c At<MetricConfig>, faults: &mut Vec<Fault>) {
        let (name, place) = (metric.name.as_str(), metric.name.place());
        if let Some(first) = self.by_name.get(name) {
            let differs = if first.kind != metric.kind {
                "type"
            } else if first.help != metric.help {
                "help"
            } else if first.unit != metric.unit {
                "unit"
            } else {
                return;
            };
            let line = first.name.place().line;
            faults.push(Fault::at(
                place,
                format!(
                    "the metric `{name}` has another `{differs}` in line {line}; use the same in both"
                ),
            ));
            return;
        }
        self.by_name.insert(name, metric);
        if let Some(own) = OWN.iter().find(|own| name.starts_with(**own)) {
            faults.push(Fault::at(
                place,
                format!("the metric `{name}` has the prefix of the exporter's own metrics, `{own}`; rename it"),
            ));
        } else if let Ok(descriptor) = metric.descriptor()
            && let Err(error) = self.registry.register(Declared(descriptor))
        {
            faults.push(Fault::at(place, error.to_string()));
        }
    }
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
