//! A prefix and labels that a registry adds to the families of its collectors.

use crate::collect::Sink;
use crate::collect::context::ScrapeContext;
use crate::model::{Descriptor, MetricType, Sample, SeriesKey, render_key};
use crate::name::{self, NameError, NameScheme};

/// A prefix and labels. Metrics created in a scope have them in their series keys from the start.
#[derive(Debug, Default, Clone)]
pub struct Scope {
    pub(crate) prefix: String,
    pub(crate) labels: Vec<(String, String)>,
}

impl Scope {
    pub(crate) fn is_empty(&self) -> bool {
        self.prefix.is_empty() && self.labels.is_empty()
    }

    /// Returns a scope within this one.
    pub(crate) fn within(&self, prefix: &str, labels: &[(&str, &str)]) -> Result<Self, NameError> {
        let mut scope = self.clone();
        scope.prefix.push_str(prefix);
        if !prefix.is_empty() && !name::is_legacy_metric_name(prefix) {
            return Err(NameError::new(prefix, name::NameErrorKind::MetricCharacter));
        }
        scope.labels.extend(
            labels
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let names: Vec<&str> = scope.labels.iter().map(|(name, _)| name.as_str()).collect();
        name::check_label_names(&names, "", MetricType::Unknown, NameScheme::Legacy)
            .map_err(|(i, fault)| NameError::new(names[i], fault))?;
        Ok(scope)
    }

    pub(crate) fn descriptor(&self, descriptor: &Descriptor) -> Descriptor {
        let name = format!("{}{}", self.prefix, descriptor.name());
        Descriptor::unchecked(
            descriptor.metric_type(),
            &name,
            descriptor.help(),
            descriptor.unit(),
        )
        .composed(descriptor.composition())
    }
}

/// Adds a scope's prefix and labels to families. A series' own label overrides a scope's label, and so does a label
/// that belongs to the family's type.
pub(crate) struct ScopedSink<'a> {
    sink: &'a mut dyn Sink,
    scope: &'a Scope,
    /// The scope's labels that the current family can have.
    labels: Vec<(&'a str, &'a str)>,
    /// Reused for every series.
    text: String,
}

impl<'a> ScopedSink<'a> {
    pub(crate) fn new(sink: &'a mut dyn Sink, scope: &'a Scope) -> Self {
        Self {
            sink,
            scope,
            labels: Vec::new(),
            text: String::new(),
        }
    }
}

impl Sink for ScopedSink<'_> {
    fn family(&mut self, descriptor: &Descriptor) -> bool {
        let descriptor = self.scope.descriptor(descriptor);
        let labels = self.scope.labels.iter();
        let labels = labels.map(|(name, value)| (name.as_str(), value.as_str()));
        self.labels.clear();
        self.labels.extend(labels.filter(|(name, _)| {
            let (metric, kind) = (descriptor.name(), descriptor.metric_type());
            name::check_label_names(&[name], metric, kind, NameScheme::Legacy).is_ok()
        }));
        self.sink.family(&descriptor)
    }

    fn sample(&mut self, head: SeriesKey<'_>, point: &Sample<'_>) -> bool {
        let name = format!("{}{}", self.scope.prefix, head.name());
        let own: Vec<_> = head.labels().collect();
        let scope = self.labels.iter().copied();
        let scope = scope.filter(|(name, _)| own.iter().all(|(own, _)| own != name));
        let labels = scope.chain(own.iter().map(|(name, value)| (&**name, &**value)));
        self.text.clear();
        let legacy = render_key(&mut self.text, &name, labels);
        self.sink
            .sample(SeriesKey::from_parts(&self.text, name.len(), legacy), point)
    }

    fn context(&self) -> &ScrapeContext {
        self.sink.context()
    }
}
