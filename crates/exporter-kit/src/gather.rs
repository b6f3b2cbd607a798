//! One scrape: walks over a registry's collectors, keeps them apart, and counts what failed.

use std::fmt;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::HashSet;

use crate::collect::{CollectError, FamilyWriter, Sink};
use crate::encode::{self, ChunkFn, Escaping, Format, Give, Output};
use crate::model::{Descriptor, Head, Kind, Point};
use crate::registry::{Registered, Registry};

/// How many bytes a chunk of a body has, about: a line is never divided.
const CHUNK_BYTES: usize = 64 * 1024;

/// One scrape: what is there now, in one format, perhaps only some families.
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
    registry: Registry,
    format: Format,
    escaping: Option<Escaping>,
    names: Option<Vec<String>>,
}

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrape")
            .field("format", &self.format)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl Scrape {
    pub(crate) fn new(registry: Registry, format: Format) -> Self {
        Self {
            registry,
            format,
            escaping: None,
            names: None,
        }
    }

    /// Only the families of these names, or with samples of these names (`?name[]=` of a request). An empty
    /// list is no filter.
    #[must_use]
    pub fn filter(mut self, names: Vec<String>) -> Self {
        self.names = (!names.is_empty()).then_some(names);
        self
    }

    /// How names are shown that are not legacy names (`escaping=` of an `Accept` clause). If not said, they
    /// are quoted where the format can, and otherwise have underscores for what legacy names can't have.
    #[must_use]
    pub fn escaping(mut self, escaping: Escaping) -> Self {
        self.escaping = Some(escaping);
        self
    }

    /// The format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// How names are to be shown, if that was said.
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

    /// Hands the body over in chunks of about 64 KiB, so that it is never held whole. `on_chunk` empties the
    /// buffer it is given; `Break` ends the scrape.
    ///
    /// Lines are not divided. The last chunk may be empty.
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

    /// Hands the families over to any sink: a snapshot, say.
    pub fn collect_into(&self, sink: &mut (impl Sink + ?Sized)) {
        let in_order = self.registry.in_order();
        let mut gate = Gate {
            sink,
            scrape: self,
            collector: None,
            seen: None,
            open: false,
        };
        let mut trouble = false;
        for registered in in_order.iter() {
            gate.collect(registered);
            trouble |= registered.failures.any() || registered.collector.refused() > 0;
        }
        if trouble {
            // Names and values of these families are this library's own: there is nothing to refuse.
            let _ = gate.failures(&in_order);
        }
    }

    fn run(&self, out: Vec<u8>, chunk_bytes: usize, on_chunk: &mut ChunkFn<'_>) -> ControlFlow<()> {
        let output = Output::new(out, chunk_bytes, on_chunk);
        let escaping = self.escaping.unwrap_or(Escaping::AllowUtf8);
        let created = self.registry.shows_created_samples();
        encode::encode(self.format, escaping, created, output, self)
    }

    fn wants(&self, descriptor: &Descriptor) -> bool {
        let Some(names) = &self.names else {
            return true;
        };
        names.iter().any(|name| {
            **name == *descriptor.name()
                || crate::registry::sample_names(descriptor)
                    .iter()
                    .any(|sample| **sample == **name)
        })
    }
}

impl Give for Scrape {
    fn give_to<S: Sink>(&self, sink: &mut S) {
        self.collect_into(sink);
    }
}

/// Stands between the collectors and the sink: lets through what is wanted, and no family twice.
struct Gate<'a, S: ?Sized> {
    sink: &'a mut S,
    scrape: &'a Scrape,
    /// The collector at work, if what it gives must be checked.
    collector: Option<&'a Registered>,
    /// Families that untrusted collectors have shown in this scrape.
    seen: Option<HashSet<Box<str>>>,
    open: bool,
}

impl<'a, S: Sink + ?Sized> Gate<'a, S> {
    fn collect(&mut self, registered: &'a Registered) {
        self.collector = (!registered.trusted).then_some(registered);
        self.open = false;
        // What a collector leaves behind when it panics is its own; the sink takes whole points only.
        match catch_unwind(AssertUnwindSafe(|| registered.collector.collect(self))) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                log::warn!("collector `{}` failed: {error}", registered.name);
                registered.failures.count(Failure::Error);
            }
            // The panic has told standard error about itself.
            Err(_) => registered.failures.count(Failure::Panic),
        }
    }

    /// What failed since the start, if anything ever did.
    fn failures(&mut self, in_order: &[Arc<Registered>]) -> Result<(), CollectError> {
        self.collector = None;
        if in_order.iter().any(|registered| registered.failures.any()) {
            let failed = Descriptor::new(
                Kind::Counter,
                "exporter_kit_collector_failures_total",
                "Scrapes in which a collector failed, by its first family and the reason.",
            )?;
            let mut family = FamilyWriter::begin(self, &failed, ["collector", "reason"])?;
            for registered in in_order
                .iter()
                .filter(|registered| registered.failures.any())
            {
                for failure in Failure::ALL {
                    family.counter(
                        [&registered.name, failure.reason()],
                        registered.failures.get(failure),
                    )?;
                }
            }
        }
        if in_order
            .iter()
            .any(|registered| registered.collector.refused() > 0)
        {
            let refused = Descriptor::new(
                Kind::Counter,
                "exporter_kit_series_refused_total",
                "Times that recording was refused because its family had reached its limit of series.",
            )?;
            let mut family = FamilyWriter::begin(self, &refused, ["family"])?;
            for registered in in_order.iter() {
                match registered.collector.refused() {
                    0 => {}
                    refused => drop(family.counter([&registered.name], refused)?),
                }
            }
        }
        Ok(())
    }
}

impl<S: Sink + ?Sized> Sink for Gate<'_, S> {
    fn family(&mut self, descriptor: &Descriptor) -> bool {
        self.open = self.scrape.wants(descriptor);
        if let (true, Some(registered)) = (self.open, self.collector) {
            let seen = self.seen.get_or_insert_default();
            let fresh = !seen.contains(descriptor.name())
                && self.scrape.registry.may_show(registered, descriptor);
            if fresh {
                seen.insert(descriptor.name().into());
            } else {
                registered.failures.count(Failure::Duplicate);
                self.open = false;
            }
        }
        self.open = self.open && self.sink.family(descriptor);
        self.open
    }

    #[inline]
    fn point(&mut self, head: Head<'_>, point: &Point<'_>) -> bool {
        self.open = self.open && self.sink.point(head, point);
        self.open
    }
}

/// Why a collector's families are missing from a scrape.
#[derive(Clone, Copy)]
enum Failure {
    Error,
    Panic,
    Duplicate,
}

impl Failure {
    const ALL: [Self; 3] = [Self::Error, Self::Panic, Self::Duplicate];

    fn reason(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Panic => "panic",
            Self::Duplicate => "duplicate_family",
        }
    }
}

/// How often a collector failed, by reason.
#[derive(Default)]
pub(crate) struct Failures([AtomicU64; Failure::ALL.len()]);

impl Failures {
    fn count(&self, failure: Failure) {
        self.0[failure as usize].fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self, failure: Failure) -> u64 {
        self.0[failure as usize].load(Ordering::Relaxed)
    }

    fn any(&self) -> bool {
        Failure::ALL.iter().any(|failure| self.get(*failure) > 0)
    }
}
