//! The files in `deploy/`, each given to the program that will read it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::{Running, end, sessions};
use crate::support::{Scratch, require, run, said};

#[test]
fn prometheus_takes_the_configuration_with_its_rules_and_targets() {
    promtool(
        &["check", "config", "--lint=all", "--lint-fatal"],
        "prometheus/prometheus.yml",
    );
    promtool(
        &["check", "rules", "--lint=all", "--lint-fatal"],
        "prometheus/rules/app_exporter.yml",
    );
}

#[test]
fn prometheus_rules_do_what_their_tests_say() {
    promtool(&["test", "rules"], "prometheus/tests/app_exporter.yml");
}

#[test]
fn the_systemd_units_are_ones_systemd_has_nothing_to_say_about() {
    let Some(systemd_analyze) = require("systemd-analyze") else {
        return;
    };
    let (scratch, unit) = unit_on_this_machine("systemd-verify");
    let socket = fs::read_to_string(deployed("systemd/app_exporter.socket")).expect("the unit");
    let socket = scratch.write("app_exporter.socket", &socket);
    let mut verify = Command::new(systemd_analyze);
    let output = run(verify.arg("verify").arg(unit).arg(socket), "");
    assert_eq!(said(&output), "");
    assert!(output.status.success(), "{}", output.status);
}

#[test]
fn the_systemd_unit_leaves_little_to_an_attacker() {
    let Some(systemd_analyze) = require("systemd-analyze") else {
        return;
    };
    let (_scratch, unit) = unit_on_this_machine("systemd-security");
    let mut security = Command::new(systemd_analyze);
    // The exposure, in tenths of systemd's scale from 0 to 10, above which it fails. Files and the
    // network are what is left: without them it could not be scraped.
    security.args(["security", "--offline=yes", "--threshold=15"]);
    let output = run(security.arg(unit), "");
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn the_systemd_units_command_line_is_one_the_program_takes() {
    let unit = fs::read_to_string(deployed("systemd/app_exporter.service")).expect("the unit");
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/app_exporter "))
        .expect("a command line with flags");
    assert!(line.contains("=:8000"), "{line}");
    let line = line.replace("=:8000", "=127.0.0.1:0");
    let flags: Vec<&str> = line.split_whitespace().collect();
    let mut running = Running::start(&flags, &[]);
    let sessions = sessions(running.address());
    assert!((10.0..=100.0).contains(&sessions), "{sessions}");
}

#[test]
fn the_systemd_unit_waits_for_what_the_program_says() {
    let unit = fs::read_to_string(deployed("systemd/app_exporter.service")).expect("the unit");
    for setting in [
        "\nType=notify\n",
        "\nWatchdogSec=30s\n",
        "\nRestart=on-failure\n",
    ] {
        assert!(unit.contains(setting), "{setting}");
    }
    // The variable that the socket's unit asks for is the twin of the flag that uses it.
    let socket = fs::read_to_string(deployed("systemd/app_exporter.socket")).expect("the unit");
    assert!(socket.contains("APP_EXPORTER_WEB_SYSTEMD_SOCKET=true"));
    let refused = end(&[], &[("APP_EXPORTER_WEB_SYSTEMD_SOCKET", "true")]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        said(&refused).contains("--web.systemd-socket"),
        "{}",
        said(&refused)
    );
}

/// A copy of the unit whose program exists on this machine, where ours is not installed.
fn unit_on_this_machine(test: &str) -> (Scratch, PathBuf) {
    let unit = fs::read_to_string(deployed("systemd/app_exporter.service")).expect("the unit");
    let installed = "/usr/local/bin/app_exporter";
    assert!(unit.contains(installed), "{unit}");
    let unit = unit.replace(installed, env!("CARGO_BIN_EXE_app_exporter"));
    let scratch = Scratch::new(test);
    let path = scratch.write("app_exporter.service", &unit);
    (scratch, path)
}

/// Runs promtool with `arguments` on the `file`, which must please it.
fn promtool(arguments: &[&str], file: &str) {
    let Some(promtool) = require("promtool") else {
        return;
    };
    let output = run(
        Command::new(promtool).args(arguments).arg(deployed(file)),
        "",
    );
    assert!(output.status.success(), "{}", said(&output));
}

fn deployed(file: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy")).join(file)
}
