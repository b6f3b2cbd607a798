//! Laws of the parsers: an encoder's output parses as the original, and no input causes a panic.

use std::sync::Arc;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use crate::encode::Format;
use crate::model::{
    Descriptor, Exemplar, HistogramValue, MetricType, Number, SeriesKeyBuf, SummaryValue, Timestamp,
};
use crate::parse::Dialect;
use crate::snapshot::{OwnedSample, OwnedValue, Series, Snapshot};

/// The metric types of Prometheus text.
const TEXT_TYPES: [MetricType; 5] = [
    MetricType::Counter,
    MetricType::Gauge,
    MetricType::Histogram,
    MetricType::Summary,
    MetricType::Unknown,
];

/// The generated names.
#[derive(Clone, Copy)]
enum Names {
    Legacy,
    Utf8,
}

fn any_name(names: Names) -> BoxedStrategy<String> {
    match names {
        Names::Legacy => "[a-zA-Z0-9_]{0,12}".boxed(),
        Names::Utf8 => any::<String>().boxed(),
    }
}

/// Any number; the special ones are frequent.
fn any_f64() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => any::<f64>(),
        4 => -1e6..1e6,
        2 => (-1000i32..1000).prop_map(f64::from),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
        1 => Just(-0.0),
        1 => Just(f64::MAX),
        1 => Just(5e-324),
    ]
}

/// Not negative, not NaN.
fn rising_f64() -> impl Strategy<Value = f64> {
    any_f64().prop_map(|n| if n.is_nan() { 0.5 } else { n.abs() })
}

fn any_number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<u64>().prop_map(Number::U64),
        any::<i64>().prop_map(Number::I64),
        any_f64().prop_map(Number::F64),
    ]
}

fn any_timestamp() -> impl Strategy<Value = Timestamp> {
    (-100_000_000_000i64..100_000_000_000, 0u32..1_000_000_000)
        .prop_map(|(seconds, nanos)| Timestamp::new(seconds, nanos))
}

fn any_exemplar() -> impl Strategy<Value = Exemplar> {
    let labels = btree_map("[a-z]{1,6}", "\\PC{0,10}", 0..3);
    (labels, any_f64(), option::of(any_timestamp())).prop_map(|(labels, value, timestamp)| {
        let labels: Vec<(&str, &str)> = labels.iter().map(|(n, v)| (&**n, &**v)).collect();
        Exemplar::new(&labels, value, timestamp).unwrap()
    })
}

fn any_histogram(gauge: bool) -> impl Strategy<Value = HistogramValue> {
    let buckets = vec((any_f64(), 0u64..1 << 40, option::of(any_exemplar())), 1..6);
    (buckets, option::of(any_f64())).prop_map(move |(buckets, sum)| {
        let mut bounds: Vec<f64> = buckets.iter().map(|(bound, ..)| *bound).collect();
        bounds.retain(|bound| bound.is_finite());
        bounds.sort_by(f64::total_cmp);
        // -0 and 0 are one bound.
        bounds.dedup_by(|a, b| a == b);
        bounds.push(f64::INFINITY);
        let mut count = 0;
        let counted = buckets.iter().cycle().take(bounds.len());
        let cumulative_counts: Vec<u64> = counted
            .map(|(_, n, _)| {
                count += n;
                count
            })
            .collect();
        let negative = bounds[0] < 0.0;
        let sum = sum.filter(|sum| !sum.is_nan() && (gauge || !negative));
        let exemplars = buckets.iter().cycle().take(bounds.len());
        HistogramValue {
            exemplars: exemplars.map(|(.., exemplar)| exemplar.clone()).collect(),
            bounds: bounds.into(),
            cumulative_counts,
            count,
            sum: if negative { sum } else { sum.map(f64::abs) },
            native: None,
        }
    })
}

fn any_summary() -> impl Strategy<Value = SummaryValue> {
    let quantiles = vec((0.0..=1.0, any_f64()), 0..4);
    (quantiles, any::<u64>(), option::of(rising_f64())).prop_map(|(mut quantiles, count, sum)| {
        quantiles.sort_by(|a, b| f64::total_cmp(&a.0, &b.0));
        quantiles.dedup_by(|a, b| a.0 == b.0);
        let quantiles: Vec<(f64, f64)> = quantiles
            .into_iter()
            .map(|(quantile, value)| (quantile, value.abs()))
            .collect();
        SummaryValue {
            count: (quantiles.is_empty() || count % 2 == 0).then_some(count),
            sum,
            quantiles,
        }
    })
}

fn any_value(metric_type: MetricType) -> BoxedStrategy<OwnedValue> {
    match metric_type {
        MetricType::Counter => {
            let total = prop_oneof![
                any::<u64>().prop_map(Number::U64),
                rising_f64().prop_map(Number::F64),
            ];
            (total, option::of(any_exemplar()))
                .prop_map(|(total, exemplar)| OwnedValue::Counter(total, exemplar.map(Box::new)))
                .boxed()
        }
        MetricType::Gauge => any_number().prop_map(OwnedValue::Gauge).boxed(),
        MetricType::Unknown => any_number().prop_map(OwnedValue::Unknown).boxed(),
        MetricType::Histogram => any_histogram(false)
            .prop_map(|value| OwnedValue::Histogram(Box::new(value)))
            .boxed(),
        MetricType::GaugeHistogram => any_histogram(true)
            .prop_map(|value| OwnedValue::GaugeHistogram(Box::new(value)))
            .boxed(),
        MetricType::Summary => any_summary()
            .prop_map(|value| OwnedValue::Summary(Box::new(value)))
            .boxed(),
        MetricType::Info => Just(OwnedValue::Info).boxed(),
        MetricType::StateSet => btree_map(any::<String>(), any::<bool>(), 1..4)
            .prop_map(|states| {
                let states = states.into_iter().map(|(state, on)| (Arc::from(state), on));
                OwnedValue::StateSet(states.collect())
            })
            .boxed(),
    }
}

/// A family whose name begins with its number, so that no two clash.
fn any_family(
    number: usize,
    types: &'static [MetricType],
    names: Names,
) -> impl Strategy<Value = (Descriptor, Vec<Series>)> {
    // Prometheus text has no times before 1970.
    let time = match types.len() < MetricType::ALL.len() {
        true => any_timestamp()
            .prop_map(|time| Timestamp::new(time.seconds().abs(), 0))
            .boxed(),
        false => any_timestamp().boxed(),
    };
    let begin = match names {
        Names::Legacy => char::from(b'a' + u8::try_from(number).unwrap()),
        Names::Utf8 => char::from(b'0' + u8::try_from(number).unwrap()),
    };
    let labels = (any_name(names), any_name(names));
    let unit = option::of("[a-z]{1,6}");
    let metric_type = prop::sample::select(types);
    (metric_type, any_name(names), unit, any::<String>(), labels).prop_flat_map(
        move |(metric_type, name, unit, help, labels)| {
            let unit =
                unit.filter(|_| !matches!(metric_type, MetricType::Info | MetricType::StateSet));
            let with_unit = unit
                .as_ref()
                .map_or(String::new(), |unit| format!("_{unit}"));
            let name = format!("{begin}{name}{with_unit}{}", metric_type.sample_suffix());
            let descriptor =
                Descriptor::unchecked(metric_type, &name, &help, unit.as_deref().unwrap_or(""));
            // The first letter distinguishes them from each other and from `le`, `quantile` and `__name`.
            let labels = [format!("x{}", labels.0), format!("y{}", labels.1)];
            let series = btree_map(
                (any::<String>(), option::of(any::<String>())),
                vec((any_value(metric_type), option::of(any_timestamp())), 1..3),
                1..4,
            );
            let stamped = (any::<bool>(), time.clone());
            (Just(descriptor), Just(labels), series, stamped).prop_map(
                |(descriptor, labels, series, (stamped, time))| {
                    let mut all = Vec::new();
                    for ((first, second), mut samples) in series {
                        // A series may have several samples only with times.
                        samples.truncate(if stamped { samples.len() } else { 1 });
                        for (at, (value, created)) in (0i64..).zip(samples) {
                            let counts = matches!(
                                descriptor.metric_type(),
                                MetricType::Counter | MetricType::Histogram | MetricType::Summary
                            );
                            let time = Timestamp::new(time.seconds() + at, time.subsec_nanos());
                            let second = second.as_deref().map(|value| (&*labels[1], value));
                            let pairs = std::iter::once((&*labels[0], &*first)).chain(second);
                            all.push(Series {
                                key: SeriesKeyBuf::new(descriptor.name(), pairs),
                                sample: OwnedSample {
                                    value,
                                    timestamp: stamped.then_some(time),
                                    created: created.filter(|_| counts),
                                },
                            });
                        }
                    }
                    (descriptor, all)
                },
            )
        },
    )
}

fn any_snapshot(types: &'static [MetricType], names: Names) -> impl Strategy<Value = Snapshot> {
    let families = (
        any_family(0, types, names),
        any_family(1, types, names),
        any_family(2, types, names),
    );
    families.prop_map(|(a, b, c)| {
        let mut snapshot = Snapshot::new();
        for (descriptor, series) in [a, b, c] {
            assert!(snapshot.push(descriptor, series));
        }
        snapshot
    })
}

/// Removes everything that Prometheus text cannot express: units, created times, exemplars, times below a millisecond,
/// and blanks at the start of a help text.
fn as_text_says(snapshot: &Snapshot) -> Snapshot {
    let mut said = Snapshot::new();
    for family in snapshot.families() {
        let descriptor = family.descriptor();
        let help = descriptor.help().trim_start_matches([' ', '\t']);
        let series = family.series().map(|(key, sample)| {
            let mut sample = OwnedSample::from(&sample);
            sample.created = None;
            sample.timestamp = sample
                .timestamp
                .map(|time| Timestamp::from_millis(time.as_millis()));
            match &mut sample.value {
                OwnedValue::Counter(_, exemplar) => *exemplar = None,
                OwnedValue::Histogram(value) => value.exemplars.clear(),
                _ => {}
            }
            Series {
                key: key.into(),
                sample,
            }
        });
        said.push(
            Descriptor::unchecked(descriptor.metric_type(), descriptor.name(), help, ""),
            series.collect(),
        );
    }
    said
}

fn assert_reads_back(snapshot: &Snapshot) -> Result<(), TestCaseError> {
    let body = snapshot.encode(Format::OpenMetrics);
    let back = super::openmetrics(&body);
    let shown = String::from_utf8_lossy(&body).into_owned();
    let back = back.map_err(|error| TestCaseError::fail(format!("{error}\n{shown}")))?;
    prop_assert_eq!(snapshot, &back, "{}", shown);
    Ok(())
}

fn assert_text_reads_back(snapshot: &Snapshot, format: Format) -> Result<(), TestCaseError> {
    let body = snapshot.encode(format);
    let back = super::text(&body);
    let shown = String::from_utf8_lossy(&body).into_owned();
    let back = back.map_err(|error| TestCaseError::fail(format!("{error}\n{shown}")))?;
    prop_assert_eq!(as_text_says(snapshot), back, "{}", shown);
    Ok(())
}

/// Pieces of expositions in any order: some of them parse.
fn any_pieces() -> impl Strategy<Value = String> {
    let pieces = [
        "# TYPE a counter\n",
        "# TYPE a histogram\n",
        "# TYPE a summary\n",
        "# TYPE \"a b\" gauge\n",
        "# HELP a x\\n\n",
        "# UNIT a s\n",
        "# EOF\n",
        "# ",
        "a_total",
        "a",
        "a_bucket{le=\"1\"}",
        "a_bucket{le=\"+Inf\"} 1\n",
        "a_sum 1\n",
        "a_count 1\n",
        "{\"a b\"} 1\n",
        "{",
        "}",
        ",",
        "\"",
        "\\",
        "=",
        " ",
        "\n",
        "1",
        "1.5e3",
        "NaN",
        "\u{e9}",
        "\u{feff}",
        "\t",
        " # {x=\"y\"} 1 2",
        "a{b=\"c\"} 1 2\n",
        "\r",
    ];
    vec(prop::sample::select(pieces.to_vec()), 0..24).prop_map(|pieces| pieces.concat())
}

/// Large cases: a quarter of the usual number is enough (`PROPTEST_CASES` sets the usual number).
fn fewer() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: usual.cases / 4,
        ..usual
    }
}

/// A line of a page as other exporters may write it.
fn any_line() -> impl Strategy<Value = String> {
    let name = "a(_total|_bucket|_count|_sum|_created|_info|_gsum|_gcount|)";
    let value = "(1|2|0.5|-1|NaN|[+]Inf|1e400|x)";
    let label = "(le|quantile|x|a)=\"(1|1.0|0.5|[+]Inf|x|\\\\\\\\|\\\\q)\"";
    let labels = vec(label, 0..3).prop_map(|labels| labels.join(","));
    let word = "(counter|gauge|histogram|summary|unknown|info|stateset|gaugehistogram|x)";
    let end = "(|| 5| 6| # [{]x=\"1\"[}] 1)";
    prop_oneof![
        4 => (name, labels, value, end)
            .prop_map(|(name, labels, value, end)| format!("{name}{{{labels}}} {value}{end}")),
        2 => (name, word).prop_map(|(name, word)| format!("# TYPE {name} {word}")),
        1 => "# HELP a(_total|) (x|y)",
    ]
}

proptest! {
    #![proptest_config(fewer())]

    #[test]
    fn openmetrics_with_legacy_names_reads_back_as_itself(snapshot in any_snapshot(&MetricType::ALL, Names::Legacy)) {
        assert_reads_back(&snapshot)?;
    }

    #[test]
    fn openmetrics_with_any_names_reads_back_as_itself(snapshot in any_snapshot(&MetricType::ALL, Names::Utf8)) {
        assert_reads_back(&snapshot)?;
    }

    #[test]
    fn text_reads_back_as_what_it_can_say(snapshot in any_snapshot(&TEXT_TYPES, Names::Legacy)) {
        assert_text_reads_back(&snapshot, Format::Text)?;
    }

    #[test]
    fn text_with_any_names_reads_back_as_what_it_can_say(snapshot in any_snapshot(&TEXT_TYPES, Names::Utf8)) {
        assert_text_reads_back(&snapshot, Format::TextUtf8)?;
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = super::openmetrics(&bytes);
        let _ = super::text(&bytes);
    }

    #[test]
    fn what_parses_reads_back_after_encoding(pieces in any_pieces()) {
        if let Ok(snapshot) = super::text(&pieces) {
            super::text(snapshot.encode(Format::TextUtf8)).unwrap();
        }
        if let Ok(snapshot) = super::openmetrics(format!("{pieces}# EOF\n")) {
            super::openmetrics(snapshot.encode(Format::OpenMetrics)).unwrap();
        }
    }

    /// Whatever a page is like, its samples stay in text, and OpenMetrics is valid.
    #[test]
    fn any_page_is_passed_on_as_scraped(lines in vec(any_line(), 0..12)) {
        let page = format!("{}\n# EOF\n", lines.join("\n"));
        for dialect in [Dialect::Text, Dialect::OpenMetrics] {
            let scraped = crate::parse::as_scraped(&page, dialect).unwrap();
            let count = |snapshot: &Snapshot| -> usize {
                snapshot.families().iter().map(|family| family.series().len()).sum()
            };
            let text = scraped.snapshot().encode(Format::Text);
            let again = crate::parse::as_scraped(&text, Dialect::Text).unwrap();
            let shown = String::from_utf8_lossy(&text).into_owned();
            prop_assert_eq!(again.left_out(), 0, "{}\nbecame\n{}", page, shown);
            prop_assert_eq!(count(again.snapshot()), count(scraped.snapshot()), "{}\n{}", page, shown);
            let openmetrics = scraped.snapshot().encode(Format::OpenMetrics);
            if let Err(error) = crate::parse::openmetrics(&openmetrics) {
                let shown = String::from_utf8_lossy(&openmetrics).into_owned();
                prop_assert!(false, "{}\n{}\nbecame\n{}", error, page, shown);
            }
            scraped.snapshot().encode(Format::Protobuf);
        }
    }
}
