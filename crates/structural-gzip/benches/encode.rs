//! The time and size of structural gzip beside zlib-rs, for texts whose values change every time.
//!
//! `cargo bench -p structural-gzip`. Times are the median of rounds in which all rows take turns.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement ends where it fails, and prints its results"
)]

use std::fmt::Write as _;
use std::io::Read as _;
use std::time::{Duration, Instant};

use flate2::{Compress, Compression, FlushCompress, Status};
use structural_gzip::{Encoder, Structure};

const ROUNDS: usize = 41;

/// The usual size of a piece of text.
const PIECE: usize = 64 * 1024;

/// Lines with three labels and a whole number.
fn gauges(families: usize, version: u64) -> Vec<u8> {
    let mut text = String::new();
    for family in 0..families {
        let _ = writeln!(
            text,
            "# HELP bench_gauge_number_{family} A gauge, number {family}."
        );
        let _ = writeln!(text, "# TYPE bench_gauge_number_{family} gauge");
        for i in 0..100_u64 {
            let method = ["GET", "PUT", "POST", "DELETE"][i as usize % 4];
            let status = ["200", "204", "404", "500", "503"][i as usize / 4 % 5];
            let value = (version * 7919 + (family as u64 * 100 + i) * 104_729) % 100_003;
            let _ = writeln!(
                text,
                "bench_gauge_number_{family}{{method=\"{method}\",path=\"/api/v1/items/{i}\",status=\"{status}\"}} {value}.0"
            );
        }
    }
    text.into_bytes()
}

/// Groups of twelve lines that differ in their last label only, with rising numbers.
fn buckets(groups: u64, version: u64) -> Vec<u8> {
    let mut text = String::new();
    for group in 0..groups {
        for bucket in 0..12 {
            let value = version * (bucket + 1) + group * 31 % 97;
            let _ = writeln!(
                text,
                "bench_seconds_bucket{{path=\"/api/v1/items/{group}\",le=\"0.{bucket}\"}} {value}"
            );
        }
    }
    text.into_bytes()
}

struct Row {
    name: String,
    bytes: usize,
    times: Vec<Duration>,
}

/// Passes a text in pieces of whole lines.
fn structural(encoder: Encoder, text: &[u8]) -> (Vec<u8>, Option<Structure>) {
    let (mut encoder, mut body, mut rest) = (encoder, Vec::new(), text);
    let mut piece = Vec::with_capacity(PIECE + PIECE / 8);
    while !rest.is_empty() {
        let end = PIECE.min(rest.len());
        let line_feed = rest[end - 1..].iter().position(|byte| *byte == b'\n');
        let end = line_feed.map_or(rest.len(), |found| end + found);
        piece.extend_from_slice(&rest[..end]);
        encoder.encode(&mut piece, &mut body);
        rest = &rest[end..];
    }
    let learned = encoder.finish(&mut body);
    (body, learned.map(|learned| learned.structure))
}

fn zlib(level: u32, mut text: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new_gzip(Compression::new(level), 15);
    let mut body = Vec::new();
    loop {
        body.reserve(16 * 1024);
        let before = compress.total_in();
        let status = compress.compress_vec(text, &mut body, FlushCompress::Finish);
        text = &text[(compress.total_in() - before) as usize..];
        if status.unwrap() == Status::StreamEnd {
            return body;
        }
    }
}

fn main() {
    measure("100 lines with three labels", |version| gauges(1, version));
    measure("1 000 lines with three labels", |version| {
        gauges(10, version)
    });
    measure("10 000 lines with three labels", |version| {
        gauges(100, version)
    });
    measure("12 000 lines in groups of 12", |version| {
        buckets(1000, version)
    });
}

fn measure(case: &str, text: impl Fn(u64) -> Vec<u8>) {
    let learn = |text: &[u8]| {
        let encoder = Encoder::new(Structure::new());
        structural(encoder, text).1.unwrap()
    };
    let known = learn(&text(0));
    type Way<'a> = (String, Box<dyn Fn(&[u8]) -> Vec<u8> + 'a>);
    let mut ways: Vec<Way<'_>> = vec![
        (
            "known structure".into(),
            Box::new(|text| structural(Encoder::new(known.clone()), text).0),
        ),
        (
            "known structure, new codes".into(),
            Box::new(|text| structural(Encoder::new(known.clone()).renew_codes(), text).0),
        ),
        (
            "empty structure".into(),
            Box::new(|text| structural(Encoder::new(Structure::new()), text).0),
        ),
    ];
    for level in [1, 3, 5, 6] {
        ways.push((
            format!("zlib-rs level {level}"),
            Box::new(move |text| zlib(level, text)),
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
    let mut lines = 0;
    for round in 1..=ROUNDS as u64 {
        let text = text(round);
        lines = text.iter().filter(|byte| **byte == b'\n').count();
        for ((_, way), row) in ways.iter().zip(&mut rows) {
            let started = Instant::now();
            let body = way(&text);
            row.times.push(started.elapsed());
            row.bytes = body.len();
            let mut decoded = Vec::new();
            let mut decoder = flate2::read::GzDecoder::new(&*body);
            decoder.read_to_end(&mut decoded).unwrap();
            assert!(decoded == text, "{case}: {}", row.name);
        }
    }
    println!("\n{case}");
    println!(
        "{:28} {:>10} {:>10} {:>10}",
        "encoder", "ms", "ns/line", "bytes"
    );
    for mut row in rows {
        row.times.sort();
        let median = row.times[row.times.len() / 2].as_nanos() as f64;
        println!(
            "{:28} {:>10.3} {:>10.1} {:>10}",
            row.name,
            median / 1e6,
            median / lines as f64,
            row.bytes
        );
    }
}
