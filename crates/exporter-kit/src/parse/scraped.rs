//! The lines that can be read as scraped, and the result.

use std::borrow::Cow;
use std::fmt;

use crate::parse::Dialect;
use crate::parse::error::ParseError;
use crate::parse::page;
use crate::snapshot::Snapshot;

/// Labels of a sample in their order, as pairs of name and value, unescaped.
pub type ScrapedLabels<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// Reads an exposition [as scraped](super::as_scraped), with other names and labels.
///
/// ```
/// use exporter_kit::parse::{AsScraped, Dialect};
///
/// let page = "# TYPE jobs counter\njobs{host=\"a\"} -3\nlost\n";
/// let scraped = AsScraped::new(Dialect::Text)
///     .with_prefix("batch_")
///     .with_labels(&|labels| labels.push(("team".into(), "blue".into())))
///     .read(page)?;
/// let labels = [("host", "a"), ("team", "blue")];
/// assert_eq!(scraped.snapshot().value("batch_jobs", &labels), Some(-3.0));
/// assert_eq!(scraped.left_out(), 1);
/// assert_eq!(scraped.faults()[0].line(), 3);
/// # Ok::<(), exporter_kit::parse::ParseError>(())
/// ```
pub struct AsScraped<'o> {
    pub(crate) dialect: Dialect,
    pub(crate) prefix: &'o str,
    pub(crate) wants: Option<&'o dyn Fn(&str) -> bool>,
    pub(crate) relabel: Option<&'o Relabel<'o>>,
}

type Relabel<'o> = dyn for<'l> Fn(&mut ScrapedLabels<'l>) + 'o;

impl<'o> AsScraped<'o> {
    /// Reads that dialect.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            prefix: "",
            wants: None,
            relabel: None,
        }
    }

    /// Adds a prefix to the name of each family and sample. It must be the begin of a valid name.
    #[must_use]
    pub fn with_prefix(self, prefix: &'o str) -> Self {
        Self { prefix, ..self }
    }

    /// Keeps only families that `wants` accepts. It is called with the name used in queries, without the prefix.
    #[must_use]
    pub fn with_families(self, wants: &'o dyn Fn(&str) -> bool) -> Self {
        let wants = Some(wants);
        Self { wants, ..self }
    }

    /// Changes the labels of each sample with `relabel`. Names must be valid. A sample
    /// whose labels become a duplicate is left out.
    #[must_use]
    pub fn with_labels(self, relabel: &'o dyn for<'l> Fn(&mut ScrapedLabels<'l>)) -> Self {
        let relabel = Some(relabel);
        Self { relabel, ..self }
    }

    /// Reads an exposition.
    ///
    /// # Errors
    /// When OpenMetrics does not end in `# EOF`, because the exposition may be cut off.
    pub fn read(&self, exposition: impl AsRef<[u8]>) -> Result<Scraped, ParseError> {
        page::read(exposition.as_ref(), self)
    }
}

impl fmt::Debug for AsScraped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsScraped")
            .field("dialect", &self.dialect)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// An exposition as scraped: the samples that Prometheus keeps, and what is wrong with the others.
#[derive(Clone, Debug, Default)]
pub struct Scraped {
    pub(crate) snapshot: Snapshot,
    pub(crate) faults: Vec<ParseError>,
    pub(crate) left_out: u64,
    pub(crate) rejection: Option<ParseError>,
}

impl Scraped {
    /// The most faults that [`faults`](Self::faults) lists.
    pub const MAX_FAULTS: usize = 100;

    /// The families. Those with rules that they may break have a [`Line`](crate::Value::Line) for each sample.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The families, owned.
    pub fn into_snapshot(self) -> Snapshot {
        self.snapshot
    }

    /// The first faults, at most [`MAX_FAULTS`](Self::MAX_FAULTS): a sample that is left out, or a line that is ignored.
    pub fn faults(&self) -> &[ParseError] {
        &self.faults
    }

    /// The first fault for which Prometheus 3 rejects the whole exposition, if any. Some of them leave nothing out here,
    /// such as a type in capitals.
    pub fn rejection(&self) -> Option<&ParseError> {
        self.rejection.as_ref()
    }

    /// The number of samples and other lines that are left out.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}
