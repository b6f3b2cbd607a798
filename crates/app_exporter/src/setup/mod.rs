//! From the files of a configuration to sources that can run: the files, their checks, and the table of sources.

mod build;
mod check;
mod config;
mod distribution;
mod document;
mod families;
mod files;
#[cfg(test)]
mod laws;
mod location;
mod mapped;
mod shown;
mod source;
mod spec;
mod table;
mod template;

pub(crate) use build::{Built, build};
pub(crate) use config::Config;
pub(crate) use families::ambiguous;
pub(crate) use files::Files;
pub(crate) use location::Location;
pub(crate) use shown::shown;
pub(crate) use table::sources;
pub(crate) use template::{SourceTemplate, shown_target};
