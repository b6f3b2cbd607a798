//! What the page says beside the metrics.

/// What the page says about the exporter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Landing {
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) version: Option<String>,
    /// Further pages.
    pub(crate) pages: Vec<PageLink>,
    /// Whether the server itself speaks TLS.
    pub(crate) tls: bool,
}

/// A further page.
#[derive(Clone, Debug)]
pub(crate) struct PageLink {
    /// Below the prefix.
    pub(crate) path: String,
    pub(crate) title: String,
}

impl Landing {
    pub(crate) fn title(&self) -> &str {
        self.title.as_deref().unwrap_or("Exporter")
    }
}
