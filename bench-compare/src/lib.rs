//! Measures exporter-kit beside its peers: one command, interleaved samples, outputs compared first.
//!
//! The method is in [`method`], the workload in [`workload`], one file per peer in [`peers`], the rows
//! in [`rows`], and what comes out in [`report`].

pub mod exposition;
pub mod method;
pub mod peers;
pub mod protobuf;
pub mod report;
pub mod rows;
pub mod running;
pub mod scale;
mod secured;
pub mod servers;
pub mod subject;
pub mod workload;
