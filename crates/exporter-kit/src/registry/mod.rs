//! The registry: owns collectors, and refuses conflicting names.

mod core;
mod default;
mod error;
mod failures;
mod handle;
mod member;

pub(crate) use core::{InOrder, Registered};
pub use default::default_registry;
pub use error::RegisterError;
pub use handle::Registry;
#[cfg(feature = "http")]
pub(crate) use member::Access;
pub(crate) use member::Nested;
pub use member::Register;
