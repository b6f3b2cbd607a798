//! The registry: owns collectors, and rejects conflicting names.

mod core;
mod default;
mod error;
mod failures;
mod handle;
mod register;

#[cfg(feature = "http")]
pub(crate) use core::Access;
pub(crate) use core::{InOrder, Registered};
pub use default::default_registry;
pub use error::RegisterError;
pub use handle::Registry;
pub(crate) use register::Nested;
pub use register::Register;
