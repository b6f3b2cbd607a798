//! `/probe`: templates asked about targets, and everything that must not be reached.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::http_source::{answer, serve};
use crate::program::{Running, connect, end, get, rest};
use crate::support::{Prometheus, Scratch, require, run, said, wait_until};

const JOB: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../deploy/prometheus/probe.yml"
);

/// A server whose number is the length of the path, and the paths that it was asked for.
fn shops() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let paths = Arc::clone(&asked);
    let address = serve(
        |stream| stream,
        move |request| {
            let mut paths = paths.lock().expect("no test panics here");
            paths.push(request.path.clone());
            match request.path.as_str() {
                "/shop-moved" => answer(
                    "302 Found",
                    "Location: http://localhost:1/elsewhere\r\n",
                    "",
                ),
                path => answer("200 OK", "", &path.len().to_string()),
            }
        },
    );
    (address, asked)
}

fn config(shops: SocketAddr) -> String {
    format!(
        "sources:
  shop:
    probe: {{targets: ['shop-*', x@y]}}
    http: {{url: 'http://{shops}/${{target}}', format: number}}
    metrics: [{{name: app_active_sessions, help: Number of active user sessions}}]
  host:
    probe: {{targets: ['*']}}
    http: {{url: 'http://${{target}}:1/', format: number}}
    metrics: [{{name: app_hosts, help: Nothing.}}]
  count:
    probe: {{targets: ['*', '-v', 'a b; c']}}
    command: {{argv: [sh, -c, 'echo n=$#', sh, '${{target}}', '<${{target}}> ${{HOME}}'], format: key_value}}
    metrics: [{{name: app_arguments, help: Arguments., value: n}}]
  file:
    probe: {{targets: ['*']}}
    file: {{path: 'of-${{target}}.txt', format: number}}
    metrics: [{{name: app_file, help: A number.}}]
  ordinary:
    simulate: {{steps: {{values: [7], every: 1h}}}}
    metrics: [{{name: app_ordinary, help: A number.}}]
"
    )
}

/// The status and text of `/probe?source=SOURCE&target=TARGET`, whose target is written as it is sent.
pub(crate) fn probe(address: SocketAddr, source: &str, target: &str) -> (u16, String) {
    get(address, &format!("/probe?source={source}&target={target}"))
}

pub(crate) fn has(text: &str, line: &str) -> bool {
    text.lines().any(|found| found == line)
}

#[test]
fn a_template_gives_the_metrics_of_its_target_and_its_own_health() {
    let scratch = Scratch::new("probe");
    let (shops, asked) = shops();
    scratch.write("of-a.txt", "5");
    let file = scratch.write("config.yml", &config(shops));
    let (mut running, address) = Running::listening(&["--config.file", &file.to_string_lossy()]);
    for (target, sessions) in [("shop-a", "7.0"), ("shop-_-9", "9.0"), ("x%40y", "4.0")] {
        let (status, text) = probe(address, "shop", target);
        assert_eq!(status, 200, "{text}");
        assert!(
            has(&text, &format!("app_active_sessions {sessions}")),
            "{text}"
        );
        for line in [
            "app_exporter_source_up{source=\"shop\"} 1.0",
            "app_exporter_source_rows{source=\"shop\"} 1.0",
            "app_exporter_source_errors_total{source=\"shop\",reason=\"connect\"} 0.0",
        ] {
            assert!(has(&text, line), "{line} in {text}");
        }
        assert!(!text.contains("ordinary"), "{text}");
    }
    // A target stays in the one argument that names it.
    for target in ["a", "-v", "a+b%3B+c"] {
        let (_, text) = probe(address, "count", target);
        assert!(has(&text, "app_arguments 2.0"), "{text}");
    }
    assert!(has(&probe(address, "file", "a").1, "app_file 5.0"));
    let (status, text) = probe(address, "file", "b");
    assert_eq!(status, 200, "{text}");
    assert!(has(&text, "app_exporter_source_up{source=\"file\"} 0.0"));
    // One that is allowed leads to no other.
    let (_, text) = probe(address, "shop", "shop-moved");
    // Who reads the log learns which of the targets it was.
    running.wait_for(|line| line.contains("/shop-moved`: ").then_some(()));
    assert!(has(&text, "app_exporter_source_up{source=\"shop\"} 0.0"));

    let (_, text) = get(address, "/metrics");
    assert!(has(&text, "app_ordinary 7.0"), "{text}");
    assert!(has(&text, "app_exporter_probe_targets 9.0"), "{text}");
    for absent in ["source=\"shop\"", "source=\"count\"", "app_active_sessions"] {
        assert!(!text.contains(absent), "{absent} in {text}");
    }
    let asked = asked.lock().expect("no panic").clone();
    assert_eq!(asked, ["/shop-a", "/shop-_-9", "/x@y", "/shop-moved"]);
}

/// Targets, as they are sent, that lead elsewhere where they are not refused.
const HOSTILE: &[&str] = &[
    "evil.example",
    "evil.example%23",
    "evil.example%2F",
    "shop-a%23",
    "shop-a%3Fb",
    "shop-a@evil.example",
    "shop-a%40evil.example",
    "shop-a%3A80",
    "shop-a.evil.example",
    "..%2F..%2Fetc%2Fpasswd",
    "shop-..%2fadmin",
    "shop-..%252fadmin",
    "shop-a%5Cb",
    "shop-a%0A",
    "shop-a%0D%0AHost:%20evil",
    "shop-a%00",
    "shop-a%20--help",
    "shop-a+b",
    "shop-%C3%A9",
    "shop-%EF%BD%81",
    "shop-%FF",
    "shop-%",
    "SHOP-a",
    "shop-",
    "%24%7Btarget%7D",
    "shop-%24%7BHOME%7D",
    "%2Dshop-a",
    "",
];

#[test]
fn a_hostile_target_reaches_nothing() {
    let scratch = Scratch::new("probe-hostile");
    let (shops, asked) = shops();
    let file = scratch.write("config.yml", &config(shops));
    let (_running, address) = Running::listening(&["--config.file", &file.to_string_lossy()]);
    let long = format!("shop-{}", "a".repeat(5000));
    let all = HOSTILE.iter().copied().chain([&*long]);
    let count = all.clone().count();
    for target in all {
        let (status, text) = probe(address, "shop", target);
        assert_eq!(status, 403, "{target}: {text}");
        assert!(text.contains(" is not one of the `targets` of the source `shop`; there are `"));
        assert!(text.ends_with("`; there are `shop-*`, `x@y`\n"), "{text}");
        assert!(text.len() < 1000 && text.lines().count() == 1, "{text}");
    }
    // An option is one only where it is listed, and a number is no other writing of an address.
    for target in ["-rf", "--help", "-", "-v%20", "-v%0A"] {
        assert_eq!(probe(address, "count", target).0, 403, "{target}");
    }
    for target in ["2130706433", "0x7f000001", "017700000001", "127"] {
        let (status, text) = probe(address, "host", target);
        assert_eq!(status, 503, "{target}: {text}");
        assert!(text.contains("in an unusual form"), "{text}");
    }
    for (query, status, said) in [
        ("", 400, "the parameter `source` is missing"),
        ("source=shop", 400, "the parameter `target` is missing"),
        (
            "source=shop&target=shop-a&target=evil",
            400,
            "the parameter `target` occurs more than once",
        ),
        (
            "source=shop&target=shop-a&%74arget=shop-a",
            400,
            "more than once",
        ),
        (
            "source=shop&source=host&target=shop-a",
            400,
            "the parameter `source` occurs more than once",
        ),
        (
            "source=shpo&target=shop-a",
            404,
            "no source named `shpo` has a `probe`, did you mean `shop`?",
        ),
        (
            "source=ordinary&target=a",
            404,
            "no source named `ordinary` has a `probe`; there are `count`, `file`, `host`, `shop`",
        ),
        (
            "source=%0Aa%1B%5B31m&target=a",
            404,
            "no source named `\\na\\u{1b}[31m` has",
        ),
    ] {
        let (found, text) = get(address, &format!("/probe?{query}"));
        assert!(text.contains(said), "{query}: {text}");
        assert_eq!(found, status, "{query}: {text}");
    }
    // What is no request at all is refused before anything is looked at.
    let mut stream = connect(address);
    let raw = "GET /probe?source=shop&target=shop-\u{e9} x HTTP/1.0\r\n\r\n";
    stream.write_all(raw.as_bytes()).expect("a request");
    let answer = rest(stream);
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");

    let (_, text) = get(address, "/metrics");
    for (reason, number) in [
        ("request", 5),
        ("source", 3),
        ("target", count + 5),
        ("build", 4),
    ] {
        let line = format!("app_exporter_probe_refusals_total{{reason=\"{reason}\"}} {number}.0");
        assert!(has(&text, &line), "{line} in {text}");
    }
    assert_eq!(*asked.lock().expect("no panic"), [""; 0]);
}

#[test]
fn probes_that_arrive_together_share_one_run() {
    const PROBES: usize = 5;
    let scratch = Scratch::new("probe-together");
    let (release, released) = channel::<()>();
    let shops = serve(
        |stream| stream,
        move |_| {
            // The second request to get here finds the test's end, and another number.
            let first = released.recv().is_ok();
            answer("200 OK", "", if first { "1" } else { "2" })
        },
    );
    let file = scratch.write(
        "config.yml",
        &config(shops).replace("  shop:\n", "  shop:\n    cache: 1h\n"),
    );
    let (_running, address) = Running::listening(&["--config.file", &file.to_string_lossy()]);
    let probes: Vec<_> = (0..PROBES)
        .map(|_| thread::spawn(move || probe(address, "shop", "shop-a")))
        .collect();
    // They, and the request that asks for their number.
    let all = format!("exporter_kit_http_requests_in_flight {}.0", PROBES + 1);
    wait_until("all are being answered", || {
        has(&get(address, "/metrics").1, &all)
    });
    release.send(()).expect("the server waits");
    drop(release);
    for probe in probes {
        let (status, text) = probe.join().expect("an answer");
        assert_eq!(status, 200);
        assert!(has(&text, "app_active_sessions 1.0"), "{text}");
    }
}

#[cfg(unix)]
#[test]
fn a_reload_changes_what_is_allowed() {
    let scratch = Scratch::new("probe-reload");
    let (shops, _) = shops();
    let file = scratch.write("config.yml", &config(shops));
    let (mut running, address) = Running::listening(&["--config.file", &file.to_string_lossy()]);
    assert_eq!(probe(address, "shop", "shop-a").0, 200);
    assert_eq!(probe(address, "count", "a").0, 200);
    let changed = config(shops).replace("'shop-*'", "shop-b");
    let template = "  ordinary:\n    probe: {targets: [a]}\n    file: {path: 'of-${target}.txt', format: number}\n";
    let ordinary = "  ordinary:\n    simulate: {steps: {values: [7], every: 1h}}\n";
    assert!(changed.contains(ordinary));
    let changed = changed.replace(ordinary, template);
    scratch.write("config.yml", &changed);
    running.signal(rustix::process::Signal::HUP);
    running.wait_for(|line| line.contains("msg=Reloaded").then_some(()));
    assert_eq!(probe(address, "shop", "shop-a").0, 403);
    assert!(has(
        &get(address, "/metrics").1,
        "app_exporter_probe_targets 1.0"
    ));
    assert_eq!(probe(address, "shop", "shop-b").0, 200);
    assert_eq!(probe(address, "ordinary", "a").0, 200);
    assert!(!get(address, "/metrics").1.contains("app_ordinary"));
}

#[test]
fn probes_go_through_the_web_configuration_and_the_prefix() {
    let scratch = Scratch::new("probe-gate");
    let (shops, _) = shops();
    let file = scratch.write("config.yml", &config(shops));
    let web = scratch.write(
        "web.yml",
        "basic_auth_users:\n  a: $2y$04$SEfy6fkBVJLApYNv7qQ.Q.U46cy9ody5OVb.VKGhx9Mmx59LyJ9Rq\n",
    );
    let (_running, address) = Running::listening(&[
        "--config.file",
        &file.to_string_lossy(),
        "--web.config.file",
        &web.to_string_lossy(),
        "--web.route-prefix=/apps",
    ]);
    let path = "/apps/probe?source=shop&target=shop-a";
    assert_eq!(get(address, path).0, 401);
    let mut stream = connect(address);
    // a:alice-secret
    let login = "Authorization: Basic YTphbGljZS1zZWNyZXQ=";
    write!(stream, "GET {path} HTTP/1.0\r\n{login}\r\n\r\n").expect("a request");
    let answer = rest(stream);
    assert!(answer.contains("\napp_active_sessions 7.0\n"), "{answer}");
}

#[test]
fn a_template_that_can_not_work_is_refused_at_once() {
    let scratch = Scratch::new("probe-check");
    for (from, to, said) in [
        ("'shop-*', x@y", "", "`targets` is empty"),
        ("x@y", "''", "`` is not a target"),
        (
            "    file:",
            "    interval: 5s\n    file:",
            "remove one of the two",
        ),
        (
            "argv: [sh,",
            "argv: ['${target}',",
            "a request must not choose the program",
        ),
        (
            "http://${target}",
            "ftp://${target}",
            "write `http` or `https`",
        ),
        (
            "http://${target}",
            "http://${Target}",
            "variable `Target` is not set",
        ),
    ] {
        let text = config(SocketAddr::from(([127, 0, 0, 1], 1)));
        assert!(text.contains(from), "{from}");
        let file = scratch.write("config.yml", &text.replacen(from, to, 1));
        let output = end(&["check-config", &file.to_string_lossy()], &[]);
        let text = self::said(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(said), "{text}");
    }
}

#[test]
fn promtool_takes_the_job_that_probes() {
    let Some(promtool) = require("promtool") else {
        return;
    };
    let arguments = ["check", "config", "--lint=all", "--lint-fatal", JOB];
    let output = run(Command::new(promtool).args(arguments), "");
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn a_real_prometheus_probes_every_target_by_relabelling() {
    let Some(program) = require("prometheus") else {
        return;
    };
    let scratch = Scratch::new("probe-prometheus");
    let (shops, _) = shops();
    // The job as it is written, but for the address of the exporter and the pace.
    let exports = config(shops).replace("'shop-*', x@y", "'shop-*.example'");
    let file = scratch.write("config.yml", &exports);
    let (_running, address) = Running::listening(&["--config.file", &file.to_string_lossy()]);
    let job = fs::read_to_string(Path::new(JOB)).expect("the job");
    let job = job.replace("localhost:8000", &address.to_string());
    let job = format!("global: {{scrape_interval: 1s}}\n{job}");
    let job = scratch.write("prometheus.yml", &job);
    let prometheus = Prometheus::start(&program, &scratch, &job, &[]);
    for shop in ["shop-a.example", "shop-b.example"] {
        let query = format!("app_active_sessions{{job=\"shops\",instance=\"{shop}\"}}");
        assert_eq!(prometheus.value(&query), 15.0);
    }
    prometheus.assert_scraped_without_error();
}

#[test]
fn the_page_about_probing_shows_the_job_as_it_is() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/probing.md");
    let page = fs::read_to_string(page).expect("the page");
    let job = fs::read_to_string(JOB).expect("the job");
    let job = &job[job.find("scrape_configs:").expect("the job")..];
    assert!(page.contains(&format!("```yaml\n{job}```\n")), "{job}");
}
