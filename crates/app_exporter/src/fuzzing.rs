//! The program's readers of untrusted input, as the fuzz targets in `fuzz/` call them.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use exporter_kit::Registry;
use exporter_kit::scrape::MetricsHandler;
use exporter_kit::server::{ProbeQuery, ProbeRefusal};
use tokio::runtime::{Builder, Runtime};

use crate::config::probe::TargetPattern;
use crate::decode::law::{self, FORMATS};
use crate::decode::{Cell, Format, Limits, Wanted};
use crate::mapping::Mapping;
use crate::setup::{self, Config, Files};
use crate::sources::memory::Memory;
use crate::{config, probe as probing, sources};

/// Metrics over the columns of all formats.
const METRICS: &str = "
- {name: a, help: A., value: value, labels: [key], default: 1, duplicates: sum}
- {name: b_total, help: B., type: counter, value: '1', scale: 0.001, duplicates: max}
- {name: c_info, help: C., type: info, labels: {k: a}}
- {name: d, help: D., value: a, map: {UP: 1, DOWN: 0}, timestamp: value}
- {name: e, help: E., value: {column: value, regex: '(.*)', replace: {a: b}, lower: true, as: duration}, labels: {k: ^key}}
- {name: f, help: F., value: {ratio: [{column: a, as: bytes}, {column: value, as: number}]}}
- {name: g, help: G., type: histogram, bucket: key, value: value, sum: a, cumulative: false, duplicates: sum}
";

/// A template whose targets lead only to files of odd names, and another source.
const TEMPLATES: &str = "sources:
  a:
    probe: {targets: ['shop-*', '-v', 'a b']}
    file: {path: 'of-${target}.txt', format: number}
    metrics: [{name: app_a, help: A number.}]
  b:
    simulate: {uniform: {}}
    metrics: [{name: app_b, help: A number.}]
";

const LIMITS: Limits = Limits {
    bytes: 4096,
    rows: 50,
};

/// Limits of texts that are many times as large.
const LARGE: Limits = Limits {
    bytes: 1 << 20,
    rows: 1 << 17,
};

/// Decodes a text in every format, and in the format of its first line, within the limits. Then maps the rows to metrics.
///
/// # Panics
/// When a limit or a rule of rows is broken.
pub fn decoders(data: &[u8]) {
    for format in FORMATS {
        decode(format, data, LIMITS);
    }
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let (format, text) = (lines.next(), lines.next());
    if let (Some(Ok(format)), Some(text)) = (format.map(std::str::from_utf8), text) {
        decode(format, text, LIMITS);
    }
}

/// Decodes a large text in one of the formats.
///
/// # Panics
/// When a limit or a rule of rows is broken.
pub fn large(format: u8, text: &[u8]) {
    decode(FORMATS[usize::from(format) % FORMATS.len()], text, LARGE);
}

fn decode(format: &str, text: &[u8], limits: Limits) {
    let Ok(format) = serde_saphyr::from_str::<Format>(format) else {
        return;
    };
    let metrics: Vec<config::MetricConfig> = serde_saphyr::from_str(METRICS).unwrap_or_default();
    assert_eq!(metrics.len(), 7, "the metrics are ones");
    let parts = format.parts();
    let mapping = Mapping::new(metrics.iter(), &parts).ok();
    let wanted = mapping
        .as_ref()
        .map_or_else(Wanted::default, Mapping::wanted);
    let Some(decoded) = law::decode(&format, wanted, limits, text) else {
        return;
    };
    if let Some(mapping) = mapping {
        // A failure is a verdict as well.
        let _ = mapping.map(&decoded);
    }
}

/// Reads a configuration. An error names a place, and the displayed text hides secrets.
///
/// # Panics
/// When a limit or a rule of rows is broken.
pub fn configuration(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match Config::parse(&file(text), &environment) {
        Ok(_) => drop(setup::shown(&file(text))),
        Err(error) => {
            let said = error.to_string();
            assert!(said.lines().all(|line| line.len() > 7), "{said}");
            assert!(said.starts_with("a.yml:"), "{said}");
        }
    }
    // What is hidden does not depend on whether it can be used.
    let secret = "zq7vx";
    if text.contains(secret) {
        return;
    }
    let line =
        format!("sources: {{a: {{http: {{bearer: {secret}, basic: {{password: {secret}}}}}}}}}\n");
    if let Ok(shown) = setup::shown(&file(&format!("{line}{text}"))) {
        assert!(!shown.contains(secret), "{shown}");
    }
}

/// Reads a utmp file: at most a row for each record, each with a user.
///
/// # Panics
/// When a limit or a rule of rows is broken.
pub fn utmp(data: &[u8]) {
    let rows: Vec<_> = sources::utmp::logins(data).collect();
    assert!(rows.len() <= data.len() / 384, "{} rows", rows.len());
    for row in rows {
        assert!(
            matches!(&row[0], Cell::Text(user) if !user.is_empty()),
            "{row:?}"
        );
        for cell in &row {
            assert!(!cell.to_label().contains('\0'), "{row:?}");
        }
    }
}

/// Matches a target: an allowed one equals the pattern, or differs only in plain characters.
///
/// # Panics
/// When a limit or a rule of rows is broken.
pub fn probe_targets(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (written, target) = text.split_once('\n').unwrap_or((&text, "a"));
    let Ok(pattern) = TargetPattern::parse(written) else {
        return;
    };
    for sample in pattern.samples() {
        assert!(
            pattern.allows(&sample) || written.starts_with('-'),
            "{written:?} {sample:?}"
        );
    }
    if !pattern.allows(target) || target == written {
        return;
    }
    assert!(written.contains('*') && target.len() <= 253 && !target.starts_with('-'));
    let mut left = target.chars();
    let plain = |char: &char| char.is_ascii_alphanumeric() || "-_".contains(*char);
    // Every other character stands in both, in the same order.
    let others = written.chars().filter(|char| !plain(char) && *char != '*');
    assert!(
        left.by_ref().filter(|char| !plain(char)).eq(others),
        "{written:?} {target:?}"
    );
}

/// A file, whose includes are not followed.
fn file(text: &str) -> Files {
    Files::of_text(Path::new("a.yml"), text)
}

/// An empty environment.
fn environment(_: &str) -> Option<String> {
    None
}

/// Answers `/probe`, only for a template and a target that it allows.
///
/// # Errors
/// When the request names an unknown source, or a target that is not allowed.
///
/// # Panics
/// When a limit or a rule of rows is broken.
pub fn probe(query: &ProbeQuery) -> Result<MetricsHandler, ProbeRefusal> {
    static PROBER: OnceLock<(Arc<probing::Prober>, Runtime)> = OnceLock::new();
    let (prober, _) = PROBER.get_or_init(|| {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        let runtime = runtime.expect("a thread");
        let config = Config::parse(&file(TEMPLATES), &environment).expect("a configuration");
        let memory = Memory::default();
        let built = setup::build(config, &environment, &memory).expect("a configuration");
        let prober =
            probing::Prober::start(built.templates, &Registry::new(), runtime.handle(), &memory);
        (prober.expect("free names"), runtime)
    });
    let chosen = prober.choose(query);
    let (source, target) = (query.one("source"), query.one("target"));
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_".contains(char);
    let allowed = source == Ok("a")
        && target.as_ref().is_ok_and(|target| {
            let run = target.strip_prefix("shop-");
            run.is_some_and(|run| !run.is_empty() && run.chars().all(plain) && target.len() <= 253)
                || ["-v", "a b"].contains(target)
        });
    assert_eq!(chosen.is_ok(), allowed, "{query:?}");
    chosen
}
