//! Every kind of metric, and names and labels that a parser could stumble over.

use std::time::Duration;

use exporter_kit::{
    Collect, CollectError, Descriptor, FamilyWriter, Gauge, Histogram, HistogramValue, MetricType,
    Registry, Sink, StateSet, Summary, Timestamp,
};

use super::Browser;
use super::shop::serve;

/// Families that the library has no metric type for: a gauge histogram, an unknown type, and times.
struct Foreign;

impl Collect for Foreign {
    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        let sizes = Descriptor::new(MetricType::GaugeHistogram, "queue_sizes", "Of now.")?;
        let value =
            HistogramValue::classic(&[1.0, 2.0], &[3, 7], 8, 21.5).map_err(CollectError::source)?;
        FamilyWriter::begin(sink, &sizes, [])?.gauge_histogram([], &value)?;
        let foreign = Descriptor::new(MetricType::Unknown, "foreign", "From elsewhere.")?;
        let mut family = FamilyWriter::begin(sink, &foreign, ["from"])?;
        family.timestamp(Some(Timestamp::new(1_700_000_000, 0)));
        family.unknown(["} 7 # {\"a\"} 8"], 2)?;
        Ok(())
    }
}

fn registry() -> Registry {
    let registry = Registry::new();
    let named = registry
        .add(
            Gauge::define("größe.der \"schlange\"", "In any language.")
                .utf8_names()
                .labels(["wo.genau"]),
        )
        .expect("a free name");
    named.with(["Köln, {am} \"Rhein\"\\"]).set(12.5);
    let counted = registry
        .counter("counted_total", "With an exemplar.")
        .expect("a free name");
    counted
        .inc_with_exemplar(3, &[("trace_id", "} 99")])
        .expect("a short exemplar");
    let phase = registry
        .add(StateSet::define("phase", "Where it is.", &["idle", "busy"]))
        .expect("a free name");
    phase.set("busy");
    let took = registry
        .add(
            Summary::define("took_seconds", "How long.")
                .quantiles(&[0.5], Duration::from_secs(600)),
        )
        .expect("a free name");
    took.observe(0.25);
    let native = registry
        .add(Histogram::define("native_seconds", "No classic buckets.").native())
        .expect("a free name");
    native.observe(0.25);
    let limits = registry
        .add(Gauge::define("limit", "Of numbers.").labels(["which"]))
        .expect("a free name");
    limits.with(["most"]).set(f64::INFINITY);
    limits.with(["none"]).set(f64::NAN);
    limits.with(["tiny"]).set(-0.000_001_234_56);
    registry.register(Foreign).expect("free names");
    registry
}

#[test]
fn it_understands_every_kind() {
    let Some(mut browser) = Browser::start("page-kinds") else {
        return;
    };
    let (_server, page) = serve(&registry());
    browser.open(&page);
    browser.drawn();
    let rows = browser.evaluate(
        "[...document.querySelectorAll('.family')].map((family) => family.querySelector('h2').textContent + ' ' + family.querySelector('.type').textContent + ': ' + [...family.querySelectorAll('tbody tr')].map((tr) => [...tr.cells].slice(0, 2).map((td) => [...td.childNodes].map((node) => node.textContent).join(' ')).join(' | ')).join(' ; ')).join('\\n')",
    );
    let rows = rows.as_str().expect("text").replace('\u{202f}', " ");
    for line in [
        "größe.der \"schlange\" gauge: wo.genau=Köln, {am} \"Rhein\"\\ | 12.5",
        "counted_total counter:  | 3",
        "phase stateset:  | busy",
        "took_seconds summary: mean 250 msp50 2",
        "native_seconds histogram: mean 250 mssum 250 ms | 1",
        "limit gauge: which=most | +Inf ; which=none | NaN ; which=tiny | −1.235e−6",
        "queue_sizes gaugehistogram: mean 2.688p50 ≈ 1.25p90 ≈ 2p99 ≈ 2sum 21.5 | 8",
        "foreign unknown: from=} 7 # {\"a\"} 8 | 2",
    ] {
        assert!(
            rows.lines().any(|row| row.starts_with(line)),
            "{line} in\n{rows}"
        );
    }
    browser.assert_calm(&page);
}
