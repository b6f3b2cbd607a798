//! The texts and links of the page, beside the metrics.

/// The texts of the page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Landing {
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) version: Option<String>,
    /// Sentences at the top.
    pub(crate) notices: Vec<String>,
    /// Pages of the program.
    pub(crate) pages: Vec<PageLink>,
    /// The server itself serves TLS.
    pub(crate) tls: bool,
}

/// A link to a page of the program.
#[derive(Clone, Debug)]
pub(crate) struct PageLink {
    /// Below the prefix.
    pub(crate) path: String,
    pub(crate) title: String,
}

/// The targets of the page's links, as a browser sees them.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    /// The prefix of every path, without a slash at the end: empty, or `/exporter`.
    pub(crate) prefix: String,
    /// The path of the metrics.
    pub(crate) metrics: String,
}

impl Landing {
    pub(crate) fn title(&self) -> &str {
        self.title.as_deref().unwrap_or("Exporter")
    }
}
