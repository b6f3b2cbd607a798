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

/// One registry for the whole program, as a convenience; the metrics of the process are in it already.
/// Nothing uses it by itself, and libraries had better take a registry from their user.
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
