//! Builds one source for the engine.

use std::sync::Arc;

use exporter_kit::source::SourceSpec;

use crate::config::Fault;
use crate::mapping::Mapping;
use crate::setup::mapped::MappedSource;
use crate::setup::source::{SourceConfig, SourceName};
use crate::sources::origin::Surroundings;

/// Builds one source for the engine.
///
/// # Errors
/// When an environment variable, a certificate or a key is missing.
pub(super) fn new(
    name: &SourceName,
    source: Arc<SourceConfig>,
    surroundings: Surroundings<'_>,
) -> Result<SourceSpec, Fault> {
    let mapped = map_one(name, &source, surroundings)?;
    // In another folder, its relative paths lead to other files.
    let folder = surroundings.folder.to_owned();
    Ok(SourceSpec::new(name.as_str(), mapped)
        .timeout(source.timeout())
        .schedule(source.schedule())
        .on_error(source.on_error())
        .config((folder, source)))
}

fn map_one(
    name: &SourceName,
    source: &SourceConfig,
    surroundings: Surroundings<'_>,
) -> Result<MappedSource, Fault> {
    let nowhere = |message: String| Fault {
        place: None,
        message,
    };
    // Both were checked, so they succeed; if not, the message says where and what.
    let named = source
        .origin()
        .map_err(|message| nowhere(format!("the source {message}")))?;
    let origin = named.origin;
    let metrics = source.metrics.iter().map(|metric| &**metric);
    let mapping =
        Mapping::new(metrics, &origin.parts()).map_err(|error| nowhere(error.to_string()))?;
    let fetcher = origin.build(mapping.wanted(), source.limits(), surroundings)?;
    Ok(MappedSource::new(
        name.as_str(),
        fetcher,
        mapping,
        surroundings.memory,
    ))
}
