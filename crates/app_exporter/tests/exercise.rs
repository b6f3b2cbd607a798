//! Without configuration the program is the exercise.

use std::time::{Duration, Instant};

use crate::program::{Running, end, get, sessions};
use crate::support::{Scratch, wait_until};

#[test]
fn curl_and_grep_show_the_three_lines_of_the_exercise() {
    let (_running, address) = Running::listening(&[]);
    let (status, body) = get(address, "/metrics");
    assert_eq!(status, 200);
    let lines: Vec<&str> = body
        .lines()
        .filter(|line| line.contains("app_active_sessions"))
        .collect();
    let [help, kind, sample] = lines[..] else {
        panic!("not three lines: {lines:?}");
    };
    assert_eq!(
        help,
        "# HELP app_active_sessions Number of active user sessions"
    );
    assert_eq!(kind, "# TYPE app_active_sessions gauge");
    let number = sample
        .strip_prefix("app_active_sessions ")
        .and_then(|value| value.strip_suffix(".0"))
        .unwrap_or_else(|| panic!("{sample}"));
    let number: u32 = number.parse().expect("a whole number");
    assert!((10..=100).contains(&number), "{number}");
}

#[test]
fn simulated_numbers_are_marked_and_configured_ones_are_not() {
    let (_running, address) = Running::listening(&[]);
    let (_, body) = get(address, "/metrics");
    assert!(body.contains("\napp_exporter_simulated 1.0\n"), "{body}");
    let (_, page) = get(address, "/");
    assert!(page.contains("These numbers are simulated"), "{page}");

    let scratch = Scratch::new("configured");
    let file = scratch.write(
        "config.yml",
        "sources: {a: {simulate: {uniform: {}}, metrics: [{name: app_a, help: A.}]}}\n",
    );
    let (_running, address) = Running::listening(&["--config.file", &file.to_string_lossy()]);
    let (_, body) = get(address, "/metrics");
    assert!(body.contains("\napp_a "), "{body}");
    assert!(!body.contains("app_exporter_simulated"), "{body}");
    let (_, page) = get(address, "/");
    assert!(!page.contains("are simulated"), "{page}");
}

#[test]
fn a_value_is_at_the_first_scrape_and_another_one_five_seconds_later() {
    // Before the first number is made, so that a slow machine only makes the wait longer.
    let began = Instant::now();
    let (_running, address) = Running::listening(&["--simulate.seed=1"]);
    let first = sessions(address);
    wait_until("another number", || sessions(address) != first);
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(3), "{took:?}");
    // And not later, as far as a test can tell.
    let help = end(&["--help"], &[]).stdout;
    let help = String::from_utf8_lossy(&help);
    let (_, interval) = help.split_once("--simulate.interval").expect("the flag");
    let (_, default) = interval.split_once("[default: ").expect("its default");
    assert!(default.starts_with("5s]"), "{default}");
}

/// The first numbers of a run, each different from the one before: which scrape sees a number twice is a matter of time.
fn first_numbers(arguments: &[&str]) -> [f64; 20] {
    let arguments = [&["--simulate.interval=1ms"], arguments].concat();
    let (_running, address) = Running::listening(&arguments);
    let mut last = f64::NAN;
    [(); 20].map(|()| {
        wait_until("another number", || {
            let before = std::mem::replace(&mut last, sessions(address));
            before != last
        });
        last
    })
}

#[test]
fn a_seed_gives_every_run_the_same_values() {
    let run = |seed: &str| first_numbers(&[&format!("--simulate.seed={seed}")]);
    let (one, two) = (run("7"), run("8"));
    assert_eq!(one, run("7"));
    assert_ne!(one, two);
}

#[test]
fn without_a_seed_every_run_has_its_own_values() {
    assert_ne!(first_numbers(&[]), first_numbers(&[]));
}

#[test]
fn the_simulation_is_a_configuration_that_is_shown() {
    let (_running, address) = Running::listening(&["--simulate.maximum=11"]);
    let (status, page) = get(address, "/config");
    assert_eq!(status, 200);
    assert!(page.contains("maximum: 11"), "{page}");
}

#[test]
fn minimum_and_maximum_are_the_values_bounds() {
    let (_running, address) = Running::listening(&["--simulate.minimum=3", "--simulate.maximum=3"]);
    assert_eq!(sessions(address), 3.0);
}

#[test]
fn the_start_page_links_to_the_metrics() {
    let (_running, address) = Running::listening(&["--web.telemetry-path=/numbers"]);
    let (status, page) = get(address, "/");
    assert_eq!(status, 200);
    assert!(page.contains("app_exporter"), "{page}");
    assert!(page.contains("href=\"/numbers\""), "{page}");
}

#[test]
fn it_says_what_it_was_built_from_and_how_the_process_does() {
    let (_running, address) = Running::listening(&[]);
    let (_, body) = get(address, "/metrics");
    let build = body
        .lines()
        .find(|line| line.starts_with("app_exporter_build_info{"))
        .unwrap_or_else(|| panic!("{body}"));
    assert!(build.ends_with("} 1.0"), "{build}");
    for label in [
        format!("version=\"{}\"", env!("CARGO_PKG_VERSION")),
        format!("revision=\"{}\"", env!("APP_EXPORTER_BUILD_REVISION")),
        format!("branch=\"{}\"", env!("APP_EXPORTER_BUILD_BRANCH")),
        format!(
            "rustversion=\"{}\"",
            env!("APP_EXPORTER_BUILD_RUST_VERSION")
        ),
        format!("os=\"{}\"", std::env::consts::OS),
        format!("arch=\"{}\"", std::env::consts::ARCH),
    ] {
        assert!(build.contains(&label), "{label} in {build}");
    }
    if cfg!(target_os = "linux") {
        assert!(body.contains("\nprocess_resident_memory_bytes "), "{body}");
    }
}
