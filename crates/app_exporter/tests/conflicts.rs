//! Sources whose families have the names of others: they are left out, counted, and logged once.

use rustix::process::Signal;

use crate::program::{Running, get};
use crate::support::Scratch;

const CONFIG: &str = "sources:
  first:
    file: {path: first.prom, format: prometheus}
  second:
    file: {path: second.prom, format: prometheus}
";

#[test]
fn what_is_there_already_is_left_out_and_told_once() {
    let scratch = Scratch::new("conflicts");
    scratch.write("first.prom", "# TYPE app_a gauge\napp_a 1\n");
    scratch.write(
        "second.prom",
        "# TYPE app_a counter\napp_a 2\n# TYPE app_exporter_build_info gauge\napp_exporter_build_info 3\napp_other 4\n",
    );
    let file = scratch.write("config.yml", CONFIG);
    let (running, address) = Running::listening(&["--config.file", &file.to_string_lossy()]);
    for scrape in 1..=3 {
        let (_, text) = get(address, "/metrics");
        for line in ["app_a 1.0", "app_other 4.0"] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
        assert!(!text.contains("app_exporter_build_info 3.0"), "{text}");
        let counted = format!(
            "app_exporter_source_errors_total{{source=\"second\",reason=\"conflict\"}} {scrape}.0\n"
        );
        assert!(text.contains(&counted), "{text}");
    }
    running.signal(Signal::TERM);
    let (_, log) = running.end();
    let told = |part: &str| log.iter().filter(|line| line.contains(part)).count();
    assert_eq!(
        told("source `second` returned only a part: `app_a` contradicts what came before"),
        1,
        "{log:?}"
    );
    assert_eq!(
        told("cannot show family `app_exporter_build_info`: another family has its name"),
        1,
        "{log:?}"
    );
}
