//! The helpers for users' own tests, and that they fail with what one needs to know.

use std::panic::catch_unwind;

use exporter_kit::{Counter, Format, Registry, testing};

fn registry() -> Registry {
    let registry = Registry::new();
    registry.gauge("depth", "Jobs that wait.").unwrap().set(4);
    let jobs = registry
        .add(Counter::define("jobs_total", "Jobs done.").labels(["queue"]))
        .unwrap();
    jobs.with(["mail"]).inc_by(2u64);
    registry
}

/// The message of a failing assertion.
fn failure(assertion: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let panic = catch_unwind(assertion).unwrap_err();
    panic.downcast_ref::<String>().unwrap().clone()
}

#[test]
fn a_golden_file_is_compared_line_by_line() {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/jobs.txt");
    testing::assert_golden(&registry(), golden);
    if std::env::var_os(testing::UPDATE_GOLDEN).is_some() {
        // What follows would be written instead of compared.
        return;
    }
    let said = failure(|| {
        let registry = registry();
        registry.gauge("extra", "More.").unwrap();
        testing::assert_golden(&registry, golden);
    });
    assert!(
        said.contains("+ # HELP extra More.\n+ # TYPE extra gauge\n+ extra 0.0\n"),
        "{said}"
    );
    assert!(said.contains("UPDATE_GOLDEN=1"), "{said}");
    let said = failure(|| testing::assert_golden(&registry(), "no/such/file"));
    assert!(said.contains("`no/such/file` can't be read"), "{said}");
}

#[test]
fn a_missing_sample_is_told_with_what_is_there() {
    testing::assert_value(&registry(), "jobs_total", &[("queue", "mail")], 2.0);
    let said = failure(|| testing::assert_value(&registry(), "jobs_total", &[], 2.0));
    assert!(
        said.contains("no sample `jobs_total`") && said.contains("jobs_total{queue=\"mail\"} 2.0"),
        "{said}"
    );
    let said = failure(|| testing::assert_value(&registry(), "depth", &[], 5.0));
    assert!(said.contains("is 4, expected 5"), "{said}");
}

#[test]
fn an_exposition_that_differs_is_shown_as_a_diff() {
    let said = failure(|| {
        let only_depth = registry()
            .scrape(Format::Text)
            .filter(vec!["depth".to_owned()]);
        testing::assert_exposition(
            only_depth,
            "# HELP depth Jobs that wait.\n# TYPE depth gauge\ndepth 5.0\n",
        );
    });
    assert!(
        said.ends_with(
            "  # HELP depth Jobs that wait.\n  # TYPE depth gauge\n- depth 5.0\n+ depth 4.0\n"
        ),
        "{said}"
    );
}

#[test]
fn lint_fails_with_every_finding() {
    let said = failure(|| {
        let registry = Registry::new();
        registry.gauge("waitMs", "").unwrap();
        testing::assert_lint(&registry);
    });
    assert!(
        said.contains("waitMs: no help text (say in one sentence what is measured)"),
        "{said}"
    );
    assert!(said.contains("rename it to `wait_ms`"), "{said}");
}

#[test]
fn snapshots_are_the_same_in_any_order_of_families() {
    let a = exporter_kit::parse::text("b 1\na 2\n").unwrap();
    let b = exporter_kit::parse::text("a 2\nb 1\n").unwrap();
    testing::assert_same(&a, &b);
    let said = failure(move || {
        testing::assert_same(&a, &exporter_kit::parse::text("a 2\nb 3\n").unwrap())
    });
    assert!(said.contains("- b 3.0\n+ b 1.0\n"), "{said}");
}
