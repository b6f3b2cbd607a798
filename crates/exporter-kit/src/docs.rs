//! Pages: a guide, a cookbook, a page for each metric type, and pages for users of other clients.
//!
//! This module exists only in the documentation. The tests run every Rust example in it.
//!
//! - Metric types: [`counter`], [`gauge`], [`histogram`], [`summary`], [`info`], [`state_set`]; with labels
//!   [`family`] and [`enum_family`].
#![doc = include_str!("../docs/rustdoc-links.txt")]
#![cfg_attr(feature = "http", doc = include_str!("../docs/index.md"))]
#![cfg_attr(
    feature = "clap",
    doc = "- [`operating`] an exporter: flags, paths, systemd, Unix sockets."
)]

#[allow(unused_imports, reason = "the pages link to these names")]
use crate::*;

macro_rules! pages {
    ($($name:ident: $file:literal;)+) => { $(
        // Definitions that come first win over those at the foot of a page, which are for readers of the files.
        #[doc = include_str!("../docs/rustdoc-links.txt")]
        #[doc = include_str!(concat!("../docs/", $file))]
        pub mod $name {}
    )+ };
}

pages! {
    counter: "metrics/counter.md";
    gauge: "metrics/gauge.md";
    histogram: "metrics/histogram.md";
    summary: "metrics/summary.md";
    info: "metrics/info.md";
    state_set: "metrics/state_set.md";
    family: "metrics/family.md";
    enum_family: "metrics/enum_family.md";
}

#[cfg(feature = "web-config")]
pages! {
    web_config: "web-config.md";
}

// Their programs use the server.
#[cfg(feature = "http")]
pages! {
    guide: "guide.md";
    cookbook: "cookbook.md";
    sources: "sources.md";
    compression: "compression.md";
    from_python: "from-python.md";
    from_go: "from-go.md";
    from_prometheus_client: "from-prometheus-client.md";
    from_rust_prometheus: "from-rust-prometheus.md";
    from_metrics: "from-metrics.md";
    from_measured: "from-measured.md";
    from_vise: "from-vise.md";
    parity: "parity.md";
    security: "security.md";
    requirements: "requirements.md";
}

// Its programs use the flags.
#[cfg(feature = "clap")]
pages! {
    operating: "operating.md";
}
