//! Without configuration the program is the exercise.

use std::time::{Duration, Instant};

use crate::program::{Running, end, get, sessions};

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
fn the_value_is_there_before_it_listens_and_another_one_five_seconds_later() {
    let began = Instant::now();
    let mut running = Running::start(
        &[
            "--web.listen-address=127.0.0.1:0",
            "--log.level=debug",
            "--simulate.seed=1",
        ],
        &[],
    );
    let mut told = vec![running.wait_for(simulated)];
    let address = running.address();
    // A machine that stands still for long enough is past the first one when it is asked.
    let shown = sessions(address);
    while told.last().copied().map(f64::from) != Some(shown) {
        told.push(running.wait_for(simulated));
    }
    if told.len() == 1 {
        told.push(running.wait_for(simulated));
    }
    assert!(began.elapsed() >= Duration::from_secs(5));
    assert_ne!(told[0], told[1]);
    // And not later, as far as a test can tell.
    let help = end(&["--help"], &[]).stdout;
    let help = String::from_utf8_lossy(&help);
    let (_, interval) = help.split_once("--simulate.interval").expect("the flag");
    let (_, default) = interval.split_once("[default: ").expect("its default");
    assert!(default.starts_with("5s]"), "{default}");
}

#[test]
fn a_seed_gives_every_run_the_same_values() {
    let run = |seed: &str| {
        let (mut running, _) = Running::listening(&[
            "--log.level=debug",
            "--simulate.interval=1ms",
            &format!("--simulate.seed={seed}"),
        ]);
        [(); 20].map(|()| running.wait_for(simulated))
    };
    let (one, two) = (run("7"), run("8"));
    assert_eq!(one, run("7"));
    assert_ne!(one, two);
}

#[test]
fn without_a_seed_every_run_has_its_own_values() {
    let run = || {
        let (mut running, _) =
            Running::listening(&["--log.level=debug", "--simulate.interval=1ms"]);
        [(); 20].map(|()| running.wait_for(simulated))
    };
    assert_ne!(run(), run());
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

/// The value in a line of the log that tells of a new one.
fn simulated(line: &str) -> Option<u32> {
    let (_, rest) = line.split_once("msg=\"Simulated sessions\" sessions=")?;
    rest.parse().ok()
}
