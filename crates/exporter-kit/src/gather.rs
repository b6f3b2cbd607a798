//! One scrape: walks over a registry's collectors, keeps them apart, and counts what failed.

use std::fmt;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use hashbrown::HashSet;

use crate::collect::{CollectError, FamilyWriter, Sink};
use crate::context::ScrapeContext;
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
    context: ScrapeContext,
    /// What was collected before the scrape.
    ahead: Option<Arc<dyn Ahead>>,
    /// Families of the library itself, which come last.
    own: Option<Registry>,
}

/// What some collectors gave before the scrape, so that it need not wait for them.
pub(crate) trait Ahead: Send + Sync {
    /// Gives what that collector gave, and says what went wrong with it; nothing if it is to be collected now.
    fn give(&self, registered: &Registered, sink: &mut dyn Sink) -> Option<Option<Failure>>;
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
            context: ScrapeContext::default(),
            ahead: None,
            own: None,
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

    /// Until when collectors may give. What is not given by then is left out and counted as `deadline` in
    /// `exporter_kit_collector_failures_total`; the body is complete all the same. A collector that is waiting for
    /// something must know the deadline itself, from [`Sink::context`].
    #[must_use]
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.context.deadline = Some(deadline);
        self
    }

    /// What collectors have prepared for this scrape.
    #[cfg(feature = "http")]
    pub(crate) fn with_views(&mut self, views: Vec<(usize, Arc<dyn std::any::Any + Send + Sync>)>) {
        self.context.views = views;
    }

    #[cfg(feature = "http")]
    pub(crate) fn with_ahead(&mut self, ahead: Arc<dyn Ahead>) {
        self.ahead = Some(ahead);
    }

    /// The same with families of the library's own at the end.
    #[cfg(feature = "http")]
    pub(crate) fn with_own(mut self, own: Option<Registry>) -> Self {
        self.own = own;
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
        let outer = sink.context().deadline;
        let deadlines = [outer, self.context.deadline];
        let deadline = deadlines.into_iter().flatten().min();
        let context = ScrapeContext {
            deadline,
            views: match &*self.context.views {
                [] => sink.context().views.clone(),
                _ => self.context.views.clone(),
            },
        };
        let mut gate = Gate {
            sink,
            scrape: self,
            context,
            clock: Clock::new(deadline),
            giver: Giver::Trusted,
            seen: HashSet::new(),
            open: false,
        };
        let mut trouble = false;
        for registered in in_order.iter() {
            gate.collect(registered);
            trouble |= registered.failures.any() || registered.collector.refused() > 0;
        }
        gate.begin_own();
        if trouble {
            // Names and values of these families are this library's own: there is nothing to refuse.
            let _ = gate.failures(&in_order);
        }
        if let Some(own) = &self.own {
            for registered in own.in_order().iter() {
                // These are metrics, which do not fail.
                let _ = registered.collector.collect(&mut gate);
            }
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
    context: ScrapeContext,
    clock: Clock,
    giver: Giver<'a>,
    /// Families that untrusted collectors have shown in this scrape.
    seen: HashSet<Box<str>>,
    open: bool,
}

/// Who gives, and what has to be checked therefore.
#[derive(Clone, Copy)]
enum Giver<'a> {
    /// A metric that the registry has made: its name is its own.
    Trusted,
    /// A collector, which may give anything.
    Untrusted(&'a Registered),
    /// The library's own families, which give way to any other.
    Own,
}

/// Looks at the time now and then, and knows once the deadline has passed.
struct Clock {
    deadline: Option<Instant>,
    until_look: u32,
    is_over: bool,
}

/// How many points are let through between two looks at the clock, which cost more than a point.
const POINTS_BETWEEN_LOOKS: u32 = 512;

impl Clock {
    fn new(deadline: Option<Instant>) -> Self {
        Self {
            deadline,
            until_look: 0,
            is_over: false,
        }
    }

    fn look(&mut self) -> bool {
        self.until_look = POINTS_BETWEEN_LOOKS;
        self.is_over = self
            .deadline
            .is_some_and(|deadline| deadline <= Instant::now());
        self.is_over
    }

    /// Whether the deadline has passed, not later than a few hundred calls ago.
    #[inline]
    fn is_over(&mut self) -> bool {
        if self.until_look == 0 {
            return self.look();
        }
        self.until_look -= 1;
        self.is_over
    }
}

impl<'a, S: Sink + ?Sized> Gate<'a, S> {
    fn collect(&mut self, registered: &'a Registered) {
        self.giver = if registered.trusted {
            Giver::Trusted
        } else {
            Giver::Untrusted(registered)
        };
        self.open = false;
        if let Some(ahead) = &self.scrape.ahead
            && let Some(failure) = ahead.give(registered, self)
        {
            if let Some(failure) = failure {
                registered.failures.count(failure);
            }
            return;
        }
        if self.clock.is_over() {
            registered.failures.count(Failure::Deadline);
            return;
        }
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
        if !registered.trusted {
            // It may have taken any time.
            self.clock.until_look = 0;
        }
        if self.clock.is_over {
            // The time ran out while it gave.
            registered.failures.count(Failure::Deadline);
        }
    }

    /// From now on the library's own families come, which are few and there at any time.
    fn begin_own(&mut self) {
        self.giver = Giver::Own;
        self.clock = Clock::new(None);
    }

    /// What failed since the start, if anything ever did.
    fn failures(&mut self, in_order: &[Arc<Registered>]) -> Result<(), CollectError> {
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
        self.open = self.scrape.wants(descriptor) && !self.clock.is_over;
        let name = descriptor.name();
        match self.giver {
            Giver::Untrusted(registered) if self.open => {
                let fresh = !self.seen.contains(name)
                    && self.scrape.registry.may_show(Some(registered), descriptor);
                if fresh {
                    self.seen.insert(name.into());
                } else {
                    registered.failures.count(Failure::Duplicate);
                    self.open = false;
                }
            }
            Giver::Own if self.open => {
                self.open =
                    !self.seen.contains(name) && self.scrape.registry.may_show(None, descriptor);
            }
            _ => {}
        }
        self.open = self.open && self.sink.family(descriptor);
        self.open
    }

    #[inline]
    fn point(&mut self, head: Head<'_>, point: &Point<'_>) -> bool {
        self.open = self.open && !self.clock.is_over() && self.sink.point(head, point);
        self.open
    }

    fn context(&self) -> &ScrapeContext {
        &self.context
    }
}

/// Why a collector's families are missing from a scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Error,
    Panic,
    Duplicate,
    /// There was no time for it, or not for all of it.
    Deadline,
    /// It is still at work for a scrape that has ended without it.
    Hanging,
    /// It gave more than can be kept.
    Limit,
}

impl Failure {
    const ALL: [Self; 6] = [
        Self::Error,
        Self::Panic,
        Self::Duplicate,
        Self::Deadline,
        Self::Hanging,
        Self::Limit,
    ];

    fn reason(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Panic => "panic",
            Self::Duplicate => "duplicate_family",
            Self::Deadline => "deadline",
            Self::Hanging => "still_running",
            Self::Limit => "limit",
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
