//! Every target for a few seconds on stable: its corpus and seeds, and those changed at random, the same each time.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use exporter_kit_fuzz::{TARGETS, corpus};

/// Seconds for each target; `FUZZ_SECONDS` says otherwise.
const SECONDS: u64 = 8;

/// Inputs are not made longer than this, in bytes.
const LONGEST: usize = 2048;

/// `Accept`, `Accept-Encoding` and the query, as Prometheus and others send them.
const REQUESTS: &[&str] = &[
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1\ngzip\nname[]=a.b",
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;escaping=values;q=0.4,*/*;q=0.2\nidentity;q=0,gzip;q=0.5,*\nname[]=%61&x=%",
    "text/html, image/gif, *; q=.2, */*; q=.2\nx-gzip;q=nan, deflate\n",
];

/// Bytes of clients on a connection.
const CONNECTIONS: &[&str] = &[
    "GET /metrics HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\nHEAD /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "POST /metrics HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "GET /probe?source=a&target=shop-a HTTP/1.1\r\nHost: a\r\n\r\nHEAD /probe?target=shop-b&source=a HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /probe?source=a&target=%2e%2e%2fshop-&target=-v HTTP/1.1\r\nHost: a\r\nAccept: application/openmetrics-text\r\n\r\n",
    "GET /probe?source=b&target=a+b%00&name[]=app_a HTTP/1.1\r\nHost: a\r\nX-Prometheus-Scrape-Timeout-Seconds: 1\r\n\r\n",
    "GET /page HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /-/ready?a=b#c HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /x HTTP/1.1\r\n\r\n",
];

/// Formats with their texts, and patterns with targets.
const APP_EXPORTER_TEXTS: &[&str] = &[
    "{json: {rows: '$.a[?@.b > 1]'}}\n{\"a\": [{\"b\": 2, \"value\": \"UP\"}, {\"b\": null}]}",
    "{csv: {delimiter: ';'}}\na;value\n\"1;2\";3\n;NaN\n",
    "{regex: '(?<key>\\w+) (?<value>[0-9.]+)'}\nReading: 6 Writing 0.5\n",
    "key_value\na=1\nb: \"2\"\n# c\n",
    "{prometheus: {}}\n# TYPE a counter\na_total{b=\"c\"} 1 1700000000\n",
    "number\n 1_000e3 \n",
    "*.example:80\nshop-a.example:80",
    "shop-*\nshop-..%2f",
    "-v*\n-v",
];

/// Replies of servers, behind the number of the driver: Redis, MySQL, PostgreSQL with known types and with a new one, FastCGI.
const REPLIES: [&[u8]; 5] = [
    b"\0%2\r\n+role\r\n$6\r\nmaster\r\n:1\r\n*2\r\n_\r\n,1.5\r\n|1\r\n+a\r\n#t\r\n=7\r\ntxt:abc\r\n",
    b"\x01I\0\0\0\n8.0.0\0\x07\0\0\0aaaaaaaa\0\0\x82-\x02\0\x08\0\x15\0\0\0\0\0\0\0\0\0\0bbbbbbbbbbbb\0mysql_native_password\0\x07\0\0\x02\0\0\0\x02\0\0\0\x01\0\0\x01\x01\x17\0\0\x02\x03def\0\0\0\x01a\0\x0c-\0\x01\0\0\0\x03\0\0\0\0\0\x05\0\0\x03\xfe\0\0\x02\0\x02\0\0\x04\x017\x01\0\0\x05\xfb\x05\0\0\x06\xfe\0\0\x02\0\x07\0\0\x01\0\0\0\x02\0\0\0",
    b"\x02R\0\0\0\x08\0\0\0\0S\0\0\0\x16server_version\x0017\0Z\0\0\0\x05I1\0\0\0\x04t\0\0\0\x06\0\0T\0\0\0B\0\x03a\0\0\0\0\0\0\0\0\0\x06\xa4\xff\xff\xff\xff\xff\xff\0\x01a\0\0\0\0\0\0\0\0\0\x04\xa0\xff\xff\xff\xff\xff\xff\0\x01a\0\0\0\0\0\0\0\0\0\x04\xa2\xff\xff\xff\xff\xff\xff\0\x01Z\0\0\0\x05I2\0\0\0\x04D\0\0\x006\0\x03\0\0\0\x0c\0\x02\0\x01\0\0\0\x03\0\x01\x09)\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0C\0\0\0\rSELECT 1\0Z\0\0\0\x05I",
    b"\x02R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I1\0\0\0\x04t\0\0\0\x06\0\0T\0\0\0\x1a\0\x01a\0\0\0\0\0\0\0\0\x01\x86\xa0\xff\xff\xff\xff\xff\xff\0\x01Z\0\0\0\x05I1\0\0\0\x04t\0\0\0\n\0\x01\0\0\0\x1aT\0\0\0\x92\0\x07a\0\0\0\0\0\0\0\0\0\0\x13\xff\xff\xff\xff\xff\xff\0\x01a\0\0\0\0\0\0\0\0\0\0\x12\xff\xff\xff\xff\xff\xff\0\x01a\0\0\0\0\0\0\0\0\0\0\x1a\xff\xff\xff\xff\xff\xff\0\x01a\0\0\0\0\0\0\0\0\0\0\x1a\xff\xff\xff\xff\xff\xff\0\x01a\0\0\0\0\0\0\0\0\0\0\x1a\xff\xff\xff\xff\xff\xff\0\x01a\0\0\0\0\0\0\0\0\0\0\x13\xff\xff\xff\xff\xff\xff\0\x01a\0\0\0\0\0\0\0\0\0\0\x1a\xff\xff\xff\xff\xff\xff\0\x01Z\0\0\0\x05I2\0\0\0\x04D\0\0\x005\0\x07\0\0\0\x01a\0\0\0\x01d\0\0\0\x04\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\x04\0\0\0\x17\0\0\0\x01b\0\0\0\x04\0\0\0\0C\0\0\0\rSELECT 1\0Z\0\0\0\x05I2\0\0\0\x04D\0\0\0\x0e\0\x01\0\0\0\x04\0\0\0\x07C\0\0\0\rSELECT 1\0Z\0\0\0\x05I",
    b"\x03\x01\x07\0\x01\0\x04\x03\0note\0\0\0\x01\x06\0\x01\0#\0\0Status: 200\r\nContent-Type: a/b\r\n\r\n7\x01\x03\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0",
];

/// Pieces that expositions and headers are made of.
const PIECES: &[&str] = &[
    "# TYPE ",
    "# HELP ",
    "# UNIT ",
    "# EOF\n",
    "counter\n",
    "histogram\n",
    "gaugehistogram\n",
    "summary\n",
    "stateset\n",
    "info\n",
    "unknown\n",
    "_total",
    "_bucket{le=\"+Inf\"} 1\n",
    "_count 1\n",
    "_sum 1\n",
    "_created 1\n",
    " # {a=\"b\"} 1 2\n",
    "{\"a b\",c=\"d\"} 1\n",
    "\\n",
    "\\\"",
    "\"",
    "{",
    "}",
    ",",
    "=",
    " ",
    "\n",
    "NaN",
    "+Inf",
    "-1e-5",
    "1e400",
    "0x1",
    "\u{e9}",
    "\u{feff}",
    "\r",
    "\t",
    ";q=0.5",
    ";version=1.0.0",
    ";escaping=dots",
    "*/*",
    "q=",
    "quantile=\"0.5\"",
    "le=\"1e0\"",
    "GET /metrics HTTP/1.1\r\n",
    "GET /probe?source=a&target=shop-",
    "&target=",
    "%2f",
    "%00",
    "+",
    "Content-Length: ",
    "Transfer-Encoding: chunked\r\n",
    "\r\n\r\n",
    "tls_server_config:\n",
    "  cert_file: ",
    "basic_auth_users:\n",
    "http_server_config:\n",
    "- ",
    ": ",
    "&a ",
    "*a",
];

/// A small generator (xorshift*), so that every run takes the same way.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Below `limit`; 0 if that is 0.
    fn below(&mut self, limit: usize) -> usize {
        ((self.next() >> 33) as usize)
            .checked_rem(limit)
            .unwrap_or(0)
    }

    fn one<'a, T: ?Sized>(&mut self, of: &'a [&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../crates/exporter-kit/tests/conformance/openmetrics");
    let mut files: Vec<_> = fs::read_dir(&cases)
        .expect("the conformance cases")
        .map(|case| case.expect("a case").path().join("metrics"))
        .collect();
    files.sort();
    assert!(files.len() > 50, "only {files:?}");
    let read = files
        .iter()
        .map(|file| fs::read(file).expect("a case's exposition"));
    let requests = REQUESTS.iter().map(|request| request.as_bytes().to_vec());
    let connections = CONNECTIONS.iter().map(|bytes| bytes.as_bytes().to_vec());
    read.chain(requests)
        .chain(connections)
        .chain(web_configurations())
        .chain([vec![]])
        .collect()
}

fn web_configurations() -> Vec<Vec<u8>> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../crates/exporter-kit/tests/web_config/fixtures");
    let mut files: Vec<_> = fs::read_dir(&fixtures)
        .expect("the fixtures")
        .map(|file| file.expect("a fixture").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yml"))
        .collect();
    files.sort();
    assert!(files.len() > 50, "only {files:?}");
    let read = files.iter().map(|file| fs::read(file).expect("a fixture"));
    read.collect()
}

/// Inputs of app_exporter: configurations, texts of every format, targets and records of logins.
fn app_exporter_seeds() -> Vec<Vec<u8>> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/app_exporter");
    let mut files = vec![home.join("config.example.yml")];
    for folder in ["tests/config", "tests/sources", "tests/sources/data"] {
        let entries = fs::read_dir(home.join(folder)).expect("the cases");
        let paths = entries.map(|entry| entry.expect("a case").path());
        files.extend(paths.filter(|path| path.is_file()));
    }
    files.sort();
    assert!(files.len() > 40, "only {files:?}");
    let read = files.iter().map(|file| fs::read(file).expect("a case"));
    let texts = APP_EXPORTER_TEXTS
        .iter()
        .map(|text| text.as_bytes().to_vec());
    let mut login = vec![0; 400];
    login[0] = 7;
    login[8..12].copy_from_slice(b"tty1");
    login[44..47].copy_from_slice(b"ada");
    login[76..84].copy_from_slice(b"10.0.0.7");
    let short = login[..384].repeat(3);
    read.chain(texts)
        .chain([short, login.repeat(2), vec![]])
        .collect()
}

fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let until = (at + random.below(16)).min(input.len());
    match random.below(7) {
        0 => drop(input.splice(at..at, random.one(PIECES).bytes())),
        1 => drop(input.splice(at..until, random.one(PIECES).bytes())),
        2 => drop(input.drain(at..until)),
        3 => {
            let again = input[at..until].to_vec();
            drop(input.splice(at..at, again));
        }
        4 => input.insert(at, random.next() as u8),
        5 if at < input.len() => input[at] ^= 1 << random.below(8),
        _ => {
            let other = &seeds[random.below(seeds.len())];
            let from = random.below(other.len() + 1);
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
    }
    input.truncate(LONGEST);
}

fn run(name: &str) {
    let (_, target) = TARGETS
        .iter()
        .find(|(target, _)| *target == name)
        .expect("a target");
    let seconds = std::env::var("FUZZ_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok());
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(SECONDS));
    let of_app_exporter = ["decoders", "configuration", "utmp", "probe_targets"].contains(&name);
    let mut seeds = if name == "replies" {
        REPLIES.map(<[u8]>::to_vec).to_vec()
    } else if of_app_exporter {
        app_exporter_seeds()
    } else {
        seeds()
    };
    seeds.extend(corpus::read(name).expect("a corpus"));
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut runs = 0_u64;
    for seed in &seeds {
        attempt(name, *target, seed);
    }
    // An input of `compressed` is a dozen scrapes, and one of `large` is half a megabyte.
    let least = match name {
        "compressed" | "large" => 100,
        _ => 1000,
    };
    while Instant::now() < end || runs <= least {
        let mut input = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(6) {
            change(&mut input, &seeds, &mut random);
            attempt(name, *target, &input);
            runs += 1;
        }
        if ["structure", "compressed", "structural_gzip"].contains(&name) {
            let random_bytes = (0..random.below(120))
                .map(|_| random.next() as u8)
                .collect::<Vec<_>>();
            attempt(name, *target, &random_bytes);
        }
    }
    println!("{name}: {runs} inputs");
}

/// Runs one input; what makes it panic is kept where libFuzzer keeps such inputs, and told.
fn attempt(name: &str, target: fn(&[u8]), input: &[u8]) {
    if std::panic::catch_unwind(|| target(input)).is_err() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("artifacts")
            .join(name);
        fs::create_dir_all(&folder).expect("a folder for the input");
        let file = folder.join("bounded");
        fs::write(&file, input).expect("the input is kept");
        panic!(
            "repeat it with `cargo fuzz run {name} {}`; input: {:?}",
            file.display(),
            String::from_utf8_lossy(input)
        );
    }
}

#[test]
fn openmetrics() {
    run("openmetrics");
}

#[test]
fn text() {
    run("text");
}

#[test]
fn as_scraped() {
    run("as_scraped");
}

#[test]
fn large() {
    run("large");
}

#[test]
fn round_trip() {
    run("round_trip");
}

#[test]
fn negotiation() {
    run("negotiation");
}

#[test]
fn structure() {
    run("structure");
}

#[test]
fn requests() {
    run("requests");
}

#[test]
fn web_configuration() {
    run("web_configuration");
}

#[test]
fn compressed() {
    run("compressed");
}

#[test]
fn structural_gzip() {
    run("structural_gzip");
}

#[test]
fn decoders() {
    run("decoders");
}

#[test]
fn configuration() {
    run("configuration");
}

#[test]
fn utmp() {
    run("utmp");
}

#[test]
fn probe_targets() {
    run("probe_targets");
}

#[test]
fn replies() {
    run("replies");
}
