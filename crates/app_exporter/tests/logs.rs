//! Standard error of the program, from the first line to the last.

use std::collections::BTreeMap;

use rustix::process::Signal;

use crate::program::{Running, get, sessions};
use crate::support::Scratch;

#[test]
fn both_formats_say_the_same_from_start_to_end() {
    let mut runs = Vec::new();
    for format in ["logfmt", "json"] {
        let mut running = Running::start(
            &[
                "--web.listen-address=127.0.0.1:0",
                &format!("--log.format={format}"),
            ],
            &[],
        );
        running.wait_for(|line| line.contains("Serving metrics").then_some(()));
        running.signal(Signal::TERM);
        let (status, lines) = running.end();
        assert_eq!(status.code(), Some(0), "{lines:#?}");
        let read = if format == "json" { json } else { logfmt };
        runs.push(lines.iter().map(|line| read(line)).collect::<Vec<_>>());
    }
    for lines in &mut runs {
        for line in lines.iter_mut() {
            let time = line.remove("time").expect("a time");
            // 2026-11-22T19:40:00.123Z
            assert_eq!(time.len(), 24, "{time}");
            assert!(time.ends_with('Z'), "{time}");
        }
        // Random numbers look real, so the log warns of them.
        let simulated = lines.remove(1);
        assert_eq!(simulated["level"], "WARN");
        assert!(simulated["msg"].starts_with("Sessions are simulated: "));
        assert!(lines.iter().all(|line| line["level"] == "INFO"));
        let messages: Vec<&str> = lines.iter().map(|line| line["msg"].as_str()).collect();
        assert_eq!(
            messages[..3],
            ["Starting app_exporter", "Listening on", "Serving metrics"]
        );
        assert_eq!(messages.last(), Some(&"Stopped"));
        assert_eq!(lines[0]["version"], env!("CARGO_PKG_VERSION"));
        assert!(
            lines
                .iter()
                .any(|line| line.get("signal").is_some_and(|it| it == "SIGTERM"))
        );
        let url = lines[2].remove("url").expect("a link");
        let address = lines[1].remove("address").expect("an address");
        assert_eq!(url, format!("http://{address}/metrics"));
    }
    assert_eq!(runs[0], runs[1]);
}

#[test]
fn each_mistake_of_a_configuration_is_a_line() {
    const GOOD: &str =
        "sources: {a: {simulate: {uniform: {}}, metrics: [{name: app_a, help: A.}]}}\n";
    const BAD: &str = "sources:\n  a:\n    timeout: 5s\n  b:\n    timeout: 5s\n";
    let scratch = Scratch::new("mistakes");
    let file = scratch.write("config.yml", BAD);
    let name = file.to_string_lossy().into_owned();
    let arguments = ["--web.listen-address=127.0.0.1:0", "--config.file", &name];
    let (status, lines) = Running::start(&arguments, &[]).end();
    assert_eq!(status.code(), Some(1), "{lines:#?}");
    let mistakes = |lines: &[String]| {
        let errors = lines.iter().filter(|line| line.contains("level=ERROR"));
        let of = |place: &str| errors.clone().filter(|line| line.contains(place)).count();
        (
            errors.clone().count(),
            of("config.yml:2:3: "),
            of("config.yml:4:3: "),
        )
    };
    assert_eq!(mistakes(&lines), (2, 1, 1), "{lines:#?}");

    scratch.write("config.yml", GOOD);
    let (mut running, _) =
        Running::listening(&["--config.file", &name, "--config.watch-interval=0s"]);
    scratch.write("config.yml", BAD);
    running.signal(Signal::HUP);
    running.wait_for(|line| line.contains("config.yml:4:3: ").then_some(()));
    running.signal(Signal::TERM);
    let (status, lines) = running.end();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    assert_eq!(mistakes(&lines), (2, 1, 1), "{lines:#?}");
}

#[test]
fn lines_about_a_source_have_it_in_a_field() {
    let scratch = Scratch::new("log-fields");
    let file = scratch.write(
        "config.yml",
        "sources:
  empty: {file: {path: 'none-*.txt', format: number}, metrics: [{name: app_a, help: A.}]}
  gone: {file: {path: none.txt, format: number}, metrics: [{name: app_b, help: B.}]}
",
    );
    let name = file.to_string_lossy();
    let arguments = [
        "--web.listen-address=127.0.0.1:0",
        "--log.format=json",
        "--config.file",
        &name,
    ];
    let mut running = Running::start(&arguments, &[]);
    let parsed = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON");
    let address = running.wait_for(|line| parsed(line)["address"].as_str()?.parse().ok());
    assert_eq!(get(address, "/metrics").0, 200);
    let (mut empty, mut gone) = (None, None);
    running.wait_for(|line| {
        let fields = parsed(line);
        match fields["source"].as_str() {
            Some("empty") => empty = Some(fields),
            Some("gone") => gone = Some(fields),
            _ => (),
        }
        (empty.is_some() && gone.is_some()).then_some(())
    });
    let empty = empty.expect("a line");
    assert_eq!(empty["level"], "WARN");
    let message = empty["msg"].as_str().expect("text");
    assert!(message.contains("returned no rows"), "{message}");
    assert_eq!(gone.expect("a line")["reason"], "connect");
}

#[test]
fn the_path_of_something_else_is_named_with_the_flag() {
    let scratch = Scratch::new("taken-path");
    let file = scratch.write("config.yml", "sources: {}\n");
    let name = file.to_string_lossy().into_owned();
    let arguments = [
        "--web.listen-address=127.0.0.1:0",
        "--web.telemetry-path=/probe",
        "--config.file",
        &name,
    ];
    let (status, lines) = Running::start(&arguments, &[]).end();
    assert_eq!(status.code(), Some(1), "{lines:#?}");
    let last = lines.last().expect("a line");
    assert!(
        last.contains(
            "`/probe` is in use by another page; choose another path with --web.telemetry-path"
        ),
        "{last}"
    );
}

#[test]
fn a_log_that_nobody_reads_does_not_stop_it() {
    let (mut running, address) =
        Running::listening(&["--log.level=debug", "--simulate.interval=1ms"]);
    running.close_log();
    // Every value is a line that can't be written.
    let mut seen = vec![sessions(address)];
    while seen.len() < 5 {
        let now = sessions(address);
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    }
    running.signal(Signal::TERM);
    assert_eq!(running.end().0.code(), Some(0));
}

/// Reads a line as a strict reader of logfmt does.
fn logfmt(line: &str) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').unwrap_or_else(|| panic!("{line}"));
        assert!(
            key.chars()
                .all(|char| char.is_ascii_lowercase() || char == '_'),
            "{line}"
        );
        let end = match after.strip_prefix('"') {
            Some(quoted) => quoted.find('"').unwrap_or_else(|| panic!("{line}")) + 2,
            None => after.find(' ').unwrap_or(after.len()),
        };
        let value = after[..end].trim_matches('"');
        assert!(
            !value.contains('\\'),
            "none of these lines needs an escape: {line}"
        );
        assert!(
            fields.insert(key.to_owned(), value.to_owned()).is_none(),
            "{line}"
        );
        rest = &after[end..];
        rest = rest.strip_prefix(' ').unwrap_or(rest);
    }
    fields
}

fn json(line: &str) -> BTreeMap<String, String> {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}
