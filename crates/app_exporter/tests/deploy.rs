//! The files in `deploy/`: each is checked by the program that reads it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::{Running, end, get};
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
fn the_systemd_unit_leaves_every_setting_to_its_files() {
    let unit = unit();
    let settings = |key: &str| {
        let values = unit
            .lines()
            .filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        values.collect::<Vec<_>>()
    };
    // A flag would win over the variable that an operator sets.
    assert_eq!(settings("ExecStart"), ["/usr/local/bin/app_exporter"]);
    // systemd lets the file win over the line, so the path can be changed.
    assert_eq!(settings("EnvironmentFile"), ["-/etc/default/app_exporter"]);
    assert_eq!(settings("ConfigurationDirectory"), ["app_exporter"]);
    // A port that is taken for a minute is no reason to stay down for ever.
    assert_eq!(settings("StartLimitIntervalSec"), ["0"]);
    assert_eq!(settings("RestartSec"), ["5s"]);
    // The variables that its comments and settings name are those of flags.
    let help = end(&["--help"], &[]).stdout;
    let help = String::from_utf8_lossy(&help);
    let variables = unit.split(|it: char| it != '_' && !it.is_ascii_uppercase());
    let variables: Vec<_> = variables
        .filter(|it| it.starts_with("APP_EXPORTER_"))
        .collect();
    assert!(variables.len() >= 4, "{variables:?}");
    for variable in variables {
        assert!(help.contains(&format!("[env: {variable}]")), "{variable}");
    }
}

#[test]
fn a_service_never_simulates() {
    let unit = unit();
    let (variable, installed) = unit
        .lines()
        .find_map(|line| line.strip_prefix("Environment=")?.split_once('='))
        .expect("a variable");
    assert_eq!(installed, "/etc/app_exporter/config.yml");
    let scratch = Scratch::new("service");
    let file = scratch.path().join("config.yml");
    let name = file.to_string_lossy();
    let variables = [
        (variable, &*name),
        ("APP_EXPORTER_WEB_LISTEN_ADDRESS", "127.0.0.1:0"),
    ];
    // Before the configuration is installed.
    let refused = end(&[], &variables);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains(&*name), "{}", said(&refused));

    // The configuration that is installed has no sources, and the log says so.
    fs::copy(deployed("config.yml"), &file).expect("a copy");
    let mut running = Running::start(&[], &variables);
    running.wait_for(|line| line.contains("msg=\"No sources").then_some(()));
    let (status, body) = get(running.address(), "/metrics");
    assert_eq!(status, 200);
    assert!(body.contains("app_exporter_build_info{"), "{body}");
    assert!(!body.contains("simulated"), "{body}");
    assert!(!body.contains("app_active_sessions"), "{body}");
}

#[test]
fn the_example_in_the_installed_configuration_is_valid() {
    let text = fs::read_to_string(deployed("config.yml")).expect("the file");
    let (_, example) = text.split_once("sources: {}\n").expect("no sources");
    let example = example.lines().filter_map(|line| line.strip_prefix("# "));
    let example: Vec<_> = example.skip_while(|line| *line != "sources:").collect();
    let scratch = Scratch::new("installed-example");
    let file = scratch.write("config.yml", &example.join("\n"));
    let output = end(&["check-config", &file.to_string_lossy()], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).ends_with("OK: 1 source, 1 metric\n"));
}

#[test]
fn every_metric_of_the_rules_is_one_that_the_program_exports() {
    let Some(curl) = require("curl") else {
        return;
    };
    let rules = fs::read_to_string(deployed("prometheus/rules/app_exporter.yml")).expect("rules");
    let is_name = |it: char| it == '_' || it.is_ascii_lowercase();
    let mut names: Vec<_> = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("expr: "))
        .flat_map(|expression| expression.split(|it| !is_name(it)))
        .filter(|it| it.starts_with("app_exporter_") || it.starts_with("exporter_kit_"))
        .collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 6, "{names:?}");

    let scratch = Scratch::new("rules-metrics");
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    scratch.write("cert.pem", &key.cert.pem());
    scratch.write("key.pem", &key.signing_key.serialize_pem());
    let web = scratch.write(
        "web.yml",
        "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n",
    );
    let config = scratch.write(
        "config.yml",
        "sources: {a: {simulate: {uniform: {}}, cache: 1h, metrics: [{name: app_a, help: A.}]}}\n",
    );
    let (_simulated, address) = Running::listening(&[]);
    let mut exported = get(address, "/metrics").1;
    let flags = [
        &format!("--config.file={}", config.display()),
        &*format!("--web.config.file={}", web.display()),
    ];
    let (_running, address) = Running::listening(&flags);
    let mut command = Command::new(curl);
    let url = format!("https://{address}/metrics");
    exported += &said(&run(
        command.args(["--silent", "--show-error", "--insecure", &url]),
        "",
    ));
    for name in names {
        assert!(
            exported.contains(&format!("# TYPE {name} gauge\n")),
            "{name} in {exported}"
        );
    }
}

#[test]
fn the_systemd_unit_waits_for_what_the_program_says() {
    let unit = unit();
    for setting in [
        "\nType=notify\n",
        "\nWatchdogSec=30s\n",
        "\nRestart=on-failure\n",
    ] {
        assert!(unit.contains(setting), "{setting}");
    }
    // The socket's unit names the variable of the flag that uses it.
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

fn unit() -> String {
    fs::read_to_string(deployed("systemd/app_exporter.service")).expect("the unit")
}

/// A copy of the unit with the program of this build, as none is installed.
fn unit_on_this_machine(test: &str) -> (Scratch, PathBuf) {
    let unit = unit();
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
