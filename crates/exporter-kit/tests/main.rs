//! The integration tests: one program, a module for each part of the library.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where it fails, helpers included"
)]

mod conformance;
mod constants;
mod docs;
#[cfg(feature = "http")]
mod examples;
mod expositions;
#[cfg(feature = "http")]
mod http;
mod lint;
#[cfg(feature = "experimental-openmetrics-2")]
mod openmetrics2;
mod parse;
mod peers;
mod push;
mod registering;
mod registry;
mod sample_names;
#[cfg(feature = "http")]
mod stays_up;
mod stored;
mod testing;
#[cfg(feature = "http")]
mod torture;
#[cfg(feature = "web-config")]
mod web_config;
