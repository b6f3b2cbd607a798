//! The configuration is read again when its file changes, however that is done.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::UNIX_EPOCH;

use rustix::process::Signal;

use crate::program::{Running, get};
use crate::support::{Scratch, wait_until};

fn config(number: u32) -> String {
    format!(
        "sources:\n  kept:\n    simulate: {{steps: {{values: [1], every: 1h}}}}\n    \
         metrics: [{{name: app_kept, help: A number.}}]\n  \
         changed:\n    simulate: {{steps: {{values: [{number}], every: 1h}}}}\n    \
         metrics: [{{name: app_changed, help: A number.}}]\n"
    )
}

/// Waits until the metrics have the line.
fn wait_for(address: SocketAddr, line: &str) {
    // Nothing tells a client of a reload, so it can only ask again.
    wait_until(line, || {
        let (_, metrics) = get(address, "/metrics");
        metrics.lines().any(|found| found == line)
    });
}

/// Writes over what is in a file of the same length, so that there is nothing in between that could be found and tried.
fn write_over(file: &Path, content: &str) {
    let before = fs::read_to_string(file).expect("it is there");
    assert_eq!(before.len(), content.len());
    let mut file = File::options().write(true).open(file).expect("it is there");
    file.write_all(content.as_bytes()).expect("written");
}

fn watching(file: &Path) -> (Running, SocketAddr) {
    Running::listening(&[
        "--config.file",
        &file.to_string_lossy(),
        "--config.watch-interval=20ms",
    ])
}

/// How often its log says this, once it has ended.
fn said(running: Running, texts: [&str; 3]) -> [usize; 3] {
    running.signal(Signal::TERM);
    let (_, log) = running.end();
    texts.map(|text| log.iter().filter(|line| line.contains(text)).count())
}

const TAKEN: &str = "Applied the changed configuration";
const REFUSED: &str = "cannot reload the configuration";
const CHANGED: &str = "The configuration has changed";
const LAST_GOOD: &str = "app_exporter_config_last_reload_successful 1.0";
const LAST_BAD: &str = "app_exporter_config_last_reload_successful 0.0";

#[test]
fn every_way_to_change_a_file_is_noticed_once() {
    let scratch = Scratch::new("watch");
    let file = scratch.write("config.yml", &config(2));
    let (running, address) = watching(&file);
    wait_for(address, "app_changed 2.0");
    // Written in place.
    write_over(&file, &config(3));
    wait_for(address, "app_changed 3.0");
    // As an editor does.
    let new = scratch.write("config.yml.new", &config(4));
    fs::rename(&new, &file).expect("another file in its place");
    wait_for(address, "app_changed 4.0");
    // Touched.
    let touched = File::options()
        .append(true)
        .open(&file)
        .expect("it is there");
    touched.set_modified(UNIX_EPOCH).expect("a time");
    // Broken, which changes nothing, and good again.
    scratch.write("config.yml", "sources: {a: {simulat: {}}}\n");
    wait_for(address, LAST_BAD);
    wait_for(address, "app_changed 4.0");
    scratch.write("config.yml", &config(4));
    wait_for(address, LAST_GOOD);
    // Gone, and back.
    fs::remove_file(&file).expect("it is there");
    wait_for(address, LAST_BAD);
    scratch.write("config.yml", &config(5));
    wait_for(address, "app_changed 5.0");
    wait_for(address, LAST_GOOD);
    assert_eq!(said(running, [TAKEN, REFUSED, CHANGED]), [4, 2, 6]);
}

#[test]
fn a_link_that_leads_elsewhere_is_noticed() {
    let scratch = Scratch::new("watch-link");
    // A volume of Kubernetes: `config.yml` leads through `..data`, which is swapped as a whole.
    scratch.write("..1/config.yml", &config(1));
    scratch.write("..2/config.yml", &config(2));
    let at = |name: &str| scratch.path().join(name);
    symlink("..1", at("..data")).expect("a link");
    symlink("..data/config.yml", at("config.yml")).expect("a link");
    let (running, address) = watching(&at("config.yml"));
    wait_for(address, "app_changed 1.0");
    symlink("..2", at("..data_tmp")).expect("a link");
    fs::rename(at("..data_tmp"), at("..data")).expect("swapped");
    wait_for(address, "app_changed 2.0");
    assert_eq!(said(running, [TAKEN, REFUSED, CHANGED]), [1, 0, 1]);
}

#[test]
fn with_an_interval_of_nothing_only_who_asks_reloads() {
    let scratch = Scratch::new("watch-signal");
    let file = scratch.write("config.yml", &config(1));
    let interval = [
        "--config.file",
        &file.to_string_lossy(),
        "--config.watch-interval=0s",
    ];
    let (mut running, address) = Running::listening(&interval);
    scratch.write("config.yml", &config(2));
    running.signal(Signal::HUP);
    running.wait_for(|line| line.contains("msg=Reloaded").then_some(()));
    wait_for(address, "app_changed 2.0");
    // Never looked at: only the signal was told of.
    assert_eq!(said(running, [TAKEN, REFUSED, CHANGED]), [1, 0, 0]);
}
