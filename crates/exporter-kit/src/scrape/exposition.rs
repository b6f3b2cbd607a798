//! One exposition of a registry: format, filter and deadline.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use super::appendix::Appendix;
use super::walk::{Selection, Walk};
use crate::collect::Sink;
use crate::collect::context::ScrapeContext;
use crate::encode::{self, ChunkFn, Escaping, Format, Give, Output};
use crate::registry::{InOrder, Registry};
use crate::snapshot::Snapshot;

/// The approximate size of a chunk in bytes. Lines are never divided.
const CHUNK_BYTES: usize = 64 * 1024;

/// One scrape of a registry in one format, optionally of selected families only.
///
/// Created by [`Registry::scrape`]. Each write runs the collectors; the creation does not.
///
/// ```
/// use exporter_kit::{Format, Registry};
///
/// let registry = Registry::new();
/// registry.gauge("depth", "Jobs that wait.")?.set(4);
/// registry.gauge("other", "Not asked for.")?;
/// let scrape = registry.scrape(Format::OpenMetrics).filter(vec!["depth".to_owned()]);
/// assert_eq!(scrape.content_type(), "application/openmetrics-text; version=1.0.0; charset=utf-8");
/// assert!(scrape.to_vec().ends_with(b"# HELP depth Jobs that wait.\ndepth 4.0\n# EOF\n"));
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
#[derive(Clone)]
pub struct Scrape {
    selection: Selection,
    /// The collectors at the time of creation, so that writing the scrape again needs no lock.
    in_order: Arc<InOrder>,
    format: Format,
    escaping: Option<Escaping>,
    /// Families of the library itself, which come last.
    appendix: Option<Arc<Appendix>>,
}

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrape")
            .field("format", &self.format)
            .field("names", &self.selection.names)
            .finish_non_exhaustive()
    }
}

impl Scrape {
    pub(crate) fn new(registry: Registry, format: Format) -> Self {
        Self {
            in_order: registry.in_order(),
            selection: Selection {
                registry,
                names: None,
                context: ScrapeContext::default(),
                prepared: None,
            },
            format,
            escaping: None,
            appendix: None,
        }
    }

    /// Selects the families with these names, or with samples of these names (`?name[]=` of a request). An empty list
    /// selects all.
    #[must_use]
    pub fn filter(mut self, names: Vec<String>) -> Self {
        self.selection.names = (!names.is_empty()).then(|| Arc::new(names.into_iter().collect()));
        self
    }

    /// Sets the escaping of names that are not legacy names (`escaping=` of an `Accept` clause). By default, formats
    /// with quoted names quote them; the others replace characters that legacy names can't have by underscores.
    #[must_use]
    pub fn escaping(mut self, escaping: Escaping) -> Self {
        self.escaping = Some(escaping);
        self
    }

    /// Sets the deadline for collectors. Families that arrive later are left out and counted as `deadline` in
    /// `exporter_kit_collector_failures_total`; the body is still complete. A collector that waits can read the
    /// deadline from [`Sink::context`].
    #[must_use]
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.selection.context.deadline = Some(deadline);
        self
    }

    /// Shows the prepared families, and the collectors registered when they were prepared.
    #[cfg(feature = "http")]
    pub(crate) fn with_prepared(&mut self, prepared: Arc<dyn super::Prepared>) {
        self.selection.prepared = Some(prepared);
    }

    /// Adds families of the library itself at the end.
    #[cfg(feature = "http")]
    pub(crate) fn with_appendix(mut self, appendix: Option<Arc<Appendix>>) -> Self {
        self.appendix = appendix;
        self
    }

    /// The format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The escaping of names, if set.
    #[cfg(feature = "http")]
    pub(crate) fn chosen_escaping(&self) -> Option<Escaping> {
        self.escaping
    }

    /// The exact `Content-Type` of the body.
    pub fn content_type(&self) -> String {
        let content_type = self.format.content_type();
        match self.escaping {
            // Claim no escaping that this format does not support.
            Some(Escaping::AllowUtf8) if self.format == Format::Text => content_type.to_owned(),
            Some(escaping) => format!("{content_type}; escaping={escaping}"),
            None => content_type.to_owned(),
        }
    }

    /// Returns the whole body.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut body = Vec::new();
        self.append_to(&mut body);
        body
    }

    /// Appends the whole body. Reuse a buffer to save its allocation.
    pub fn append_to(&self, body: &mut Vec<u8>) {
        let out = std::mem::take(body);
        let _ = self.run(out, usize::MAX, &mut |whole| {
            *body = std::mem::take(whole);
            ControlFlow::Continue(())
        });
    }

    /// Appends the whole body. Returns `false` if it is longer than `limit` bytes; it then appends only a part.
    #[cfg(feature = "http")]
    pub(crate) fn append_up_to(&self, limit: usize, body: &mut Vec<u8>) -> bool {
        let out = std::mem::take(body);
        let ended = self.run(out, limit.saturating_add(1), &mut |whole| {
            if whole.len() > limit {
                return ControlFlow::Break(());
            }
            *body = std::mem::take(whole);
            ControlFlow::Continue(())
        });
        ended.is_continue()
    }

    /// Passes the body to `on_chunk` in chunks of about 64 KiB, so that it is never whole in memory. `on_chunk` empties
    /// its buffer; `Break` ends the scrape.
    ///
    /// A line is never split. The last chunk may be empty.
    pub fn chunks(
        &self,
        mut on_chunk: impl FnMut(&mut Vec<u8>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.run(
            Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 8),
            CHUNK_BYTES,
            &mut on_chunk,
        )
    }

    /// Returns the families of this scrape, owned. The filter applies, the format does not.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::new();
        self.collect_into(&mut snapshot);
        snapshot
    }

    /// Writes the families to any sink.
    pub fn collect_into(&self, sink: &mut (impl Sink + ?Sized)) {
        let changed;
        let in_order = if let Some(prepared) = &self.selection.prepared {
            prepared.in_order()
        } else if self.selection.registry.is_current(&self.in_order) {
            // No write to state that scrapes share.
            &self.in_order
        } else {
            changed = self.selection.registry.in_order();
            &changed
        };
        let mut walk = Walk::new(sink, &self.selection);
        let mut trouble = false;
        for (at, registered) in in_order.collectors().iter().enumerate() {
            walk.collect(at, registered);
            trouble |= registered.failures.any() || registered.refused() > 0;
        }
        if trouble {
            walk.begin_own(false);
            // The library's own names and values need no checks.
            let _ = walk.failures(in_order.collectors());
        }
        if let Some(appendix) = &self.appendix {
            appendix.give(&self.selection.registry, in_order, &mut walk);
        }
    }

    fn run(&self, out: Vec<u8>, chunk_bytes: usize, on_chunk: &mut ChunkFn<'_>) -> ControlFlow<()> {
        let output = Output::new(out, chunk_bytes, on_chunk);
        let escaping = self.escaping.unwrap_or(Escaping::AllowUtf8);
        let created = self.selection.registry.shows_created_samples();
        encode::encode(self.format, escaping, created, output, self)
    }
}

impl Registry {
    /// Creates a scrape in that format.
    pub fn scrape(&self, format: Format) -> Scrape {
        Scrape::new(self.clone(), format)
    }

    /// Returns all current families, for inspection. Meant for tests: a scrape encodes without this detour.
    pub fn snapshot(&self) -> Snapshot {
        self.scrape(Format::default()).snapshot()
    }

    /// Returns everything as Prometheus text 0.0.4.
    pub fn to_text(&self) -> String {
        let body = self.scrape(Format::Text).to_vec();
        String::from_utf8(body)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

impl Give for Scrape {
    fn give_to<S: Sink>(&self, sink: &mut S) {
        self.collect_into(sink);
    }
}
