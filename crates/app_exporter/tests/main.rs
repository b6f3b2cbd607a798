//! Tests of the program as a whole, and beside the real systems it is made for.

mod answers;
mod check_metrics;
mod cli;
#[cfg(target_os = "linux")]
mod command_leftovers;
#[cfg(target_os = "linux")]
mod command_source;
mod config;
#[cfg(unix)]
mod conflicts;
mod deploy;
#[cfg(unix)]
mod descriptors;
mod exemplars;
mod exercise;
mod fastcgi;
mod flags;
#[cfg(unix)]
mod followed;
mod formats_python;
#[cfg(unix)]
mod hostile;
mod http_encoding;
mod http_routes;
mod http_source;
#[cfg(unix)]
mod hung_config;
#[cfg(unix)]
mod lifecycle;
#[cfg(target_os = "linux")]
mod linear;
#[cfg(target_os = "linux")]
mod login;
#[cfg(unix)]
mod logs;
#[cfg(feature = "http")]
mod memory_limit;
mod native_histograms;
mod oauth2;
mod page;
mod passed_on;
#[cfg(unix)]
mod probe;
#[cfg(unix)]
mod probe_logins;
mod program;
#[cfg(unix)]
mod progress;
mod prometheus;
#[cfg(unix)]
mod published;
mod pushgateway;
mod python;
mod recipes;
#[cfg(unix)]
mod redis;
#[cfg(unix)]
mod reload_sources;
#[cfg(unix)]
mod rotated;
#[cfg(target_os = "linux")]
mod secrets;
mod several_files;
#[cfg(unix)]
mod signals;
mod sources;
#[cfg(unix)]
mod sql;
#[cfg(unix)]
mod stays_up;
#[path = "../../exporter-kit/tests/stored.rs"]
mod stored;
mod support;
#[cfg(target_os = "linux")]
mod systemd;
#[cfg(unix)]
mod tls;
mod totals;
#[cfg(unix)]
mod unix_socket;
#[cfg(unix)]
mod watch;
mod web_config;
