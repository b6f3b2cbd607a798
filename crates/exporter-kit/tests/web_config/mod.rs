//! The web configuration file: what it may say, and what servers do that have one.

pub(crate) mod authority;
pub(crate) mod client;
mod client_certificates;
mod fixtures;
mod http2;
mod login_flood;
mod logins;
mod reload;
mod requests;
mod tls;
mod toolkit_cases;
