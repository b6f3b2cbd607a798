//! Metrics about a web configuration.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use crate::collect::{Collect, CollectError, FamilyWriter, Sink};
use crate::model::{Descriptor, MetricType, Timestamp};

const SUCCESSFUL: (&str, &str) = (
    "exporter_kit_web_config_last_reload_successful",
    "Whether the last reload of the web configuration succeeded; if not, the previous one is in effect.",
);
const SUCCESS_TIME: (&str, &str) = (
    "exporter_kit_web_config_last_reload_success_timestamp_seconds",
    "Time at which the web configuration in effect was loaded.",
);
const NOT_AFTER: (&str, &str) = (
    "exporter_kit_web_config_certificate_not_after_timestamp_seconds",
    "End of the validity of the server certificate.",
);

/// The outcome of the last reload of a web configuration, as metrics:
///
/// - `exporter_kit_web_config_last_reload_successful`: 1, or 0 while the file is invalid.
/// - `exporter_kit_web_config_last_reload_success_timestamp_seconds`
/// - `exporter_kit_web_config_certificate_not_after_timestamp_seconds`, with TLS.
#[derive(Debug)]
pub(super) struct Status {
    successful: AtomicBool,
    /// In seconds since 1970.
    success: Mutex<Timestamp>,
    /// In seconds since 1970; `i64::MIN` without a certificate.
    not_after: AtomicI64,
}

impl Status {
    pub(super) fn new(not_after: Option<i64>) -> Self {
        let status = Self {
            successful: AtomicBool::new(true),
            success: Mutex::new(Timestamp::now()),
            not_after: AtomicI64::new(i64::MIN),
        };
        status.succeed(not_after);
        status
    }

    pub(super) fn succeed(&self, not_after: Option<i64>) {
        let mut success = self
            .success
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *success = Timestamp::now();
        self.not_after
            .store(not_after.unwrap_or(i64::MIN), Ordering::Relaxed);
        self.successful.store(true, Ordering::Relaxed);
    }

    pub(super) fn fail(&self) {
        self.successful.store(false, Ordering::Relaxed);
    }

    fn is_successful(&self) -> bool {
        self.successful.load(Ordering::Relaxed)
    }

    fn families(&self) -> [((&'static str, &'static str), Option<f64>); 3] {
        let success = *self
            .success
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let not_after = self.not_after.load(Ordering::Relaxed);
        [
            (SUCCESSFUL, Some(f64::from(u8::from(self.is_successful())))),
            (SUCCESS_TIME, Some(success.as_secs_f64())),
            (
                NOT_AFTER,
                (not_after != i64::MIN).then_some(not_after as f64),
            ),
        ]
    }
}

impl Collect for Status {
    fn descriptors(&self) -> Vec<Descriptor> {
        self.families()
            .into_iter()
            .filter_map(|((name, help), _)| Descriptor::new(MetricType::Gauge, name, help).ok())
            .collect()
    }

    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        for ((name, help), value) in self.families() {
            if let Some(value) = value {
                let descriptor = Descriptor::new(MetricType::Gauge, name, help)?;
                FamilyWriter::begin(sink, &descriptor, [])?.gauge([], value)?;
            }
        }
        Ok(())
    }
}
