//! Metrics for Prometheus: the numbers a program keeps, the formats they are written in, and the HTTP server that
//! answers scrapes. For exporters and for services that measure themselves alike.
//!
#![cfg_attr(feature = "http", doc = include_str!("../docs/front.md"))]
//! # Map
//!
//! | to | use |
//! |---|---|
//! | record | [`Counter`], [`Gauge`], [`IntGauge`], [`Histogram`], [`Summary`], [`Info`], [`StateSet`] |
//! | record by labels | [`Family`], [`EnumFamily`] with [`label_enum!`] |
//! | define metrics in a `static` | [`Static`] |
//! | gather what is scraped together | [`Registry`] |
//! | give numbers from elsewhere | [`Collect`], [`FamilyWriter`], [`Descriptor`] |
//! | fetch numbers from where they are kept | `source::Source`, `source::Sources` |
//! | show the process and the build | [`ProcessCollector`], [`BuildInfo`] |
//! | write an exposition | [`Registry::scrape`], [`Format`] |
//! | read one, and look into it | [`parse`], [`Snapshot`] |
//! | leave in a file, push to a gateway or Graphite | [`push`] |
//! | check names | [`lint`] |
//! | test what is measured | [`testing`] |
//!
//! # Features
//!
//! - `http` (on unless switched off): the server and the handler. Without it there is no async runtime among the
//!   dependencies, and an exposition is had with [`Registry::scrape`].
//! - `source` (with `http`): asynchronous sources of numbers, and what runs them: `source::Sources`.
//! - `push`: a Pushgateway and Graphite as receivers.
//! - `tower`: metrics of the requests that go through a service or a client, as a layer: `layer::RequestMetrics`.
//! - `systemd`: socket activation, and readiness, reloads and health for systemd.
//! - `clap`: `toolkit::WebFlags`, the flags that operators expect of an exporter, in one line of a command line.
//! - `web-config`: TLS, HTTP/2, logins and what else the web configuration file of exporters says.
//! - `zstd`: bodies compressed with zstd, beside gzip.
//! - `experimental-openmetrics-2`: OpenMetrics text 2.0.0 as of its release candidate 0. It changes as that does.
//!
//! Errors are values: what is made at run time is checked when it is made, what is `static` when the program is built.
//! Recording never fails. Failures of collectors and refused series are shown in the scrape itself, in metrics whose
//! names begin with `exporter_kit_`, and told to the [`log`](https://docs.rs/log) crate.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod build_info;
mod collect;
#[cfg(any(doc, doctest))]
pub mod docs;
mod encode;
mod error;
#[cfg(feature = "tower")]
pub mod layer;
pub mod lint;
mod metric;
mod model;
mod name;
#[cfg(feature = "http")]
mod page;
pub mod parse;
mod process;
pub mod push;
mod registry;
pub mod scrape;
#[cfg(feature = "http")]
pub mod server;
mod snapshot;
#[cfg(feature = "source")]
pub mod source;
mod sync;
pub mod testing;
#[cfg(feature = "http")]
pub mod toolkit;

pub use build_info::BuildInfo;
pub use collect::{Collect, CollectError, FamilyWriter, ScrapeContext, Sink};
pub use encode::{Escaping, Format};
pub use metric::{
    Counter, DEFAULT_BUCKETS, Definition, DefinitionError, EnumFamily, EnumLabels, Family, Gauge,
    Histogram, InProgress, Info, IntGauge, LabelEnum, Metric, Observe, SetupErrorKind, StateSet,
    Static, Summary, Timer,
};
pub use model::{
    Descriptor, EXEMPLAR_MAX_CHARS, Exemplar, ExemplarError, HistogramError, HistogramValue,
    IntoNumber, Labels, MetricType, NativeBuckets, Number, Sample, SeriesKey, SummaryValue,
    Timestamp, Value,
};
pub use name::{NameError, NameErrorKind, NameScheme};
pub use process::ProcessCollector;
pub use registry::{Register, RegisterError, Registry, default_registry};
pub use scrape::Scrape;
#[cfg(feature = "http")]
#[doc(inline)]
pub use server::{ServeError, Server, serve};
pub use snapshot::{FamilySnapshot, Snapshot};

#[cfg(all(doctest, feature = "http"))]
#[doc = include_str!("../README.md")]
mod readme {}
