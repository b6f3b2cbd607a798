//! The info metric.

use std::fmt;
use std::sync::Arc;

use crate::collect::{Collect, CollectError, Scope, Sink};
use crate::metric::definition::{Defined, Definition, DefinitionError};
use crate::metric::statics::Static;
use crate::model::{Descriptor, MetricType, Sample, SeriesKeyBuf, Value};
use crate::name::{self, NameError, NameScheme};
use crate::sync::{Mutex, lock};

/// Facts as labels of a metric with the constant value 1: versions, settings. The name ends with `_info`.
///
/// For facts that rarely or never change while the program runs. Cheap to clone; clones are the same metric.
///
/// ```
/// let registry = exporter_kit::Registry::new();
/// let database = registry.info("database_info", "The database in use.", &[("version", "15.2")])?;
/// database.set(&[("version", "16.0")])?;
/// assert!(registry.to_text().contains("database_info{version=\"16.0\"} 1.0\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Use, exposition and pitfalls: [the info's page](crate::docs::info).
#[derive(Clone)]
pub struct Info {
    inner: Arc<InfoState>,
}

struct InfoState {
    descriptor: Descriptor,
    scheme: NameScheme,
    const_labels: Vec<(String, String)>,
    /// Replaced as a whole; never locked while a scrape writes bytes.
    head: Mutex<Arc<SeriesKeyBuf>>,
}

impl fmt::Debug for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Info({})",
            lock(&self.inner.head).as_key().text().trim_end()
        )
    }
}

impl Info {
    /// Begins the definition of an info with these facts; the name ends with `_info`.
    ///
    /// ```
    /// use exporter_kit::{Info, Registry, Static};
    ///
    /// static DATABASE: Static<Info> =
    ///     Info::define("database_info", "The database in use.", &[("version", "15.2")]).fixed();
    ///
    /// let registry = Registry::new();
    /// registry.register(&DATABASE)?;
    /// assert!(registry.to_text().contains("database_info{version=\"15.2\"} 1.0\n"));
    /// # Ok::<(), exporter_kit::RegisterError>(())
    /// ```
    pub const fn define<'a>(
        name: &'a str,
        help: &'a str,
        labels: &'a [(&'a str, &'a str)],
    ) -> Definition<'a, Self> {
        Definition::new(name, help, labels)
    }

    /// Replaces all facts.
    ///
    /// # Errors
    /// When a label name is invalid or a duplicate; the facts then stay unchanged.
    pub fn set(&self, labels: &[(&str, &str)]) -> Result<(), NameError> {
        let InfoState {
            descriptor,
            scheme,
            const_labels,
            head,
        } = &*self.inner;
        let names: Vec<&str> = all(const_labels, labels).map(|(name, _)| name).collect();
        name::check_label_names(&names, descriptor.name(), MetricType::Info, *scheme)
            .map_err(|(i, kind)| NameError::new(names[i], kind))?;
        *lock(head) = Arc::new(render(descriptor.name(), const_labels, labels));
        Ok(())
    }
}

impl Definition<'static, Info> {
    /// Makes the info usable as a `static`. An invalid name is a compile error.
    ///
    /// ```compile_fail,E0080
    /// use exporter_kit::{Info, Static};
    /// // error: a label set has each label name once; drop or rename one of the two
    /// static DATABASE: Static<Info> = Info::define("database_info", "h", &[("a", "1"), ("b", "2"), ("a", "3")]).fixed();
    /// ```
    ///
    /// # Panics
    /// When a name is invalid; in a `static` or `const`, the panic is a compile error.
    #[must_use]
    pub const fn fixed(self) -> Static<Info> {
        self.assert_valid(&[]);
        // A constant cannot collect the names, so this checks each pair of them.
        let mut i = 0;
        while i < self.labels.len() {
            let mut j = 0;
            while j <= i {
                let pair = [self.labels[j].0, self.labels[i].0];
                self.assert_valid(if i == j { pair.split_at(1).0 } else { &pair });
                j += 1;
            }
            i += 1;
        }
        Static::new(self)
    }
}

impl Defined for Info {
    type Labels<'a> = &'a [(&'a str, &'a str)];
    const METRIC_TYPE: MetricType = MetricType::Info;

    fn check(definition: &Definition<'_, Self>, scope: &Scope) -> Result<(), DefinitionError> {
        let names: Vec<&str> = definition.labels.iter().map(|(name, _)| *name).collect();
        definition.check_with_labels(&names, scope)
    }

    fn build(definition: &Definition<'_, Self>, scope: &Scope) -> Self {
        let name = definition.name_in(scope);
        let inner = InfoState {
            head: Mutex::new(Arc::new(render(&name, &scope.labels, definition.labels))),
            descriptor: Descriptor::unchecked(MetricType::Info, &name, definition.help, ""),
            scheme: definition.scheme,
            const_labels: scope.labels.clone(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }
}

fn all<'a>(
    const_labels: &'a [(String, String)],
    labels: &'a [(&'a str, &'a str)],
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let const_labels = const_labels
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    const_labels.chain(labels.iter().copied())
}

/// Invariant: the validator has accepted the names.
fn render(name: &str, const_labels: &[(String, String)], labels: &[(&str, &str)]) -> SeriesKeyBuf {
    SeriesKeyBuf::new(name, all(const_labels, labels))
}

impl Collect for Info {
    fn descriptors(&self) -> Vec<Descriptor> {
        vec![self.inner.descriptor.clone()]
    }

    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        let head = Arc::clone(&lock(&self.inner.head));
        if sink.family(&self.inner.descriptor) {
            sink.sample(head.as_key(), &Sample::new(Value::Info));
        }
        Ok(())
    }

    fn never_waits(&self, _: crate::collect::Internal) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Registry;

    static VERSION: Static<Info> = Info::define(
        "database_info",
        "h",
        &[("version", "1"), ("role", "primary")],
    )
    .fixed();

    #[test]
    fn a_static_is_what_a_registry_makes() {
        let [fixed, added, made] = [(); 3].map(|()| Registry::new());
        fixed.register(&VERSION).unwrap();
        let labels = [("version", "1"), ("role", "primary")];
        added
            .add(Info::define("database_info", "h", &labels))
            .unwrap();
        let info = made.info("database_info", "h", &labels).unwrap();
        assert_eq!(fixed.to_text(), added.to_text());
        assert_eq!(fixed.to_text(), made.to_text());
        let scoped = fixed.scoped("shop_", &[("tier", "1")]).unwrap();
        scoped.info("database_info", "h", &labels).unwrap();
        let line = r#"shop_database_info{tier="1",version="1",role="primary"} 1.0"#;
        assert!(fixed.to_text().contains(line), "{}", fixed.to_text());
        assert!(info.set(&[("version", "2")]).is_ok());
        assert!(made.to_text().ends_with("{version=\"2\"} 1.0\n"));
    }

    #[test]
    fn the_build_and_the_registry_refuse_the_same() {
        let registry = Registry::new();
        for (name, labels) in [
            ("database", &[][..]),
            ("data base_info", &[]),
            ("database_info", &[("a-b", "")]),
            ("database_info", &[("a", ""), ("__b", "")]),
            ("database_info", &[("a", ""), ("b", ""), ("a", "")]),
        ] {
            let definition = Info::define(name, "h", labels);
            let refused = registry.add(definition).unwrap_err().to_string();
            let panic = std::panic::catch_unwind(|| definition.fixed()).unwrap_err();
            let reason = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied());
            assert!(refused.ends_with(reason.unwrap()), "{refused}: {reason:?}");
        }
    }
}
