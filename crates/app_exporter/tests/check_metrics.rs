//! `check-metrics`: its exit codes, and what it says.

use std::io::Write as _;
use std::process::{Output, Stdio};

use crate::http_source::{Request, serve};
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
        "standard input: line 2, column 3: `x`: a value is a decimal number, `+Inf`, `-Inf` or `NaN`; write one\n\
         Prometheus 3 rejects the whole exposition for that\n"
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

#[test]
fn what_prometheus_does_with_it_is_told_beside_the_rules() {
    let help = "# HELP a A.\n";
    for (exposition, told) in [
        (
            "# TYPE a gauge \na 1\n",
            "standard input: Prometheus 3 rejects it: line 2, column 10: `gauge `: Prometheus knows the types",
        ),
        (
            "# TYPE a Gauge\na 1\n",
            "standard input: Prometheus 3 rejects it: line 2, column 10: `Gauge`: Prometheus knows the types",
        ),
        (
            "a 1e400\n",
            "`1e400`: a value is a 64-bit floating-point number, at most 1.8e308; correct it, or write `+Inf`\n\
             Prometheus 3 rejects the whole exposition for that\n",
        ),
        (
            "a 1\r\n",
            "`1\\r`: lines end with a line feed alone, but this one has a carriage return before it; convert the line \
             ends from CRLF to LF\nPrometheus 3 rejects the whole exposition for that\n",
        ),
        (
            "# TYPE a counter\na -1\n",
            "correct it, or make it a gauge\nPrometheus 3 keeps all samples nevertheless\n",
        ),
        (
            "a 1\na 2",
            "append one\nPrometheus 3 keeps the exposition without 1 of its samples\n",
        ),
        (
            "# HELP a B.\na 1\nb x\n",
            "remove this one\nPrometheus 3 rejects the whole exposition: line 4, column 3: `x`: a value is",
        ),
    ] {
        let (code, said) = verdict(&check(&[], &format!("{help}{exposition}")));
        assert_eq!(code, Some(1), "{exposition}");
        assert!(said.contains(told), "{exposition}: {said}");
    }
}

#[test]
fn the_content_type_of_a_url_is_one_that_prometheus_reads() {
    let answer = |request: &Request| {
        let body = "# HELP a A.\n# TYPE a gauge\na 1\n";
        let content_type = match request.path.as_str() {
            "/html" => "Content-Type: text/html; charset=utf-8\r\n",
            "/none" => "",
            _ => "Content-Type: text/plain\r\n",
        };
        let (chunk, rest) = body.split_at(12);
        format!(
            "HTTP/1.1 200 OK\r\n{content_type}Transfer-Encoding: chunked\r\n\r\n\
             {:x}\r\n{chunk}\r\n{:x}\r\n{rest}\r\n0\r\n\r\n",
            chunk.len(),
            rest.len()
        )
    };
    let address = serve(|stream| stream, answer);
    let check = |path: &str| verdict(&check(&[&format!("http://{address}{path}")], ""));
    assert_eq!(check("/text"), (Some(0), String::new()));
    for (path, told) in [
        ("/html", "the Content-Type is `text/html; charset=utf-8`"),
        ("/none", "the response has no Content-Type"),
    ] {
        let (code, said) = check(path);
        assert_eq!(code, Some(1));
        assert!(
            said.contains(&format!(
                "Prometheus 3 rejects it: {told}; send `Content-Type: text/plain; version=0.0.4`"
            )),
            "{said}"
        );
    }
}
