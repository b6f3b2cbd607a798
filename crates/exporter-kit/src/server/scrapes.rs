//! What a server's builder says about scrapes.

use std::time::Duration;

use crate::server::builder::ServerBuilder;

impl ServerBuilder {
    /// How long before the client gives up the answer is complete, for the way back: 0.5 s unless said otherwise. See
    /// [`MetricsHandler::timeout_offset`](super::MetricsHandler::timeout_offset).
    pub fn timeout_offset(mut self, offset: Duration) -> Self {
        self.metrics = self.metrics.timeout_offset(offset);
        self
    }

    /// How long sources and collectors that may wait have where the client does not say how long it waits: 10 s unless
    /// said otherwise; `None` is for ever.
    pub fn default_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.metrics = self.metrics.default_timeout(timeout);
        self
    }

    /// How many scrapes are answered at once; one more gets 503. 40 unless said otherwise; 0 is no limit.
    pub fn max_requests(mut self, max_requests: usize) -> Self {
        self.metrics = self.metrics.max_requests(max_requests);
        self
    }

    /// Whether the server shows what it measures of itself (on unless said otherwise), after all other families:
    /// requests by code, in flight, durations, sizes, errors by cause, connections; their names begin with
    /// `exporter_kit_http_`.
    pub fn self_metrics(mut self, shown: bool) -> Self {
        self.self_metrics = shown;
        self
    }
}
