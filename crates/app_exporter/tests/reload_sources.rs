//! SIGHUP and the configuration's sources: all or nothing.

use rustix::process::Signal;

use crate::program::{Running, get};
use crate::support::Scratch;

#[test]
fn a_good_file_is_taken_and_a_bad_one_changes_nothing() {
    let scratch = Scratch::new("reload-sources");
    let config = |sources: &[(&str, u32)]| {
        let sources = sources.iter().map(|(name, number)| {
            format!(
                "  {name}:\n    simulate: {{uniform: {{minimum: {number}, maximum: {number}}}}}\n    \
                 metrics: [{{name: app_{name}, help: A number.}}]\n"
            )
        });
        format!("sources:\n{}", sources.collect::<String>())
    };
    let file = scratch.write("config.yml", &config(&[("kept", 1), ("ended", 2)]));
    let (mut running, address) = Running::listening(&["--config.file", &file.to_string_lossy()]);
    let shows = |line: &str| {
        get(address, "/metrics")
            .1
            .lines()
            .any(|found| found == line)
    };
    assert!(shows("app_kept 1.0") && shows("app_ended 2.0"));

    scratch.write("config.yml", &config(&[("kept", 1), ("begun", 3)]));
    running.signal(Signal::HUP);
    running.wait_for(|line| line.contains("begun=1 ended=1 kept=1").then_some(()));
    assert!(shows("app_kept 1.0") && shows("app_begun 3.0") && !shows("app_ended 2.0"));

    scratch.write("config.yml", "sources: {a: {simulat: {}}}\n");
    running.signal(Signal::HUP);
    running.wait_for(|line| line.contains("did you mean `simulate`?").then_some(()));
    assert!(shows("app_kept 1.0") && shows("app_begun 3.0"));
    assert!(shows("app_exporter_config_last_reload_successful 0.0"));
}
