//! Counters from columns that count since they were last read.

use crate::program::{Running, get};
use crate::support::Scratch;

#[test]
fn each_fetch_adds_to_the_total() {
    let scratch = Scratch::new("totals");
    let file = scratch.write(
        "config.yml",
        "sources:
  a:
    file: {path: a.csv, format: csv}
    metrics: [{name: app_events_total, help: Events., type: counter, value: n, labels: [kind], accumulate: true}]
",
    );
    scratch.write("a.csv", "kind,n\nlogin,3\nlogout,1\n");
    let (_running, address) = Running::listening(&["--config.file", &file.to_string_lossy()]);
    let totals = || {
        let (_, metrics) = get(address, "/metrics");
        let lines = metrics.lines().map(str::to_owned);
        lines
            .filter(|line| line.starts_with("app_events_total{"))
            .collect::<Vec<_>>()
    };
    let line = |kind: &str, total: &str| format!("app_events_total{{kind=\"{kind}\"}} {total}");
    assert_eq!(totals(), [line("login", "3.0"), line("logout", "1.0")]);
    scratch.write("a.csv", "kind,n\nlogin,4\n");
    assert_eq!(totals(), [line("login", "7.0"), line("logout", "1.0")]);
    scratch.write("a.csv", "kind,n\nlogin,oops\nlogout,2\n");
    assert_eq!(totals(), [line("login", "7.0"), line("logout", "3.0")]);
}
