//! What the page says beside the metrics.

/// What the page says about the exporter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Landing {
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) version: Option<String>,
    /// Whether the server itself speaks TLS.
    pub(crate) tls: bool,
}

impl Landing {
    pub(crate) fn title(&self) -> &str {
        self.title.as_deref().unwrap_or("Exporter")
    }
}
