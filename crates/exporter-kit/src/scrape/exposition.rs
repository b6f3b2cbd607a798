//! One exposition of a registry: its format, filter and deadline.

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

/// One scrape of a registry in one format, perhaps of some families only.
///
/// Made by [`Registry::scrape`]. Collectors run each time it is written, not when it is made.
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
    /// The collectors when this was made, so that a scrape made once and written often takes no lock.
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

    /// Keeps the families of these names, or with samples of these names (`?name[]=` of a request). An empty
    /// list keeps all.
    #[must_use]
    pub fn filter(mut self, names: Vec<String>) -> Self {
        self.selection.names = (!names.is_empty()).then(|| Arc::new(names.into_iter().collect()));
        self
    }

    /// Sets the escaping of names that are not legacy names (`escaping=` of an `Accept` clause). By default the formats
    /// that can quote names do; the others write underscores for characters that legacy names can't have.
    #[must_use]
    pub fn escaping(mut self, escaping: Escaping) -> Self {
        self.escaping = Some(escaping);
        self
    }

    /// Sets the moment until which collectors may give families. Later ones are left out and counted as `deadline` in
    /// `exporter_kit_collector_failures_total`; the body is complete all the same. A collector that waits for something
    /// reads the deadline from [`Sink::context`].
    #[must_use]
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.selection.context.deadline = Some(deadline);
        self
    }

    /// Shows what was prepared, and the collectors that were registered at that moment.
    #[cfg(feature = "http")]
    pub(crate) fn with_prepared(&mut self, prepared: Arc<dyn super::Prepared>) {
        self.selection.prepared = Some(prepared);
    }

    /// The same with families of the library's own at the end.
    #[cfg(feature = "http")]
    pub(crate) fn with_appendix(mut self, appendix: Option<Arc<Appendix>>) -> Self {
        self.appendix = appendix;
        self
    }

    /// The format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The escaping of names, if one was set.
    #[cfg(feature = "http")]
    pub(crate) fn chosen_escaping(&self) -> Option<Escaping> {
        self.escaping
    }

    /// The exact `Content-Type` of the body.
    pub fn content_type(&self) -> String {
        let content_type = self.format.content_type();
        match self.escaping {
            // What this format can't do it does not claim.
            Some(Escaping::AllowUtf8) if self.format == Format::Text => content_type.to_owned(),
            Some(escaping) => format!("{content_type}; escaping={escaping}"),
            None => content_type.to_owned(),
        }
    }

    /// The whole body.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut body = Vec::new();
        self.append_to(&mut body);
        body
    }

    /// Appends the whole body; a buffer used again saves its allocation.
    pub fn append_to(&self, body: &mut Vec<u8>) {
        let out = std::mem::take(body);
        let _ = self.run(out, usize::MAX, &mut |whole| {
            *body = std::mem::take(whole);
            ControlFlow::Continue(())
        });
    }

    /// Appends the whole body; false if it is longer than `limit` bytes, and then only a part of it.
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

    /// Hands the body over in chunks of about 64 KiB, so that it is never held whole. `on_chunk` empties the
    /// buffer it is given; `Break` ends the scrape.
    ///
    /// A line is never divided. The last chunk may be empty.
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

    /// Hands the families over to any sink.
    pub fn collect_into(&self, sink: &mut (impl Sink + ?Sized)) {
        let changed;
        let in_order = if let Some(prepared) = &self.selection.prepared {
            prepared.in_order()
        } else if self.selection.registry.is_current(&self.in_order) {
            // Nothing that scrapes share is written to.
            &self.in_order
        } else {
            changed = self.selection.registry.in_order();
            &changed
        };
        let mut walk = Walk::new(sink, &self.selection);
        let mut trouble = false;
        for (at, registered) in in_order.collectors().iter().enumerate() {
            walk.collect(at, registered);
            trouble |= registered.failures.any() || registered.collector.refused() > 0;
        }
        if trouble {
            walk.begin_own(false);
            // Names and values of these families are this library's own: there is nothing to refuse.
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
    /// Begins a scrape in that format.
    pub fn scrape(&self, format: Format) -> Scrape {
        Scrape::new(self.clone(), format)
    }

    /// Returns everything as it is now, to look into. Meant for tests: a scrape encodes without this detour.
    pub fn snapshot(&self) -> Snapshot {
        self.scrape(Format::default()).snapshot()
    }

    /// Everything as Prometheus text 0.0.4.
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
