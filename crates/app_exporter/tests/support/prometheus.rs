//! A real Prometheus that scrapes targets of a test.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::{Running, get};
use crate::support::Scratch;

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
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let result = self.query(expression);
            if let Some(found) = wanted(&result) {
                return found;
            }
            assert!(
                Instant::now() < deadline,
                "`{expression}` still gives {result}; targets: {}",
                self.api("targets")
            );
            // Prometheus tells nobody that it has scraped, so it can only be asked again.
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// That every target there is was scraped at least once, and never in vain.
    pub(crate) fn assert_scraped_without_error(&self) {
        let up = self.query("min(min_over_time(up[10m]))");
        assert_eq!(number(&up[0]["value"]), 1.0, "a scrape failed: {up}");
        let targets = self.api("targets");
        let targets = targets["activeTargets"].as_array().expect("targets");
        assert!(!targets.is_empty());
        for target in targets {
            assert_eq!(target["health"], "up", "{target}");
            assert_eq!(target["lastError"], "", "{target}");
        }
    }
}

/// The address in the line of Prometheus's log that says where it listens.
fn listening_on(line: &str) -> Option<SocketAddr> {
    let (_, fields) = line.split_once("msg=\"Listening on\"")?;
    let (_, address) = fields.split_once(" address=")?;
    address.split(' ').next()?.parse().ok()
}

/// The value of a sample as the API gives it: `[time, "value"]`.
pub(crate) fn number(sample: &Value) -> f64 {
    let text = sample[1].as_str().expect("a value in quotes");
    text.parse().expect("a number")
}
