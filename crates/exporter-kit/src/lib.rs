//! Metrics for Prometheus: metric types, formats, and an HTTP server that answers scrapes. For exporters and for
//! services that measure themselves.
//!
#![cfg_attr(feature = "http", doc = include_str!("../docs/front.md"))]
//! Add it with `cargo add exporter-kit`, and with `--features` for what the table below lists.
//!
//! # Map
//!
//! Each room uses only rooms above it.
//!
//! | room | to | use |
//! |---|---|---|
//! | model | describe numbers | [`Descriptor`], [`MetricType`], [`Sample`], [`SeriesKey`], [`Number`] |
//! | collect | show numbers from elsewhere | [`Collect`], [`FamilyWriter`], [`Sink`] |
//! | encode | choose a format | [`Format`], [`Escaping`] |
//! | [`parse`] | read an exposition | [`parse`], [`Snapshot`] |
//! | [`lint`] | check names | [`lint::snapshot`], [`linted`](Definition::linted) |
//! | metric | record | [`Counter`], [`Gauge`], [`IntGauge`], [`Histogram`], [`Summary`], [`Info`], [`StateSet`] |
//! | | record by labels | [`Family`], [`EnumFamily`] with [`label_enum!`] |
//! | | define metrics in a `static` | [`Definition`], [`Static`] |
//! | source | fetch numbers asynchronously | `source::Source`, `source::Sources` |
//! | | show the process and the build | [`ProcessCollector`], [`BuildInfo`] |
//! | registry | make and register metrics | [`Registry`] |
//! | [`scrape`] | render an exposition | [`Registry::scrape`] |
//! | server | answer scrapes over HTTP | `Server`, `serve` |
//! | toolkit | take flags, a web configuration and sockets of systemd | `toolkit::WebFlags` |
//! | layer | measure HTTP requests | `layer::RequestMetrics` |
//! | [`push`] | write a file, push to a gateway or Graphite | [`push`] |
//! | [`testing`] | test metrics | [`testing`] |
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `http` (default) | the server and the handler; without it the library depends on no async runtime |
//! | `source` (with `http`) | asynchronous sources: `source::Sources` |
//! | `push` | clients of a Pushgateway and Graphite |
//! | `tower` | metrics of HTTP requests as a layer: `layer::RequestMetrics` |
//! | `systemd` | socket activation, and readiness, reloads and health for systemd |
//! | `clap` | the usual flags of an exporter: `toolkit::WebFlags` |
//! | `web-config` | the web configuration file: TLS, HTTP/2, logins |
//! | `zstd` | responses compressed with zstd |
//! | `experimental-openmetrics-2` | OpenMetrics text 2.0.0, release candidate 0; it changes with the draft |
//!
//! # Errors
//!
//! Definitions are checked when a metric is made, and those of a `static` when the program is built. Recording never
//! fails. Failed collectors and refused series appear in the scrape itself, in metrics with the prefix `exporter_kit_`,
//! and in the [`log`](https://docs.rs/log) crate. The `Debug` of every error is its `Display` with the remedy, so a
//! `main` that returns `Result<(), Box<dyn Error>>` prints it.
//!
//! # Versions
//!
//! The library needs Rust 1.89 or newer; a newer minimum is a minor release. It follows semantic versioning. Before 1.0
//! a minor release can break the API, a patch release cannot. Feature `experimental-openmetrics-2` is exempt.

#![cfg_attr(docsrs, feature(doc_cfg))]
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
