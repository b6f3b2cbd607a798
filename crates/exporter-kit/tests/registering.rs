//! The work to register or remove a metric does not grow with their number. Instructions are counted, not time.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The metrics of the shorter run. The longer one has ten times as many.
const METRICS: usize = 100;

/// The most instructions of the longer run, in those of the shorter one.
const MAX_RATIO: f64 = 13.0;

/// Where `cargo xtask test` found valgrind. Without it the test is left out, except in CI.
fn valgrind() -> Option<PathBuf> {
    let found = std::env::var_os("EXPORTER_KIT_TEST_VALGRIND");
    let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(
        found.is_some() || !is_ci,
        "in CI no test is left out: `cargo xtask test` finds valgrind"
    );
    found.map(PathBuf::from)
}

/// The program without its debug information, which valgrind would read at each start.
fn stripped() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().with_file_name("examples");
    let program = program.join("registering");
    let stripped = std::env::temp_dir().join(format!("registering-{}", std::process::id()));
    let mut strip = Command::new("strip");
    let done = strip.arg("-o").arg(&stripped).arg(program).status();
    assert!(done.unwrap().success());
    stripped
}

fn instructions(valgrind: &Path, program: &Path, metrics: usize) -> f64 {
    let mut command = Command::new(valgrind);
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    let output = command.arg(program).arg(metrics.to_string()).output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let counted = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let (_, counted) = counted.unwrap_or_else(|| panic!("{said}"));
    counted.trim().parse().unwrap()
}

#[test]
fn ten_times_the_metrics_are_registered_and_removed_with_at_most_13_times_the_work() {
    let Some(valgrind) = valgrind() else {
        return;
    };
    let program = stripped();
    let count = |metrics| instructions(&valgrind, &program, metrics);
    // The ratio leaves out the program's own start.
    let start = count(4);
    let [few, many] = [count(METRICS), count(10 * METRICS)].map(|it| it - start);
    std::fs::remove_file(program).unwrap();
    let ratio = many / few;
    assert!(ratio <= MAX_RATIO, "{ratio} ({few}, {many})");
}
