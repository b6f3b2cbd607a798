//! `check-metrics`: its exit codes, and what it says.

use std::io::Write as _;
use std::process::{Output, Stdio};

use crate::program::{Running, command};
use crate::support::Scratch;

fn check(arguments: &[&str], exposition: &str) -> Output {
    let all = [&["check-metrics"], arguments].concat();
    let mut child = command(&all, &[])
        .stdin(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(exposition.as_bytes()).expect("it reads");
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

/// Its exit code, and what it said.
fn verdict(output: &Output) -> (Option<i32>, String) {
    assert!(output.stdout.is_empty());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

#[test]
fn a_clean_exposition_is_passed_in_silence() {
    let text = "# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\njobs_total 1\n";
    assert_eq!(verdict(&check(&[], text)), (Some(0), String::new()));
    let openmetrics = "# HELP jobs Jobs done.\n# TYPE jobs counter\njobs_total 1\n# EOF\n";
    assert_eq!(verdict(&check(&[], openmetrics)), (Some(0), String::new()));
}

#[test]
fn what_does_not_parse_is_told_with_its_place() {
    let (code, said) = verdict(&check(&[], "a 1\nb x\n"));
    assert_eq!(code, Some(1));
    assert_eq!(
        said,
        "standard input: line 2, column 3: `x`: a value is a decimal number, `+Inf`, `-Inf` or `NaN`; write one\n"
    );
    let (code, said) = verdict(&check(&["--format=openmetrics"], "a 1\n"));
    assert_eq!(code, Some(1));
    assert!(
        said.contains("line 2, column 1") && said.contains("`# EOF`"),
        "{said}"
    );
    assert_eq!(verdict(&check(&["no/such/file"], "")).0, Some(1));
    assert_eq!(verdict(&check(&["--format=xml"], "")).0, Some(2));
}

#[test]
fn broken_naming_rules_are_told_with_their_remedies() {
    let exposition = "# TYPE wait_milliseconds gauge\nwait_milliseconds 1\n";
    let (code, said) = verdict(&check(&[], exposition));
    assert_eq!(code, Some(3));
    assert_eq!(
        said,
        "wait_milliseconds: no help text (say in one sentence what is measured)\n\
         wait_milliseconds: use base unit \"seconds\" instead of \"milliseconds\" (convert the value and rename it to `wait_seconds`)\n"
    );
    assert_eq!(
        verdict(&check(&["--no-lint"], exposition)),
        (Some(0), String::new())
    );
}

#[test]
fn a_file_and_a_url_are_read_as_well() {
    let scratch = Scratch::new("check_metrics");
    let file = scratch.write("a.prom", "a{ 1\n");
    let (code, said) = verdict(&check(&[file.to_str().expect("UTF-8")], ""));
    assert_eq!(code, Some(1));
    assert!(said.contains("a.prom`: line 1, column 4: "), "{said}");

    // The exporter's own metrics are clean in every format.
    let (running, address) = Running::listening(&[]);
    let url = format!("http://{address}/metrics");
    for format in ["auto", "text", "openmetrics"] {
        let format = format!("--format={format}");
        assert_eq!(
            verdict(&check(&[&format, &url], "")),
            (Some(0), String::new())
        );
    }
    let (code, said) = verdict(&check(&[&format!("http://{address}/nowhere")], ""));
    assert_eq!(code, Some(1));
    assert!(said.contains("status `404"), "{said}");
    drop(running);
}
