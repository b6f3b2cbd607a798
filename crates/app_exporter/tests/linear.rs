//! The work for a document grows no faster than n log n with its length. Instructions are counted, not time.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Scratch, require, run, said};

/// The entries of the shorter document. The longer one has four times as many.
const ENTRIES: usize = 400;

/// The most instructions for the longer document, in those for the shorter one. Four times the entries with n log n make
/// less than five; with n², sixteen.
const MAX_RATIO: f64 = 6.0;

/// A kind of document: a format, the keys of the metric, which is empty for a format with families, and the text of so many
/// entries.
type Case = (&'static str, &'static str, fn(usize) -> String);

/// Begins a further file.
const NEXT_FILE: &str = "\u{c}";

/// Joins what `entry` makes of each number below `count`.
fn each(count: usize, entry: impl Fn(usize) -> String) -> String {
    (0..count).map(entry).collect()
}

/// A list with separators, without one at the end.
fn list(count: usize, entry: impl Fn(usize) -> String) -> String {
    (0..count).map(entry).collect::<Vec<_>>().join(",")
}

/// Counts the instructions of the program that fetches the files once.
fn instructions(
    valgrind: &Path,
    program: &Path,
    (format, metric, text): &Case,
    entries: usize,
) -> f64 {
    let scratch = Scratch::new("linear");
    for (at, file) in text(entries).split(NEXT_FILE).enumerate() {
        scratch.write(&format!("{at}.txt"), file);
    }
    let metrics = match *metric {
        "" => String::new(),
        metric => format!("    metrics: [{{name: app_a, help: A., type: gauge, {metric}}}]\n"),
    };
    let config = scratch.write(
        "config.yml",
        &format!(
            "sources:\n  a:\n    file: {{path: '*.txt', format: {format}}}\n    timeout: 10m\n{metrics}"
        ),
    );
    let mut command = Command::new(valgrind);
    command
        .args(["--tool=cachegrind", "--cache-sim=no"])
        .arg("--cachegrind-out-file=/dev/null")
        .arg(program)
        .args(["once", "--timeout", "10m", "--config.file"])
        .arg(config);
    let said = said(&run(&mut command, ""));
    let counted = said.lines().find_map(|line| line.split_once("I   refs: "));
    let (_, counted) = counted.unwrap_or_else(|| panic!("{format}: {said}"));
    counted.trim().replace(',', "").parse().expect("a number")
}

/// The program without its debug information, which valgrind would read at each start.
fn stripped(scratch: &Scratch) -> PathBuf {
    let program = scratch.path().join("app_exporter");
    let mut strip = Command::new("strip");
    strip.arg("-o").arg(&program);
    run(strip.arg(env!("CARGO_BIN_EXE_app_exporter")), "");
    program
}

fn check(cases: &[Case]) {
    let Some(valgrind) = require("valgrind") else {
        return;
    };
    let scratch = Scratch::new("linear-program");
    let program = stripped(&scratch);
    // The ratio leaves out the program's own start.
    let start = instructions(
        &valgrind,
        &program,
        &("json", "value: v", |_| "{}".into()),
        1,
    );
    for case in cases {
        let count = |entries| instructions(&valgrind, &program, case, entries) - start;
        let [short, long] = [count(ENTRIES), count(4 * ENTRIES)];
        let ratio = long / short.max(1.0);
        let (format, metric, _) = case;
        assert!(
            ratio <= MAX_RATIO,
            "{format} {metric}: {ratio} ({short}, {long})"
        );
    }
}

#[test]
fn json_takes_linear_work() {
    let members = |n| format!("[{{{}}}]", list(n, |i| format!("\"k{i}\": 1")));
    let named = |n| format!("{{{}}}", list(n, |i| format!("\"k{i}\": {{\"v\": {i}}}")));
    check(&[
        ("{json: {rows: '$[*]'}}", "value: k0", members),
        ("{json: {rows: '$[*]'}}", "value: absent", members),
        ("{json: {rows: '$..*'}}", "value: v, duplicates: sum", named),
        ("{json: {lines: true}}", "value: v", |n| {
            each(n, |i| format!("{{\"v\": {i}}}\n{{\n"))
        }),
    ]);
}

#[test]
fn yaml_and_xml_take_linear_work() {
    let attributes = |n| format!("<r {}/>", each(n, |i| format!("a{i}='1' ")));
    check(&[
        ("yaml", "value: k0", |n| each(n, |i| format!("k{i}: 1\n"))),
        ("{yaml: {rows: '$[*]'}}", "value: v, duplicates: sum", |n| {
            each(n, |i| format!("- &a{i} {{v: 1}}\n- *a{i}\n"))
        }),
        ("{yaml: {rows: '$[*]'}}", "value: v, duplicates: sum", |n| {
            format!("- &a {{v: 1}}\n{}", "- {<<: *a, w: 2}\n".repeat(n))
        }),
        ("{xml: {rows: /r}}", "value: absent", attributes),
        ("{xml: {rows: //r}}", "value: ^v, labels: [index]", |n| {
            format!("<d><v>1</v>{}</d>", "<r/><x/>".repeat(n))
        }),
    ]);
}

#[test]
fn lines_take_linear_work() {
    let pairs = |n| each(n, |i| format!("k{i}=1\n"));
    let columns = |n| format!("{}\n", list(n, |i| format!("c{i}"))).repeat(2);
    check(&[
        ("csv", "value: absent", columns),
        (
            "key_value",
            "from: pairs, value: value, labels: [key]",
            pairs,
        ),
        ("ini", "value: v, labels: [section]", |n| {
            each(n, |i| format!("[s{i}]\nv=1\n"))
        }),
        (
            "{regex: '(?<l>\\w+)=(?<value>[0-9]+)'}",
            "value: value, labels: [l]",
            pairs,
        ),
    ]);
}

#[test]
fn families_take_linear_work() {
    let labels = |n| format!("a{{{}}} 1\n", list(n, |i| format!("l{i}=\"v\"")));
    check(&[
        ("prometheus", "", labels),
        ("prometheus", "", |n| {
            each(n, |i| format!("# TYPE f{i} gauge\nf{i} 1\nf{i} 1\n"))
        }),
        // Each family contradicts one of the other file.
        ("prometheus", "", |n| {
            let file = |of| each(n, |i| format!("# TYPE f{i} {of}\nf{i} 1\n"));
            [file("gauge"), file("counter")].join(NEXT_FILE)
        }),
        // A long help text, and another type in each line.
        ("prometheus", "", |n| {
            let types = each(n, |i| {
                format!("# TYPE a counter\na_total 1 {i}\n# TYPE a gauge\na 1 {i}\n")
            });
            format!("# HELP a {}\n{types}# EOF\n", "\\n".repeat(10 * n))
        }),
    ]);
}
