//! The registry: owns collectors, refuses conflicting names, and runs scrapes.

mod core;
mod default;
mod error;
mod handle;
mod names;
mod nested;
pub(crate) mod scope;

pub(crate) use core::{InOrder, Registered};
pub use default::default_registry;
pub use error::RegisterError;
pub use handle::Registry;
pub(crate) use names::sample_names;
