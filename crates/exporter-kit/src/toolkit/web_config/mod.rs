//! The web configuration file of Prometheus exporters: TLS, client certificates, HTTP/2, headers, users, a rate limit,
//! and a section of this library.
//!
//! `file` parses, `settings` checks and builds, `enforcement` applies the result to connections and requests, and
//! reloads it. No request waits for a file: a separate thread reads them.

mod bearer_tokens;
mod certificates;
mod checks;
mod client_certificates;
mod enforcement;
mod error;
mod file;
mod frames;
mod go_duration;
mod handshake;
mod headers;
mod http2;
mod option;
mod passwords;
mod queue;
mod rate_limit;
mod settings;
mod status;
mod suggestion;
mod suites;
mod tls;
mod users;
mod verdicts;
mod watched;
mod x509;

pub use error::WebConfigError;
pub use option::{WebConfigFile, check_web_config};
