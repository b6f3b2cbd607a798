//! Tests of the program as a whole, and beside the real systems it is made for.

mod answers;
mod check_metrics;
mod cli;
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
mod flags;
#[cfg(unix)]
mod followed;
mod formats_python;
mod http_source;
#[cfg(unix)]
mod lifecycle;
#[cfg(target_os = "linux")]
mod login;
#[cfg(unix)]
mod logs;
mod native_histograms;
mod page;
#[cfg(unix)]
mod probe;
mod program;
mod prometheus;
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
#[cfg(unix)]
mod signals;
mod sources;
#[cfg(unix)]
mod sql;
#[cfg(unix)]
mod stays_up;
mod support;
#[cfg(target_os = "linux")]
mod systemd;
#[cfg(unix)]
mod unix_socket;
#[cfg(unix)]
mod watch;
mod web_config;
