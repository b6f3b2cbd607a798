//! The registry: owns collectors, and rejects conflicting names.

mod claims;
mod core;
mod default;
mod error;
mod failures;
mod handle;
mod register;
mod registered;

pub(crate) use core::InOrder;
pub use core::Registry;
pub use default::default_registry;
pub use error::RegisterError;
pub(crate) use register::Nested;
pub use register::Register;
#[cfg(feature = "http")]
pub(crate) use registered::Access;
pub(crate) use registered::Registered;
