//! Options that operators configure in the same way for all exporters: flags, the web configuration file, systemd.
//!
//! [`WebFlags`] has all of them. Each is also an option of its own, for
//! [`ServerBuilder::with`](crate::server::ServerBuilder::with):
//!
#![cfg_attr(
    all(feature = "systemd", feature = "web-config"),
    doc = r#"
```no_run
use exporter_kit::toolkit::{SystemdNotify, WebConfigFile};
use exporter_kit::{Registry, Server};

let server = Server::builder(&Registry::new())
    .listen(":8000")
    .with(WebConfigFile::new("/etc/shop_exporter/web.yml"))
    .with(SystemdNotify)
    .start()?;
# Ok::<(), exporter_kit::ServeError>(())
```"#
)]
#![cfg_attr(
    not(feature = "clap"),
    doc = "[`WebFlags`]: https://docs.rs/exporter-kit/latest/exporter_kit/toolkit/struct.WebFlags.html"
)]

#[cfg(feature = "clap")]
mod flags;
#[cfg(feature = "systemd")]
mod systemd;
#[cfg(feature = "web-config")]
mod web_config;

#[cfg(feature = "clap")]
pub use flags::WebFlags;
#[cfg(feature = "systemd")]
pub use systemd::{SystemdNotify, SystemdSocketError, SystemdSockets};
#[cfg(feature = "web-config")]
pub use web_config::{WebConfigError, WebConfigFile, check_web_config};
