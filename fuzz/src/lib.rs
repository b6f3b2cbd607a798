//! The targets: each takes any bytes, and panics where a promise of the library, or of app_exporter, does not hold.

mod bytes;
mod compressed;
pub mod corpus;
mod large;
mod metrics;
mod negotiate;
mod requests;
mod structural_gzip;
mod web_config;

pub use app_exporter::fuzzing::{configuration, decoders, probe_targets, replies, utmp};
pub use compressed::compressed;
pub use large::large;
pub use metrics::structure;
pub use negotiate::negotiation;
pub use requests::requests;
pub use structural_gzip::structural_gzip;
pub use web_config::web_configuration;

use exporter_kit::{Format, Snapshot, parse};

/// A target: its name, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 16] = [
    ("openmetrics", openmetrics),
    ("text", text),
    ("as_scraped", as_scraped),
    ("round_trip", round_trip),
    ("large", large),
    ("negotiation", negotiation),
    ("structure", structure),
    ("compressed", compressed),
    ("structural_gzip", structural_gzip),
    ("requests", requests),
    ("web_configuration", web_configuration),
    ("decoders", decoders),
    ("configuration", configuration),
    ("utmp", utmp),
    ("probe_targets", probe_targets),
    ("replies", replies),
];

/// The strict parser never panics, and its errors have a place.
pub fn openmetrics(data: &[u8]) {
    if let Err(error) = parse::openmetrics(data) {
        check_place(data, &error);
    }
}

/// The lenient parser never panics, and its errors have a place.
pub fn text(data: &[u8]) {
    if let Err(error) = parse::text(data) {
        check_place(data, &error);
    }
}

/// The reader of expositions as scraped never panics. What it keeps is written again, read as the same, and valid in
/// OpenMetrics. What it leaves out has a place.
pub fn as_scraped(data: &[u8]) {
    for dialect in [parse::Dialect::Text, parse::Dialect::OpenMetrics] {
        let scraped = match parse::as_scraped(data, dialect) {
            Ok(scraped) => scraped,
            Err(error) => {
                check_place(data, &error);
                continue;
            }
        };
        for fault in scraped.faults() {
            check_place(data, fault);
        }
        let kept = samples(scraped.snapshot());
        let text = scraped.snapshot().encode(Format::Text);
        match parse::as_scraped(&text, parse::Dialect::Text) {
            Ok(again) => assert_eq!((again.left_out(), samples(again.snapshot())), (0, kept)),
            Err(error) => panic!("what is kept is not read again: {error}"),
        }
        let openmetrics = scraped.snapshot().encode(Format::OpenMetrics);
        if let Err(error) = parse::openmetrics(&openmetrics) {
            panic!("what is kept is not OpenMetrics: {error}");
        }
    }
}

/// The number of samples.
fn samples(snapshot: &Snapshot) -> usize {
    let families = snapshot.families().iter();
    families.map(|family| family.series().len()).sum()
}

fn check_place(data: &[u8], error: &parse::ParseError) {
    let lines = data.iter().filter(|byte| **byte == b'\n').count() + 1;
    assert!(
        (1..=lines + 1).contains(&error.line()),
        "{error}, of {lines} lines"
    );
    assert!(error.column() >= 1, "{error}");
    assert!(!error.to_string().is_empty());
}

/// A parsed exposition is the same when it is encoded and parsed again, and no format panics on it.
pub fn round_trip(data: &[u8]) {
    if let Ok(snapshot) = parse::openmetrics(data) {
        let body = snapshot.encode(Format::OpenMetrics);
        assert_same(&snapshot, parse::openmetrics(&body), &body);
        every_format(&snapshot);
    }
    if let Ok(snapshot) = parse::text(data) {
        let body = snapshot.encode(Format::TextUtf8);
        let again = parse::text(&body);
        // Names that came twice are not written a second time, and a time before 1970 is written as 0.
        if snapshot.duplicates().next().is_none() && !has_time_before_1970(&snapshot) {
            assert_same(&snapshot, again, &body);
        } else {
            again.unwrap_or_else(|error| panic!("{error}\n{}", String::from_utf8_lossy(&body)));
        }
        every_format(&snapshot);
    }
}

fn has_time_before_1970(snapshot: &Snapshot) -> bool {
    let samples = snapshot
        .families()
        .iter()
        .flat_map(|family| family.series());
    let mut times = samples.filter_map(|(_, sample)| sample.timestamp);
    times.any(|time| time.seconds() < 0)
}

/// A family without series is not shown, so it is not read again.
fn assert_same(snapshot: &Snapshot, again: Result<Snapshot, parse::ParseError>, body: &[u8]) {
    let shown = String::from_utf8_lossy(body);
    let again = again.unwrap_or_else(|error| panic!("{error}\n{shown}"));
    let families = snapshot.families().iter();
    let families: Vec<_> = families
        .filter(|family| family.series().len() > 0)
        .collect();
    let read: Vec<_> = again.families().iter().collect();
    assert_eq!(families, read, "{shown}");
}

/// Encodes in every format; protobuf's lengths add up.
fn every_format(snapshot: &Snapshot) {
    for format in Format::ALL {
        let body = snapshot.encode(*format);
        if *format == Format::Protobuf {
            bytes::check_delimited(&body);
        }
    }
}
