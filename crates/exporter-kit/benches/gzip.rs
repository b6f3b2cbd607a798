//! The time of a compressed scrape, through the HTTP handler and with the ordinary compressor.
//!
//! `cargo bench -p exporter-kit --bench gzip`. Times are the median of rounds in which all rows take turns.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement ends where it fails, and prints what it found"
)]

use std::io::Read;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use exporter_kit::scrape::MetricsHandler;
use exporter_kit::{Format, Gauge, Histogram, Registry};
use flate2::{Compress, Compression, FlushCompress};
use http::Request;
use http_body_util::BodyExt;
use tokio::runtime::Runtime;

const ROUNDS: usize = 41;

/// A registry, and how to give its series other values.
struct Case {
    name: &'static str,
    registry: Registry,
    touch: Box<dyn FnMut(u64)>,
}

fn gauges(name: &'static str, families: usize, series: usize) -> Case {
    let registry = Registry::new();
    let mut all: Vec<Gauge> = Vec::new();
    for family in 0..families {
        let gauges = registry
            .add(
                Gauge::define(
                    &*format!("bench_gauge_number_{family}").leak(),
                    &*format!("A gauge of the benchmark, number {family}.").leak(),
                )
                .labels(["method", "path", "status"]),
            )
            .unwrap();
        for i in 0..series {
            let method = ["GET", "PUT", "POST", "DELETE"][i % 4];
            let status = ["200", "204", "404", "500", "503"][i / 4 % 5];
            all.push(gauges.with([method, &format!("/api/v1/items/{i}"), status]));
        }
    }
    let touch = Box::new(move |round: u64| {
        for (i, gauge) in all.iter().enumerate() {
            gauge.set((round.wrapping_mul(7919) + i as u64 * 104_729) % 100_003);
        }
    });
    Case {
        name,
        registry,
        touch,
    }
}

fn histograms() -> Case {
    let registry = Registry::new();
    let mut all: Vec<Histogram> = Vec::new();
    for family in 0..10 {
        let histograms = registry
            .add(
                Histogram::define(
                    &*format!("bench_histogram_number_{family}_seconds").leak(),
                    "How long it took.",
                )
                .labels(["method", "path"]),
            )
            .unwrap();
        for i in 0..100 {
            let method = ["GET", "PUT", "POST", "DELETE"][i % 4];
            all.push(histograms.with([method, &format!("/api/v1/items/{i}")]));
        }
    }
    let touch = Box::new(move |round: u64| {
        for (i, histogram) in all.iter().enumerate() {
            for k in 0..5 {
                let x = (round + i as u64 * 31 + k * 17) % 97;
                histogram.observe(x as f64 * 0.03);
            }
        }
    });
    Case {
        name: "1 000 histograms, 14 lines each",
        registry,
        touch,
    }
}

struct Row {
    name: String,
    bytes: usize,
    times: Vec<Duration>,
}

fn get(runtime: &Runtime, handler: &MetricsHandler, coding: &str) -> Vec<u8> {
    let request = Request::get("/metrics")
        .header("accept-encoding", coding)
        .body(())
        .unwrap();
    runtime.block_on(async {
        let body = handler.respond(&request).await.into_body();
        body.collect().await.unwrap().to_bytes().into()
    })
}

fn ordinary(registry: &Registry, level: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let mut compress = Compress::new_gzip(Compression::new(level), 15);
    let scrape = registry.scrape(Format::Text);
    let mut deflate = |mut text: &[u8], flush| {
        loop {
            out.reserve(16 * 1024);
            let before = compress.total_in();
            let status = compress.compress_vec(text, &mut out, flush).unwrap();
            text = &text[(compress.total_in() - before) as usize..];
            let more =
                matches!(flush, FlushCompress::Finish) && status != flate2::Status::StreamEnd;
            if text.is_empty() && !more {
                break;
            }
        }
    };
    let _ = scrape.chunks(|text| {
        deflate(text, FlushCompress::None);
        text.clear();
        ControlFlow::Continue(())
    });
    deflate(&[], FlushCompress::Finish);
    out
}

fn text(registry: &Registry) -> Vec<u8> {
    let mut size = 0_usize;
    let _ = registry.scrape(Format::Text).chunks(|text| {
        size += text.len();
        text.clear();
        ControlFlow::Continue(())
    });
    vec![0; size]
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let cases = [
        gauges("10 gauges with 3 labels", 1, 10),
        gauges("100 gauges with 3 labels", 1, 100),
        gauges("200 gauges with 3 labels", 2, 100),
        gauges("400 gauges with 3 labels", 4, 100),
        gauges("1 000 gauges with 3 labels", 10, 100),
        gauges("10 000 gauges with 3 labels", 100, 100),
        histograms(),
    ];
    for mut case in cases {
        measure(&runtime, &mut case);
    }
}

fn measure(runtime: &Runtime, case: &mut Case) {
    let handler = MetricsHandler::new(&case.registry);
    let registry = case.registry.clone();
    type Way<'a> = (String, Box<dyn Fn() -> Vec<u8> + 'a>);
    let mut ways: Vec<Way<'_>> = vec![
        ("text".into(), Box::new(|| text(&registry))),
        (
            "HTTP handler, not compressed".into(),
            Box::new(|| get(runtime, &handler, "identity")),
        ),
        (
            "HTTP handler, gzip".into(),
            Box::new(|| get(runtime, &handler, "gzip")),
        ),
        (
            // Not compressed where the feature is off.
            "HTTP handler, zstd".into(),
            Box::new(|| get(runtime, &handler, "zstd")),
        ),
    ];
    for level in [1, 3, 5, 6] {
        let registry = &registry;
        ways.push((
            format!("text and zlib-rs level {level}"),
            Box::new(move || ordinary(registry, level)),
        ));
    }
    let mut rows: Vec<Row> = ways
        .iter()
        .map(|(name, _)| Row {
            name: name.clone(),
            bytes: 0,
            times: Vec::new(),
        })
        .collect();
    for round in 0..ROUNDS as u64 + 3 {
        (case.touch)(round);
        let expected = registry.to_text();
        for ((_, way), row) in ways.iter().zip(&mut rows) {
            let started = Instant::now();
            let body = way();
            let time = started.elapsed();
            if body.starts_with(&[0x1f, 0x8b]) {
                let mut decoded = String::new();
                let mut decoder = flate2::read::GzDecoder::new(&*body);
                decoder.read_to_string(&mut decoded).unwrap();
                assert_eq!(decoded, expected);
            }
            row.bytes = body.len();
            // The first scrapes are for learning.
            if round >= 3 {
                row.times.push(time);
            }
        }
    }
    let lines = registry.to_text().lines().count();
    println!("\n{}", case.name);
    println!(
        "{:32} {:>10} {:>10} {:>10} {:>10}",
        "what", "ms", "least ms", "ns/line", "bytes"
    );
    for mut row in rows {
        row.times.sort();
        let median = row.times[row.times.len() / 2].as_nanos() as f64;
        println!(
            "{:32} {:>10.3} {:>10.3} {:>10.1} {:>10}",
            row.name,
            median / 1e6,
            row.times[0].as_nanos() as f64 / 1e6,
            median / lines as f64,
            row.bytes
        );
    }
}
