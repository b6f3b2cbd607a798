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

/// Reads bytes as the replies of a server: the first byte chooses the driver.
///
/// # Panics
/// When a limit is broken.
pub fn replies(data: &[u8]) {
    const MOST: usize = 4096;
    let Some((driver, bytes)) = data.split_first() else {
        return;
    };
    // Without timers: a driver that waits for what does not come would never end.
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        match driver % 4 {
            0 => sources::redis::fuzz::replies(bytes, MOST).await,
            1 => sources::sql::mysql_fuzz::replies(bytes, MOST).await,
            2 => sources::sql::postgres_fuzz::replies(bytes, MOST).await,
            _ => sources::fastcgi::fuzz::replies(bytes, MOST).await,
        }
    });
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Conversations, whose beginnings come before the bytes.
    const CONVERSATIONS: [&[u8]; 5] = [
        b"\0%2\r\n+role\r\n$6\r\nmaster\r\n:1\r\n*2\r\n_\r\n,1.5\r\n|1\r\n+a\r\n#t\r\n=7\r\ntxt:abc\r\n",
        b"\x01I\0\0\0\n8.0.0\0\x07\0\0\0aaaaaaaa\0\0\x82-\x02\0\x08\0\x15\0\0\0\0\0\0\0\0\0\0bbbbbbbbbbbb\0mysql_native_password\0\x07\0\0\x02\0\0\0\x02\0\0\0\x01\0\0\x01\x01\x17\0\0\x02\x03def\0\0\0\x01a\0\x0c-\0\x01\0\0\0\x03\0\0\0\0\0\x05\0\0\x03\xfe\0\0\x02\0\x02\0\0\x04\x017\x01\0\0\x05\xfb\x05\0\0\x06\xfe\0\0\x02\0\x07\0\0\x01\0\0\0\x02\0\0\0",
        b"\x02R\0\0\0\x08\0\0\0\0S\0\0\0\x16server_version\x0017\0Z\0\0\0\x05I1\0\0\0\x04t\0\0\0\x06\0\0T\0\0\0B\0\x03a\0\0\0\0\0\0\0\0\0\x06\xa4\xff\xff\xff\xff\xff\xff\0\x01a\0\0\0\0\0\0\0\0\0\x04\xa0\xff\xff\xff\xff\xff\xff\0\x01a\0\0\0\0\0\0\0\0\0\x04\xa2\xff\xff\xff\xff\xff\xff\0\x01Z\0\0\0\x05I2\0\0\0\x04D\0\0\x006\0\x03\0\0\0\x0c\0\x02\0\x01\0\0\0\x03\0\x01\x09)\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0C\0\0\0\rSELECT 1\0Z\0\0\0\x05I",
        b"\x02R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I1\0\0\0\x04t\0\0\0\x06\0\0T\0\0\0\x1a\0\x01a\0\0\0\0\0\0\0\0\x01\x86\xa0\xff\xff\xff\xff\xff\xff\0\x01Z\0\0\0\x05I1\0\0\0\x04t\0\0\0\n\0\x01\0\0\0\x1aT\0\0\0\x92\0\x07a\0\0\0\0\0\0\0\0\0\0\x13\xff\xff\xff\xff\xff\xff\0\x01a\0\0\0\0\0\0\0\0\0\0\x12\xff\xff\xff\xff\xff\xff\0\x01a\0\0\0\0\0\0\0\0\0\0\x1a\xff\xff\xff\xff\xff\xff\0\x01a\0\0\0\0\0\0\0\0\0\0\x1a\xff\xff\xff\xff\xff\xff\0\x01a\0\0\0\0\0\0\0\0\0\0\x1a\xff\xff\xff\xff\xff\xff\0\x01a\0\0\0\0\0\0\0\0\0\0\x13\xff\xff\xff\xff\xff\xff\0\x01a\0\0\0\0\0\0\0\0\0\0\x1a\xff\xff\xff\xff\xff\xff\0\x01Z\0\0\0\x05I2\0\0\0\x04D\0\0\x005\0\x07\0\0\0\x01a\0\0\0\x01d\0\0\0\x04\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\x04\0\0\0\x17\0\0\0\x01b\0\0\0\x04\0\0\0\0C\0\0\0\rSELECT 1\0Z\0\0\0\x05I2\0\0\0\x04D\0\0\0\x0e\0\x01\0\0\0\x04\0\0\0\x07C\0\0\0\rSELECT 1\0Z\0\0\0\x05I",
        b"\x03\x01\x07\0\x01\0\x04\x03\0note\0\0\0\x01\x06\0\x01\0#\0\0Status: 200\r\nContent-Type: a/b\r\n\r\n7\x01\x03\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0",
    ];

    #[test]
    fn whole_conversations_are_read() {
        CONVERSATIONS.into_iter().for_each(replies);
    }

    proptest! {
        #[test]
        fn no_bytes_of_a_server_make_a_driver_panic_or_wait(
            conversation in prop::sample::select(&CONVERSATIONS[..]),
            at in any::<prop::sample::Index>(),
            skipped in 0_usize..4,
            bytes in prop::collection::vec(
                prop_oneof![
                    any::<u8>(),
                    prop::sample::select(&b"\0\x01\x04\xff$*%|>~_:+-=\r\n0129DTSZ"[..]),
                ],
                0..60,
            ),
        ) {
            let at = at.index(conversation.len());
            let rest = conversation.get(at + skipped..).unwrap_or_default();
            replies(&[&conversation[..at], &bytes, rest].concat());
        }
    }
}
