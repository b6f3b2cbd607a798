//! The registry: what it refuses, in which order it shows, and what a failing collector costs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use exporter_kit::{
    Collect, CollectError, Counter, Descriptor, Escaping, FamilyWriter, Format, Gauge, Histogram,
    MetricType, Number, RegisterError, Registry, Sink, StateSet, Static, Summary, Value, parse,
};

/// A collector of gauges that does what a test wants after it has shown them.
struct Custom {
    names: &'static [&'static str],
    declared: bool,
    then: fn() -> Result<(), CollectError>,
}

impl Custom {
    fn new(names: &'static [&'static str]) -> Self {
        Self {
            names,
            declared: true,
            then: || Ok(()),
        }
    }

    fn descriptor(name: &str) -> Descriptor {
        Descriptor::new(MetricType::Gauge, name, "A custom gauge.").unwrap()
    }
}

impl Collect for Custom {
    fn descriptors(&self) -> Vec<Descriptor> {
        if self.declared {
            self.names
                .iter()
                .map(|name| Self::descriptor(name))
                .collect()
        } else {
            Vec::new()
        }
    }

    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        for name in self.names {
            FamilyWriter::begin(sink, &Self::descriptor(name), [])?.gauge([], 1)?;
        }
        (self.then)()
    }
}

#[test]
fn families_are_in_the_order_of_their_names_and_series_of_their_labels() {
    let registry = Registry::new();
    registry.gauge("b", "h").unwrap();
    let family = registry.add(Gauge::define("a", "h").labels(["l"])).unwrap();
    for value in ["z", "x", "y"] {
        family.with([value]).set(1);
    }
    registry.register(Custom::new(&["ab"])).unwrap();
    registry
        .info("target_info", "Where this runs.", &[("region", "eu")])
        .unwrap();
    let text = registry.to_text();
    let names: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(
        names,
        [
            "target_info{region=\"eu\"}",
            "a{l=\"x\"}",
            "a{l=\"y\"}",
            "a{l=\"z\"}",
            "ab",
            "b"
        ]
    );
    assert_eq!(text, registry.to_text());
}

#[test]
fn a_collector_that_fails_costs_only_itself_and_is_counted() {
    let registry = Registry::new();
    registry.gauge("good", "h").unwrap().set(7);
    registry
        .register(Custom {
            then: || Err(CollectError::source("no route")),
            ..Custom::new(&["errs"])
        })
        .unwrap();
    registry
        .register(Custom {
            then: || panic!("on purpose"),
            ..Custom::new(&["panics"])
        })
        .unwrap();
    let text = registry.to_text();
    for line in [
        "good 7.0",
        "errs 1.0",
        "panics 1.0",
        "exporter_kit_collector_failures_total{collector=\"errs\",reason=\"error\"} 1.0",
        "exporter_kit_collector_failures_total{collector=\"panics\",reason=\"panic\"} 1.0",
    ] {
        assert!(
            text.contains(&format!("{line}\n")),
            "{line} is missing in\n{text}"
        );
    }
}

#[test]
fn a_family_that_another_has_is_refused_at_registration_or_at_the_scrape() {
    let registry = Registry::new();
    registry.gauge("taken", "h").unwrap();
    let error = registry
        .register(Custom::new(&["free", "taken"]))
        .unwrap_err();
    assert!(matches!(error, RegisterError::Taken { .. }));
    assert!(
        !registry.to_text().contains("free"),
        "nothing of a refused collector is kept"
    );

    registry
        .register(Custom {
            declared: false,
            ..Custom::new(&["free", "taken", "free"])
        })
        .unwrap();
    let text = registry.to_text();
    assert_eq!(text.matches("\ntaken ").count(), 1);
    assert_eq!(text.matches("\nfree ").count(), 1);
    assert!(text.contains("{collector=\"\",reason=\"duplicate_family\"} 2.0\n"));
}

#[test]
fn what_a_collector_gives_is_checked() {
    struct Bad;
    impl Collect for Bad {
        fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
            let gauge = Descriptor::new(MetricType::Gauge, "bad", "h")?;
            let mut family = FamilyWriter::begin(sink, &gauge, ["l"])?;
            family.gauge(["a"], 1)?.gauge(["b"], 2)?;
            let repeated = family.gauge(["a"], 3).map(|_| ()).unwrap_err();
            assert_eq!(
                repeated.to_string(),
                "family `bad` has the series `bad{l=\"a\"}` twice; write each series once"
            );
            assert!(family.counter(["c"], 1).is_err());
            let counter = Descriptor::new(MetricType::Counter, "bad_total", "h")?;
            let mut family = FamilyWriter::begin(sink, &counter, [])?;
            assert!(family.counter([], -1).is_err());
            assert!(family.counter([], f64::NAN).is_err());
            let nan = Value::Counter(Number::F64(f64::NAN), None);
            assert!(family.sample([], nan).is_err());
            assert!(FamilyWriter::begin(sink, &gauge, ["__x"]).is_err());
            Ok(())
        }
    }
    let registry = Registry::new();
    registry.register(Bad).unwrap();
    let text = registry.to_text();
    assert!(
        text.contains("bad{l=\"a\"} 1.0\nbad{l=\"b\"} 2.0\n"),
        "{text}"
    );
    assert!(!text.contains("failures"), "{text}");
}

#[test]
fn a_filter_asks_for_families_or_samples_by_name() {
    let registry = Registry::new();
    registry.gauge("a", "h").unwrap();
    registry.counter("b_total", "h").unwrap();
    registry.histogram("c_seconds", "h").unwrap();
    let names = |wanted: &[&str]| {
        let scrape = registry.scrape(exporter_kit::Format::Text);
        let body = scrape
            .filter(wanted.iter().map(|name| (*name).to_owned()).collect())
            .to_vec();
        let text = String::from_utf8(body).unwrap();
        text.lines()
            .filter_map(|line| Some(line.strip_prefix("# TYPE ")?.split(' ').next()?.to_owned()))
            .collect()
    };
    let all: Vec<String> = names(&[]);
    assert_eq!(all, ["a", "b_total", "c_seconds"]);
    assert_eq!(names(&["a", "b_total"]), ["a", "b_total"]);
    assert_eq!(names(&["b", "c_seconds_bucket"]), ["b_total", "c_seconds"]);
    assert_eq!(names(&["nothing"]), [""; 0]);
}

#[test]
fn registries_merge_even_in_a_circle() {
    let inner = Registry::new();
    inner.gauge("inner", "h").unwrap();
    let outer = Registry::new();
    outer.gauge("outer", "h").unwrap();
    outer.register(inner.clone()).unwrap();
    inner.gauge("later", "h").unwrap();
    let text = outer.to_text();
    for name in ["inner", "later", "outer"] {
        assert!(text.contains(&format!("\n{name} 0.0\n")), "{text}");
    }
    inner.register(outer.clone()).unwrap_err();
    let circle = Registry::new();
    circle.register(circle.clone()).unwrap();
    assert!(circle.to_text().contains("collector_failures"));
    let around = Registry::new();
    around.register(circle).unwrap();
    assert!(around.to_text().contains("collector_failures"));
}

#[test]
fn failures_of_collectors_without_names_are_counted_together() {
    let registry = Registry::new();
    for _ in 0..2 {
        let nameless = Custom {
            declared: false,
            then: || Err(CollectError::source("no route")),
            ..Custom::new(&[])
        };
        registry.register(nameless).unwrap();
    }
    let limited = Gauge::define("limited", "h").labels(["l"]).series_limit(0);
    registry.add(limited).unwrap().with(["a"]).set(1);
    let text = registry.to_text();
    assert!(
        text.contains("{collector=\"\",reason=\"error\"} 2.0\n"),
        "{text}"
    );
    assert!(text.contains("{family=\"limited\"} 1.0\n"), "{text}");
}

#[test]
fn after_the_deadline_no_function_is_asked_for_its_value() {
    let registry = Registry::new();
    let deadline = Instant::now() + Duration::from_millis(20);
    let slow = move || {
        while Instant::now() < deadline {
            thread::yield_now();
        }
        1
    };
    registry.gauge_function("a_slow", "h", slow).unwrap();
    registry.gauge_function("b_late", "h", || 1).unwrap();
    let text = registry.scrape(Format::Text).deadline(deadline).to_vec();
    let text = String::from_utf8(text).unwrap();
    assert!(!text.contains("\nb_late "), "{text}");
    assert!(
        text.contains("{collector=\"b_late\",reason=\"deadline\"} 1.0\n"),
        "{text}"
    );
}

#[test]
fn no_label_of_a_scope_takes_the_place_of_one_that_a_type_has() {
    let registry = Registry::new();
    let labels = [("le", "x"), ("quantile", "x"), ("zone", "a")];
    let scoped = registry.scoped("", &labels).unwrap();
    let bare = Registry::new();
    bare.histogram("h", "h").unwrap();
    let summary = Summary::define("s", "h").quantiles(&[0.5], Duration::from_secs(1));
    bare.add(summary).unwrap();
    let states = StateSet::define("zone", "h", &["on"]);
    bare.add(states).unwrap();
    bare.gauge("g", "h").unwrap();
    scoped.register(bare).unwrap();
    let text = registry.to_text();
    for line in [
        "h_bucket{quantile=\"x\",zone=\"a\",le=\"+Inf\"} 0",
        "s{le=\"x\",zone=\"a\",quantile=\"0.5\"} NaN",
        "zone{le=\"x\",quantile=\"x\",zone=\"on\"} 0.0",
        "g{le=\"x\",quantile=\"x\",zone=\"a\"} 0.0",
    ] {
        assert!(
            text.contains(&format!("{line}\n")),
            "{line} is missing in\n{text}"
        );
    }
}

#[test]
fn scopes_apply_to_metrics_families_statics_and_collectors() {
    static REQUESTS: Static<Counter> = Counter::define("requests_total", "h").fixed();
    let registry = Registry::new();
    let scope = registry.scoped("shop_", &[("zone", "a\"b")]).unwrap();
    let inner = scope.scoped("cart_", &[("v", "2")]).unwrap();
    scope.gauge("g", "h").unwrap();
    inner
        .add(Counter::define("items_total", "h").labels(["kind"]))
        .unwrap()
        .with(["x"])
        .inc();
    scope.register(&REQUESTS).unwrap();
    scope.register(Custom::new(&["custom"])).unwrap();
    inner.gauge_function("f", "h", || 3).unwrap();
    let text = registry.to_text();
    for line in [
        "shop_g{zone=\"a\\\"b\"} 0.0",
        "shop_cart_items_total{zone=\"a\\\"b\",v=\"2\",kind=\"x\"} 1.0",
        "shop_requests_total{zone=\"a\\\"b\"} 0.0",
        "shop_custom{zone=\"a\\\"b\"} 1.0",
        "shop_cart_f{zone=\"a\\\"b\",v=\"2\"} 3.0",
    ] {
        assert!(
            text.contains(&format!("{line}\n")),
            "{line} is missing in\n{text}"
        );
    }
    assert!(scope.scoped("", &[("zone", "again")]).is_err());
    assert!(
        scope
            .add(Counter::define("x_total", "h").labels(["zone"]))
            .is_err()
    );
    assert!(scope.scoped("1", &[]).is_err());
}

#[test]
fn a_removed_series_is_gone_and_its_handle_harmless() {
    let registry = Registry::new();
    let family = registry
        .add(Counter::define("c_total", "h").labels(["l"]))
        .unwrap();
    let handle = family.with(["a"]);
    handle.inc();
    assert!(family.remove(["a"]) && !family.remove(["a"]));
    handle.inc();
    assert_eq!(registry.to_text(), "");
    family.with(["a"]).inc();
    assert!(registry.to_text().contains("c_total{l=\"a\"} 1.0\n"));
    family.clear();
    assert!(family.is_empty());
    assert!(registry.unregister("c_total") && !registry.unregister("c_total"));
    registry.counter("c_total", "h").unwrap();
}

#[test]
fn past_its_limit_a_family_refuses_counts_and_keeps_what_it_has() {
    let registry = Registry::new();
    let family = registry
        .add(
            Counter::define("c_total", "h")
                .labels(["l"])
                .series_limit(2),
        )
        .unwrap();
    for value in ["a", "b", "c", "c", "a"] {
        family.with([value]).inc();
    }
    let text = registry.to_text();
    assert!(
        text.contains("c_total{l=\"a\"} 2.0\nc_total{l=\"b\"} 1.0\n"),
        "{text}"
    );
    assert!(!text.contains("l=\"c\""));
    assert!(
        text.contains("exporter_kit_series_refused_total{family=\"c_total\"} 2.0\n"),
        "{text}"
    );
}

#[test]
fn recording_and_making_series_go_on_during_scrapes() {
    let registry = Registry::new();
    let family = registry
        .add(Counter::define("c_total", "h").labels(["l"]))
        .unwrap();
    let (threads, each) = (3, 2_000);
    let start = Barrier::new(threads + 1);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..threads)
            .map(|thread| {
                let (family, start) = (&family, &start);
                scope.spawn(move || {
                    start.wait();
                    for i in 0..each {
                        family.with([&format!("{}", i % 50)]).inc();
                        if i % 10 == 0 {
                            let own = format!("{thread}-{i}");
                            family.with([&own]).inc();
                            assert!(family.remove([&own]));
                        }
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            start.wait();
            while !done.load(Ordering::Relaxed) {
                let text = registry.to_text();
                let heads: Vec<&str> = text
                    .lines()
                    .filter_map(|line| line.rsplit_once(' '))
                    .map(|(head, _)| head)
                    .collect();
                assert!(heads.is_sorted() || heads[0].starts_with('#'));
            }
        });
        writers
            .into_iter()
            .for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Relaxed);
    });
    let total: f64 = (0..50)
        .map(|i| family.with([&i.to_string()]).get().as_f64())
        .sum();
    assert_eq!(total, (threads * each) as f64);
    assert_eq!(family.len(), 50);
}

#[test]
fn a_collector_may_use_the_registry_while_it_is_collected() {
    struct Nested(Registry);
    impl Collect for Nested {
        fn collect(&self, _: &mut dyn Sink) -> Result<(), CollectError> {
            // No lock is held while a collector runs, so this neither blocks nor fails.
            let _ = self.0.gauge("made_during_a_scrape", "h");
            Ok(())
        }
    }
    let registry = Registry::new();
    registry
        .register(Arc::new(Nested(registry.clone())))
        .unwrap();
    assert_eq!(registry.to_text(), "");
    assert!(registry.to_text().contains("made_during_a_scrape 0.0\n"));
}

#[test]
fn what_a_thread_remembers_never_outlives_its_family() {
    let registry = Registry::new();
    let family = registry
        .add(Counter::define("c_total", "h").labels(["l"]))
        .unwrap();
    // Twice, so that the second time is from memory; the third is another series of the same labels.
    for _ in 0..2 {
        family.update(["a"], Counter::inc);
    }
    assert!(family.remove(["a"]));
    family.update(["a"], Counter::inc);
    assert_eq!(family.with(["a"]).get(), 1.0);
    thread::scope(|scope| {
        scope.spawn(|| {
            family.update(["a"], Counter::inc);
            family.clear();
        });
    });
    family.update(["a"], Counter::inc);
    assert!(registry.to_text().contains("c_total{l=\"a\"} 1.0\n"));
}

#[test]
fn more_series_and_families_than_a_thread_remembers_are_all_found() {
    let registry = Registry::new();
    let families: Vec<_> = (0..150)
        .map(|i| {
            let name = format!("c{i}_total");
            let definition = Counter::define(&name, "h").labels(["l"]);
            registry.add(definition).unwrap()
        })
        .collect();
    const ROUNDS: u32 = 6;
    for round in 0..ROUNDS {
        for i in 0..3_000 {
            families[0].update([&i.to_string()], Counter::inc);
        }
        for family in &families {
            family.update(["x"], |outer| {
                outer.inc();
                // Looked up while another look-up is under way.
                families[0].update(["y"], Counter::inc);
            });
            // What has been removed is not remembered.
            assert!(family.remove(["removed"]) || round == 0);
            family.update(["removed"], Counter::inc);
        }
    }
    assert_eq!(families[0].len(), 3_003);
    let rounds = f64::from(ROUNDS);
    for i in 0..3_000 {
        assert_eq!(families[0].with([&i.to_string()]).get(), rounds, "{i}");
    }
    assert_eq!(families[0].with(["y"]).get(), 150.0 * rounds);
    for family in &families {
        assert_eq!(family.with(["x"]).get(), rounds);
        assert_eq!(family.with(["removed"]).get(), 1.0);
    }
}

#[test]
fn openmetrics_stays_valid_whatever_is_observed() {
    for value in [f64::NAN, -5.0, f64::NEG_INFINITY] {
        let registry = Registry::new();
        registry
            .histogram("wait_seconds", "h")
            .unwrap()
            .observe(value);
        let sizes = Summary::define("size_bytes", "h").quantiles(&[0.5], Duration::from_secs(60));
        registry.add(sizes).unwrap().observe(value);
        let native = Histogram::define("native_seconds", "h").native();
        registry.add(native).unwrap().observe(value);
        registry.counter("jobs_done_total", "h").unwrap().inc();
        for escaping in Escaping::ALL {
            let body = registry
                .scrape(Format::OpenMetrics)
                .escaping(escaping)
                .to_vec();
            let shown = String::from_utf8_lossy(&body);
            let read = parse::openmetrics(&body).unwrap_or_else(|error| panic!("{error}\n{shown}"));
            if escaping == Escaping::AllowUtf8 {
                let bucket = |of: &str| read.value(of, &[("le", "+Inf")]);
                assert_eq!(bucket("wait_seconds_bucket"), Some(1.0), "{shown}");
                assert_eq!(bucket("native_seconds_bucket"), Some(1.0), "{shown}");
                assert_eq!(read.value("wait_seconds_sum", &[]), None, "{shown}");
                assert_eq!(read.value("size_bytes_count", &[]), Some(1.0), "{shown}");
            }
        }
    }
}

#[test]
fn a_scrape_that_is_kept_shows_what_was_added_and_removed_since() {
    let registry = Registry::new();
    registry.gauge("a", "h").unwrap();
    let scrape = registry.scrape(Format::Text);
    let shown = || {
        let read = parse::text(scrape.to_vec()).unwrap();
        ["a", "b"].map(|name| read.value(name, &[]).is_some())
    };
    assert_eq!(shown(), [true, false]);
    registry.gauge("b", "h").unwrap();
    assert_eq!(shown(), [true, true]);
    assert!(registry.unregister("a"));
    assert_eq!(shown(), [false, true]);
}

/// A counter with a name of another system, and everything that only OpenMetrics' counters have.
struct ForeignCounter(Descriptor);

impl Collect for ForeignCounter {
    fn descriptors(&self) -> Vec<Descriptor> {
        vec![self.0.clone()]
    }

    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        let created = exporter_kit::Timestamp::new(1, 0);
        FamilyWriter::begin(sink, &self.0, [])?
            .created(Some(created))
            .counter([], 5_u64)?;
        Ok(())
    }
}

#[test]
fn a_counter_without_total_is_a_counter_in_text_and_protobuf_and_unknown_in_openmetrics() {
    for name in ["jobs", "pg_stat_activity_count"] {
        assert!(Descriptor::new(MetricType::Counter, name, "Jobs.").is_err());
        let descriptor = Descriptor::with_any_suffix(MetricType::Counter, name, "Jobs.", "");
        let registry = Registry::new();
        registry
            .register(ForeignCounter(descriptor.unwrap()))
            .unwrap();
        let text = registry.to_text();
        assert!(
            text.contains(&format!("# TYPE {name} counter\n{name} 5.0\n")),
            "{text}"
        );
        let openmetrics = registry.scrape(Format::OpenMetrics).to_vec();
        let read = parse::openmetrics(&openmetrics).unwrap();
        let family = read.family(name).unwrap();
        assert_eq!(family.descriptor().metric_type(), MetricType::Unknown);
        assert_eq!(family.series().len(), 1);
    }
}
