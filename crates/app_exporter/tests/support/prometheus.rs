//! A real Prometheus that scrapes targets of a test.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::program::{Running, get};
use crate::support::{Scratch, until};

/// How long a scrape may take, in seconds: no longer than the interval, which is this in all tests.
const SCRAPE_TIMEOUT: f64 = 1.0;

/// A running Prometheus; killed when dropped.
pub(crate) struct Prometheus {
    address: SocketAddr,
    _running: Running,
}

impl Prometheus {
    /// Starts it with that configuration file, its data in `scratch`, and these further arguments.
    pub(crate) fn start(
        program: &Path,
        scratch: &Scratch,
        config: &Path,
        arguments: &[&str],
    ) -> Self {
        let mut command = Command::new(program);
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                scratch.path().join("data").display()
            ))
            .arg("--web.listen-address=127.0.0.1:0")
            .args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut running = Running::spawn(command);
        // It says both from tasks of their own, in either order.
        let (mut address, mut ready) = (None, false);
        let address = running.wait_for(|line| {
            address = address.or_else(|| listening_on(line));
            ready |= line.contains("Server is ready");
            address.filter(|_| ready)
        });
        Self {
            address,
            _running: running,
        }
    }

    /// The `data` of an answer of its HTTP API.
    pub(crate) fn api(&self, request: &str) -> Value {
        let (status, answer) = get(self.address, &format!("/api/v1/{request}"));
        assert_eq!(status, 200, "{answer}");
        let mut answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(answer["status"], "success", "{answer}");
        answer["data"].take()
    }

    /// The series that `expression` gives now.
    pub(crate) fn query(&self, expression: &str) -> Value {
        let escaped: String = expression
            .bytes()
            .map(|byte| format!("%{byte:02x}"))
            .collect();
        self.api(&format!("query?query={escaped}"))["result"].take()
    }

    /// Asks for `expression` until `wanted` finds what it needs in the answer.
    pub(crate) fn wait_for<T>(&self, expression: &str, wanted: impl Fn(&Value) -> Option<T>) -> T {
        // Prometheus tells nobody that it has scraped, so it can only be asked again.
        until(|| {
            let result = self.query(expression);
            wanted(&result)
                .ok_or_else(|| format!("{expression}: {result}; targets: {}", self.api("targets")))
        })
    }

    /// The value of the first series that `expression` gives, once it gives one: after a scrape that failed because the machine
    /// stood still there is none until the next.
    pub(crate) fn value(&self, expression: &str) -> f64 {
        self.wait_for(expression, |result| {
            result.get(0).map(|series| number(&series["value"]))
        })
    }

    /// That every target there is was scraped, and in vain only where that took as long as it may: where the machine stood still.
    pub(crate) fn assert_scraped_without_error(&self) {
        let ups = samples(&self.query("up[10m]"));
        let took = samples(&self.query("scrape_duration_seconds[10m]"));
        for (scrape, up) in ups {
            let is_late = || {
                took.iter()
                    .any(|(it, took)| *it == scrape && *took >= SCRAPE_TIMEOUT)
            };
            assert!(up == 1.0 || is_late(), "a scrape failed: {scrape}");
        }
        until(|| {
            let targets = self.api("targets");
            let targets = targets["activeTargets"].as_array().expect("targets");
            let is_well = |target: &Value| target["health"] == "up" && target["lastError"] == "";
            let all = !targets.is_empty() && targets.iter().all(is_well);
            all.then_some(()).ok_or(format!("{targets:?}"))
        });
    }
}

/// The address in the line of Prometheus's log that says where it listens.
fn listening_on(line: &str) -> Option<SocketAddr> {
    let (_, fields) = line.split_once("msg=\"Listening on\"")?;
    let (_, address) = fields.split_once(" address=")?;
    address.split(' ').next()?.parse().ok()
}

/// All samples of an answer with ranges: of which target and when, and the value.
fn samples(answer: &Value) -> Vec<(String, f64)> {
    let series = answer.as_array().expect("series").iter();
    let samples = series.flat_map(|series| {
        let target = format!(
            "{} {}",
            series["metric"]["job"], series["metric"]["instance"]
        );
        let values = series["values"].as_array().expect("samples").iter();
        values.map(move |sample| (format!("{target} {}", sample[0]), number(sample)))
    });
    samples.collect()
}

/// The value of a sample as the API gives it: `[time, "value"]`.
pub(crate) fn number(sample: &Value) -> f64 {
    let text = sample[1].as_str().expect("a value in quotes");
    text.parse().expect("a number")
}
