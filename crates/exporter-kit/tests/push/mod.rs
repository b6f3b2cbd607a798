//! Pushing: into files, and to listeners that record what comes.

#[cfg(feature = "push")]
mod gateway;
#[cfg(feature = "push")]
mod graphite;
mod text_file;
