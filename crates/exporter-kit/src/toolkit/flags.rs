//! The common flags of exporters.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;

use crate::process::ProcessCollector;
use crate::registry::Registry;
use crate::scrape::MetricsHandler;
use crate::server::{
    ExternalUrl, ListenAddress, RoutePrefix, ServeError, Server, ServerBuilder, path,
};
use crate::toolkit::{SystemdNotify, SystemdSockets, WebConfigFile};

/// The common flags of exporters, for a command line of clap.
///
/// Flatten them into the flags of the program, and build the server from them. The identifier of each flag is its name,
/// such as `web.listen-address`, so that [`clap::Command::mut_arg`] can change its default.
///
/// ```
/// use clap::Parser;
/// use exporter_kit::{Registry, toolkit::WebFlags};
///
/// #[derive(Parser)]
/// struct Options {
///     #[command(flatten)]
///     web: WebFlags,
/// }
///
/// let options = Options::parse_from(["shop_exporter", "--web.listen-address=127.0.0.1:0", "--web.route-prefix=/shop"]);
/// let registry = Registry::new();
/// let server = options.web.server(&registry).title("Shop").start()?;
/// assert!(server.urls()[0].ends_with("/shop/metrics"));
/// # Ok::<(), exporter_kit::ServeError>(())
/// ```
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Web")]
#[non_exhaustive]
pub struct WebFlags {
    /// Address to listen on; repeat the flag, or separate addresses by commas
    ///
    /// Without HOST, all addresses of this machine. Port 0 is any free port.
    ///
    /// unix:PATH is a Unix socket; unix:PATH?mode=0660 also sets the mode of its file.
    #[arg(
        id = "web.listen-address",
        long = "web.listen-address",
        value_name = "HOST:PORT"
    )]
    #[arg(value_delimiter = ',', default_value = ":8000")]
    pub listen_addresses: Vec<ListenAddress>,

    /// Listen on the sockets of systemd, and on no other address
    #[arg(id = "web.systemd-socket", long = "web.systemd-socket")]
    pub systemd_socket: bool,

    /// Path of the metrics
    #[arg(
        id = "web.telemetry-path",
        long = "web.telemetry-path",
        value_name = "PATH"
    )]
    #[arg(value_parser = telemetry_path, default_value = "/metrics")]
    pub telemetry_path: String,

    /// Web configuration file, for TLS, logins, headers and a rate limit
    ///
    /// All exporters have the same format. The file is reloaded when it changes.
    #[arg(id = "web.config.file", long = "web.config.file", value_name = "FILE")]
    #[arg(default_value = "", hide_default_value = true)]
    pub config_file: OsString,

    /// URL, or path, at which browsers reach this exporter through a proxy
    #[arg(id = "web.external-url", long = "web.external-url", value_name = "URL")]
    pub external_url: Option<ExternalUrl>,

    /// Prefix of all paths; by default the path of the external URL
    #[arg(
        id = "web.route-prefix",
        long = "web.route-prefix",
        value_name = "PATH"
    )]
    pub route_prefix: Option<RoutePrefix>,

    /// Limit of scrapes at the same time; one more gets 503, and 0 disables the limit
    #[arg(
        id = "web.max-requests",
        long = "web.max-requests",
        value_name = "NUMBER"
    )]
    #[arg(value_parser = max_requests, default_value = "40")]
    pub max_requests: usize,

    /// Answer a scrape this many seconds before Prometheus gives up
    #[arg(id = "timeout-offset", long = "timeout-offset", value_name = "SECONDS")]
    #[arg(value_parser = timeout_offset, default_value = "0.5")]
    pub timeout_offset: Duration,

    /// Allow reloads by request: POST or PUT to /-/reload
    #[arg(id = "web.enable-lifecycle", long = "web.enable-lifecycle")]
    pub enable_lifecycle: bool,

    /// Omit the metrics about the exporter itself, such as process_*
    #[arg(
        id = "web.disable-exporter-metrics",
        long = "web.disable-exporter-metrics"
    )]
    pub disable_exporter_metrics: bool,
}

impl WebFlags {
    /// Describes a server by the flags, to be completed and started.
    ///
    /// It notifies systemd if systemd started the program. It also registers the `process_*` metrics in the registry,
    /// unless the flags disable them: the program does neither itself.
    pub fn server(&self, registry: &Registry) -> ServerBuilder {
        let metrics = MetricsHandler::new(registry)
            .max_requests(self.max_requests)
            .timeout_offset(self.timeout_offset);
        let mut builder = Server::builder(metrics)
            .metrics_path(&self.telemetry_path)
            .self_metrics(!self.disable_exporter_metrics)
            .enable_lifecycle(self.enable_lifecycle)
            .lifecycle_hint("start the program with --web.enable-lifecycle")
            .with(WebConfigFile::new(&self.config_file))
            .with(SystemdNotify);
        if self.systemd_socket {
            builder = builder.with(SystemdSockets);
        } else {
            for address in &self.listen_addresses {
                builder = builder.listen(address.clone());
            }
        }
        if let Some(url) = &self.external_url {
            builder = builder.external_url(url.clone());
        }
        if let Some(prefix) = &self.route_prefix {
            builder = builder.route_prefix(prefix.clone());
        }
        if !self.disable_exporter_metrics {
            let registered = registry.register(ProcessCollector::new());
            builder.noted(registered.map_err(ServeError::Register));
        }
        builder
    }
}

fn telemetry_path(text: &str) -> Result<String, &'static str> {
    path::check(text).map(|()| text.to_owned())
}

fn max_requests(text: &str) -> Result<usize, &'static str> {
    text.parse()
        .map_err(|_| "write an integer from 0; 0 disables the limit")
}

fn timeout_offset(text: &str) -> Result<Duration, &'static str> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or("write a number of seconds from 0, such as 0.5")
}

#[cfg(test)]
mod tests {
    use clap::{Command, FromArgMatches as _};

    use super::*;

    fn command() -> Command {
        WebFlags::augment_args(Command::new("shop_exporter"))
    }

    fn flags(arguments: &[&str]) -> WebFlags {
        let all = [&["shop_exporter"], arguments].concat();
        let matches = command().try_get_matches_from(all);
        WebFlags::from_arg_matches(&matches.unwrap()).unwrap()
    }

    #[test]
    fn each_flag_is_found_by_its_name_and_in_the_documentation() {
        command().debug_assert();
        let page = include_str!("../../docs/operating.md");
        for argument in command().get_arguments() {
            let name = argument.get_long().unwrap();
            assert_eq!(argument.get_id().as_str(), name);
            assert!(page.contains(&format!("| `--{name}` |")), "{name}");
        }
    }

    #[test]
    fn numbers_reach_as_far_as_their_messages_say() {
        assert_eq!(flags(&[]).max_requests, 40);
        assert_eq!(flags(&[]).timeout_offset, Duration::from_millis(500));
        assert_eq!(max_requests("0"), Ok(0));
        assert_eq!(timeout_offset("0"), Ok(Duration::ZERO));
        assert_eq!(timeout_offset("1e-3"), Ok(Duration::from_millis(1)));
        for text in ["-1", "1.5", "", "many"] {
            assert!(max_requests(text).is_err(), "{text}");
        }
        for text in ["-0.1", "inf", "nan", "1e300", "", "1s"] {
            assert!(timeout_offset(text).is_err(), "{text}");
        }
    }

    #[test]
    fn process_metrics_are_there_unless_they_are_not_wanted() {
        let shown = |arguments: &[&str]| {
            let registry = Registry::new();
            let listen = [arguments, &["--web.listen-address=127.0.0.1:0"]].concat();
            let _bound = flags(&listen).server(&registry).bind().unwrap();
            registry.register(ProcessCollector::new()).is_err()
        };
        assert!(shown(&[]));
        assert!(!shown(&["--web.disable-exporter-metrics"]));
    }

    #[test]
    fn a_program_that_registers_process_metrics_too_is_told() {
        let registry = Registry::new();
        registry.register(ProcessCollector::new()).unwrap();
        let error = flags(&[]).server(&registry).bind().unwrap_err();
        assert!(matches!(error, ServeError::Register(_)), "{error}");
    }
}
