//! The web configuration file that exporters for Prometheus have in common: TLS, client certificates, HTTP/2,
//! headers, users, a limit of requests; and, in a section of its own, what this library adds.
//!
//! `file` says what may be written, `settings` what is made of it, `entrance` puts it in force. All of it runs
//! before the site sees a request, and reads no file then: a thread looks after those.

mod bearer_tokens;
mod certificates;
mod checks;
mod client_certificates;
mod enforcement;
mod error;
mod file;
mod go_duration;
mod handshake;
mod headers;
mod http2;
mod option;
mod passwords;
mod rate_limit;
mod settings;
mod status;
mod suggestion;
mod suites;
mod tls;
mod users;
mod watched;
mod x509;

pub use error::WebConfigError;
pub use option::{WebConfigFile, check_web_config};
