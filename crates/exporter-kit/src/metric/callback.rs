//! Metrics with a callback: a function that returns the value at each scrape.

use crate::collect::Scope;
use crate::collect::{Collect, CollectError, Sink};
use crate::model::{Descriptor, IntoNumber, MetricType, Sample, SeriesKeyBuf, Value};

/// Calls a function for the value of one series. The call holds no lock, and a panic affects only this metric.
pub(crate) struct Callback<F> {
    descriptor: Descriptor,
    head: SeriesKeyBuf,
    value: F,
}

impl<F> Callback<F> {
    /// Makes the callback. The descriptor's name already contains the scope's prefix.
    pub(crate) fn new(descriptor: Descriptor, scope: &Scope, value: F) -> Self {
        let labels = scope
            .labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let head = SeriesKeyBuf::new(descriptor.name(), labels);
        Self {
            descriptor,
            head,
            value,
        }
    }
}

impl<N: IntoNumber, F: Fn() -> N + Send + Sync> Collect for Callback<F> {
    fn descriptors(&self) -> Vec<Descriptor> {
        vec![self.descriptor.clone()]
    }

    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        let number = (self.value)().into_number();
        let value = match self.descriptor.metric_type() {
            MetricType::Counter => {
                CollectError::unless_count(self.descriptor.name(), number)?;
                Value::Counter(number, None)
            }
            _ => Value::Gauge(number),
        };
        if sink.family(&self.descriptor) {
            sink.sample(self.head.as_key(), &Sample::new(value));
        }
        Ok(())
    }
}
