//! What all metrics of a configuration can be shown together.

use std::collections::BTreeMap;

use exporter_kit::{Collect, CollectError, Descriptor, Registry, Sink};

use crate::config::{At, Fault, MetricConfig};

/// What the exporter's own metrics begin with.
const OWN: [&str; 2] = ["app_exporter_", "exporter_kit_"];

/// The families of all sources.
#[derive(Default)]
pub(super) struct Families<'c> {
    by_name: BTreeMap<&'c str, &'c At<MetricConfig>>,
    /// The library's own judge of what can be shown together.
    registry: Registry,
}

impl<'c> Families<'c> {
    /// Several sources may give series of one family, if they agree on what it is.
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
                    "the metric `{name}` has another `{differs}` in line {line}; give both the same"
                ),
            ));
            return;
        }
        self.by_name.insert(name, metric);
        if let Some(own) = OWN.iter().find(|own| name.starts_with(**own)) {
            faults.push(Fault::at(
                place,
                format!("the metric `{name}` begins as the exporter's own do; let it not begin with `{own}`"),
            ));
        } else if let Ok(descriptor) = metric.descriptor()
            && let Err(error) = self.registry.register(Declared(descriptor))
        {
            faults.push(Fault::at(place, error.to_string()));
        }
    }
}

/// A family of which nothing but the name is shown.
struct Declared(Descriptor);

impl Collect for Declared {
    fn descriptors(&self) -> Vec<Descriptor> {
        vec![self.0.clone()]
    }

    fn collect(&self, _: &mut dyn Sink) -> Result<(), CollectError> {
        Ok(())
    }
}
