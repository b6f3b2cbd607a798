//! From the configuration file to sources that can run: the whole file, its checks, and the table of sources.

mod build;
mod check;
mod families;
mod file;
#[cfg(test)]
mod laws;
mod mapped;
mod shown;
mod source;
mod spec;
mod table;
mod template;

pub(crate) use build::{Built, build};
pub(crate) use file::{Config, Location};
pub(crate) use shown::shown;
pub(crate) use table::sources;
pub(crate) use template::{SourceTemplate, shown_target};
