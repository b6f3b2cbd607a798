//! Expositions that are scraped, changed and scraped again, with gzip.

use std::io::Read;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use exporter_kit::scrape::MetricsHandler;
use exporter_kit::{
    Collect, CollectError, Descriptor, Family, FamilyWriter, Format, Gauge, Histogram, MetricType,
    Registry, Sink,
};
use flate2::read::GzDecoder;
use http::{Request, header};
use http_body::Body as _;

use crate::bytes::Choices;

/// The formats that are compressed by structure.
const FORMATS: [Format; 3] = [Format::Text, Format::TextUtf8, Format::OpenMetrics];

/// Series at the start: some 20 KiB of text, enough to be compressed by structure.
const SERIES: u16 = 300;

/// Scrapes of one format until what it shows is known: one says how large it is, one learns.
const SCRAPES_TO_LEARN: usize = 2;

/// A collector's own samples, other ones each time.
#[derive(Clone, Default)]
struct Own(Arc<Mutex<Vec<(String, f64)>>>);

impl Collect for Own {
    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        let family = Descriptor::new(MetricType::Gauge, "own_samples", "Samples of a collector.")?;
        let mut writer = FamilyWriter::begin(sink, &family, ["label"])?;
        let samples = self.0.lock().expect("nothing panics under it");
        for (label, value) in samples.iter() {
            writer.gauge([label], *value)?;
        }
        Ok(())
    }
}

struct Subject {
    registry: Registry,
    handler: MetricsHandler,
    gauges: Family<Gauge, 2>,
    seconds: Family<Histogram, 1>,
    own: Own,
}

impl Subject {
    fn new() -> Self {
        let registry = Registry::new();
        let valid = "a valid definition";
        let gauges = Gauge::define("queue_length", "Jobs \\ that wait.\nAnd more.");
        let seconds = Histogram::define("request_seconds", "How long it took.");
        let own = Own::default();
        registry.register(own.clone()).expect(valid);
        let subject = Self {
            handler: MetricsHandler::new(&registry),
            gauges: registry.add(gauges.labels(["queue", "kind"])).expect(valid),
            seconds: registry.add(seconds.labels(["path"])).expect(valid),
            own,
            registry,
        };
        (0..SERIES).for_each(|series| subject.set(series, f64::from(series)));
        subject
    }

    fn set(&self, series: u16, value: f64) {
        let kind = ["first", "second \"quoted\"", "third\n"][usize::from(series) % 3];
        self.gauges.with([&series.to_string(), kind]).set(value);
    }

    fn change(&self, choices: &mut Choices<'_>) {
        let from = u16::from(choices.byte()) * 2;
        let series = from..from + u16::from(choices.below(40));
        match choices.below(6) {
            0 => {
                let value = choices.float();
                series.for_each(|series| self.set(series, value));
            }
            1 => series.for_each(|series| {
                self.gauges
                    .remove_matching(&[("queue", &series.to_string())]);
            }),
            2 => {
                let seconds = self.seconds.with([&choices.text()]);
                (0..choices.below(8)).for_each(|_| seconds.observe(choices.float()));
            }
            3 => {
                // One label twice is refused, and counted in every scrape: each would have another text.
                let samples = (0..choices.below(8)).map(|_| (choices.text(), choices.float()));
                let mut samples: Vec<_> = samples.collect();
                samples.sort_by(|a, b| a.0.cmp(&b.0));
                samples.dedup_by(|a, b| a.0 == b.0);
                *self.own.0.lock().expect("nothing panics under it") = samples;
            }
            4 => {
                // One more family between the others, unless its name is taken.
                let name = format!("family_{}", choices.byte());
                let _ = self.registry.gauge(&name, &choices.text());
            }
            _ => {
                // A head that is longer than a match, or than the part of a head that is searched.
                let long = choices.text().repeat(usize::from(choices.byte()) * 4);
                self.gauges.with([&long, "long"]).set(choices.float());
            }
        }
    }

    /// Scrapes with and without gzip: one decoded is the other.
    fn check(&self, format: Format, query: &str) {
        let coded = self.get(format, query, "gzip");
        let expected = self.get(format, query, "identity");
        let mut text = Vec::new();
        let mut decoder = GzDecoder::new(coded.as_slice());
        let decoded = decoder.read_to_end(&mut text);
        assert!(decoded.is_ok(), "{format}: {decoded:?}");
        assert!(text == expected, "{format}: decoded it is another text");
        assert!(decoder.into_inner().is_empty(), "bytes follow the stream");
    }

    fn get(&self, format: Format, query: &str, coding: &str) -> Vec<u8> {
        let request = Request::get(format!("/metrics{query}"))
            .header(header::ACCEPT, format.content_type())
            .header(header::ACCEPT_ENCODING, coding)
            .body(())
            .expect("a valid request");
        let mut cx = Context::from_waker(Waker::noop());
        // Outside a runtime everything is encoded at once.
        let Poll::Ready(answer) = pin!(self.handler.respond(&request)).poll(&mut cx) else {
            panic!("it waits for something");
        };
        let is_coded = answer.headers().contains_key(header::CONTENT_ENCODING);
        assert_eq!(is_coded, coding == "gzip");
        let mut body = pin!(answer.into_body());
        let mut bytes = Vec::new();
        while let Poll::Ready(Some(frame)) = body.as_mut().poll_frame(&mut cx) {
            let data = frame.expect("no scrape dies").into_data();
            bytes.extend_from_slice(&data.expect("there are no trailers"));
        }
        assert!(body.is_end_stream());
        bytes
    }
}

/// Whatever changes between scrapes, what is compressed with what an earlier one has shown is the text of now.
pub fn compressed(data: &[u8]) {
    let mut choices = Choices(data);
    let subject = Subject::new();
    let format = FORMATS[usize::from(choices.below(3))];
    (0..SCRAPES_TO_LEARN).for_each(|_| subject.check(format, ""));
    while !choices.is_empty() {
        (0..=choices.below(4)).for_each(|_| subject.change(&mut choices));
        subject.check(format, "");
        // One that is filtered leaves what is known alone.
        if choices.below(4) == 0 {
            subject.check(format, "?name[]=queue_length");
        }
    }
    subject.check(format, "");
}
