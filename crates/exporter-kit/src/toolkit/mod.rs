//! The parts of a server that operators configure alike for all exporters: flags, the web configuration file, systemd.

#[cfg(feature = "clap")]
mod flags;
#[cfg(feature = "systemd")]
mod systemd;
#[cfg(feature = "web-config")]
mod web_config;

#[cfg(feature = "clap")]
pub use flags::WebFlags;
#[cfg(feature = "web-config")]
pub use web_config::{WebConfigError, check_web_config};
