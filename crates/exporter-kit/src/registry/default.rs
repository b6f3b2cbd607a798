//! One registry for the whole program, as an option.

use std::sync::LazyLock;

use super::Registry;
use crate::process::ProcessCollector;

static DEFAULT: LazyLock<Registry> = LazyLock::new(|| {
    let registry = Registry::new();
    // The registry is empty: no name is taken.
    let _ = registry.register(ProcessCollector::new());
    registry
});

/// A global registry, as a convenience. It already has the metrics of the process. The library never uses it
/// implicitly, and other libraries should accept a registry from their user instead.
///
/// ```
/// let jobs = exporter_kit::default_registry().counter("jobs_total", "Jobs done.")?;
/// jobs.inc();
/// assert!(exporter_kit::default_registry().to_text().contains("jobs_total 1.0\n"));
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
pub fn default_registry() -> &'static Registry {
    &DEFAULT
}
