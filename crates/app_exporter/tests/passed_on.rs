//! Expositions of other exporters, passed on: what Prometheus stores of them directly, it stores through a source.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use exporter_kit::parse::{self, Dialect};

use crate::http_source::{Request, answer, serve};
use crate::program::{Running, connect, end, rest};
use crate::stored::{Stored, assert_same, cases, expected, stored};
use crate::support::{Port, Scratch, require, until};

/// The response for a case: its headers and its exposition as they were served.
fn response(case: &Path) -> Vec<u8> {
    let headers = fs::read_to_string(case.join("headers")).expect("headers");
    let body = fs::read(case.join("exposition")).expect("an exposition");
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n{}\r\n",
        headers.replace('\n', "\r\n")
    );
    [head.into_bytes(), body].concat()
}

/// Collects once, from a source with the format `prometheus` and that URL.
fn once(scratch: &Scratch, url: &str) -> Output {
    let config = format!("sources:\n  case:\n    http: {{url: '{url}', format: prometheus}}\n");
    let config = scratch.write("config.yml", &config);
    end(&["once", "--config.file", &config.to_string_lossy()], &[])
}

/// The series that Prometheus stores of the output, without those of app_exporter itself.
fn passed_on(output: &Output) -> Stored {
    let scraped = parse::as_scraped(&output.stdout, Dialect::Text).expect("text");
    assert_eq!(scraped.rejection(), None);
    let mut series = stored(scraped.snapshot());
    series.retain(|series, _| !series.starts_with("app_exporter_"));
    series
}

fn serve_cases() -> SocketAddr {
    let answer = |request: &Request| {
        let name = request.path.trim_start_matches('/');
        let cases = cases();
        let mut cases = cases.iter();
        response(cases.find(|case| case.ends_with(name)).expect("a case"))
    };
    serve(|stream| stream, answer)
}

#[test]
fn a_source_passes_on_the_series_that_prometheus_stores() {
    let scratch = Scratch::new("passed_on");
    let address = serve_cases();
    let cases = cases();
    assert_eq!(cases.len(), 31);
    for case in cases {
        let name = case.file_name().expect("a name").to_string_lossy();
        let output = once(&scratch, &format!("http://{address}/{name}"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_same(
            &passed_on(&output),
            &expected(&case),
            &format!("{name}: {said}"),
        );
    }
}

#[test]
fn a_sample_that_cannot_be_kept_is_named_with_its_line_and_counted() {
    let scratch = Scratch::new("left_out");
    let page = "# TYPE a gauge\na 0.2s\nb 1e400\nc 1\nc 2\nd 1\r\nfine 1\n";
    let address = serve(
        |stream| stream,
        move |_: &Request| {
            let length = page.len();
            format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{page}"
            )
        },
    );
    let output = once(&scratch, &format!("http://{address}/"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    for fault in [
        "line 2, column 3: `0.2s`: a value is a decimal number",
        "line 3, column 3: `1e400`: a value is a 64-bit floating-point number",
        "line 5, column 1: `c 2`: the same sample comes twice",
        "line 6, column 3: `1\\r`: lines end with a line feed alone",
    ] {
        assert!(said.contains(fault), "{fault}\n{said}");
    }
    let series = passed_on(&output);
    let series: Vec<_> = series
        .iter()
        .map(|(name, value)| (&**name, *value))
        .collect();
    assert_eq!(series, [("c{}", 1.0), ("fine{}", 1.0)]);
    let metrics = String::from_utf8_lossy(&output.stdout).into_owned();
    for reason in ["conflict", "decode"] {
        let count = format!("_source_errors_total{{source=\"case\",reason=\"{reason}\"}} 1.0\n");
        assert!(metrics.contains(&count), "{metrics}");
    }
}

#[test]
fn of_many_samples_that_cannot_be_kept_ten_are_named() {
    let scratch = Scratch::new("many_left_out");
    let address = serve(
        |stream| stream,
        |_: &Request| answer("200 OK", "", &"a 1\n".repeat(151)),
    );
    let output = once(&scratch, &format!("http://{address}/"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        said.matches("the same sample comes twice").count(),
        10,
        "{said}"
    );
    assert!(said.contains("; and 140 more"), "{said}");
}

#[test]
fn a_web_page_is_no_exposition_and_its_begin_is_shown() {
    let scratch = Scratch::new("web_page");
    let address = serve_cases();
    let output = once(&scratch, &format!("http://{address}/31b-text-html-metrics"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    for part in [
        "cannot read metrics: the response is of the type `text/html; charset=utf-8`",
        "begins with `# TYPE a gauge\\na 1\\n`",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn a_source_accepts_what_prometheus_accepts() {
    let scratch = Scratch::new("accept");
    let answer = |request: &Request| {
        let header = |name: &str| request.headers.get(name).cloned().unwrap_or_default();
        let (accept, encoding) = (header("accept"), header("accept-encoding"));
        let body = format!("a{{accept=\"{accept}\",encoding=\"{encoding}\"}} 1\n");
        let length = body.len();
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
    };
    let address = serve(|stream| stream, answer);
    let output = once(&scratch, &format!("http://{address}/"));
    let series = passed_on(&output);
    let series = series.keys().next().expect("a series");
    assert!(
        series.starts_with(
            "a{accept=\"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
        ),
        "{series}"
    );
    assert!(
        series.contains("encoding=\"") && series.contains("gzip") && series.contains("zstd"),
        "{series}"
    );
}

/// An exporter that Debian has.
struct Exporter {
    program: &'static str,
    arguments: Vec<String>,
}

/// Everything that real exporters serve arrives through a source, with the same names and labels.
#[test]
fn real_exporters_arrive_with_every_series() {
    let scratch = Scratch::new("real_exporters");
    let folder = scratch.path().display().to_string();
    let alertmanager = scratch.write(
        "alertmanager.yml",
        "route: {receiver: none}\nreceivers: [{name: none}]\n",
    );
    let prometheus = scratch.write("prometheus.yml", "global: {}\n");
    let blackbox = scratch.write("blackbox.yml", "modules: {tcp: {prober: tcp}}\n");
    let exporters = [
        ("prometheus-node-exporter", vec![]),
        ("prometheus-pushgateway", vec!["--persistence.file=".into()]),
        (
            "prometheus-alertmanager",
            vec![
                format!("--config.file={}", alertmanager.display()),
                format!("--storage.path={folder}/alertmanager"),
                "--cluster.listen-address=".into(),
            ],
        ),
        (
            "prometheus-blackbox-exporter",
            vec![format!("--config.file={}", blackbox.display())],
        ),
        (
            "prometheus",
            vec![
                format!("--config.file={}", prometheus.display()),
                format!("--storage.tsdb.path={folder}/prometheus"),
            ],
        ),
        (
            "prometheus-redis-exporter",
            vec!["--redis.addr=redis://127.0.0.1:1".into()],
        ),
        (
            "victoria-metrics",
            vec![format!("-storageDataPath={folder}/victoria-metrics")],
        ),
    ];
    for (program, arguments) in exporters {
        let exporter = Exporter { program, arguments };
        let Some((_running, address)) = exporter.start() else {
            continue;
        };
        let url = format!("http://{address}/metrics");
        // Some have a series for each page that was asked for, or have not measured everything yet.
        until(|| {
            let before = names(&direct(address));
            let through: BTreeSet<String> = names(&passed_on(&once(&scratch, &url)));
            let after = names(&direct(address));
            let differs = |a: &BTreeSet<String>, b: &BTreeSet<String>| -> Vec<String> {
                a.symmetric_difference(b).cloned().collect()
            };
            match (differs(&before, &after), differs(&through, &after)) {
                (changed, _) if !changed.is_empty() => Err(changed.join("; ")),
                (_, lost) if !lost.is_empty() => Err(lost.join("; ")),
                _ => {
                    assert!(through.len() > 20, "{program}: {through:?}");
                    Ok(())
                }
            }
        });
    }
}

impl Exporter {
    /// Starts it on a port of its own; `None` if it is not there.
    fn start(&self) -> Option<(Running, SocketAddr)> {
        let program = require(self.program)?;
        let port = Port::reserve();
        let address = SocketAddr::from(([127, 0, 0, 1], port.number()));
        let flag = match self.program {
            "victoria-metrics" => "-httpListenAddr",
            _ => "--web.listen-address",
        };
        let mut command = Command::new(program);
        command
            .arg(format!("{flag}={address}"))
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let mut running = Running::spawn(command);
        running.wait_for(|line| {
            let ready = [
                "Listening on",
                "Providing metrics at",
                "started VictoriaMetrics",
            ];
            ready.iter().any(|it| line.contains(it)).then_some(())
        });
        // The log comes just before the port is open.
        until(|| TcpStream::connect(address).map(drop));
        Some((running, address))
    }
}

/// The series that Prometheus stores of an exporter that it scrapes.
fn direct(address: SocketAddr) -> Stored {
    let mut stream = connect(address);
    let accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.3";
    let request = format!("GET /metrics HTTP/1.0\r\nHost: {address}\r\nAccept: {accept}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let response = rest(stream);
    let (head, page) = response.split_once("\r\n\r\n").expect("a head");
    let head = head.to_ascii_lowercase();
    let content_type = head
        .lines()
        .find_map(|line| line.strip_prefix("content-type: "));
    let dialect = content_type
        .and_then(Dialect::of_content_type)
        .expect("a dialect");
    let scraped = parse::as_scraped(page, dialect).expect("an exposition");
    assert_eq!(scraped.rejection(), None, "{address}");
    stored(scraped.snapshot())
}

fn names(series: &Stored) -> BTreeSet<String> {
    series.keys().cloned().collect()
}
