//! Compressed responses of the source `http`: every format reads them, and none that lies costs more than its limit.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::http_source::{Request, serve};
use crate::program::end;
use crate::support::{Scratch, assert_lines, said};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 3).expect("memory")
}

fn response(encoding: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let encoding = match encoding {
        "" => String::new(),
        encoding => format!("Content-Encoding: {encoding}\r\n"),
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n{encoding}\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Every format, with a text that has the number 7 in it.
const FORMATS: [(&str, &str, &str); 9] = [
    ("json", "json", "{\"value\": 7}"),
    ("yaml", "yaml", "value: 7\n"),
    ("csv", "csv", "value\n7\n"),
    ("key_value", "key_value", "value=7\n"),
    ("regex", "{regex: 'is (?<value>[0-9]+)'}", "it is 7\n"),
    ("number", "number", "7\n"),
    ("xml", "xml", "<a value=\"7\"/>"),
    ("ini", "ini", "[a]\nvalue = 7\n"),
    ("prometheus", "prometheus", "app_prometheus 7\n"),
];

#[test]
fn every_format_reads_what_gzip_and_zstd_compressed() {
    let server = serve(
        |stream| stream,
        |request: &Request| {
            let mut path = request.path.trim_start_matches('/').split('/');
            let (encoding, name) = (path.next().expect("it"), path.next().expect("it"));
            let format = FORMATS.iter().find(|(known, ..)| *known == name);
            let (.., text) = format.expect("a format");
            match encoding {
                "gzip" => response("gzip", &gzip(text.as_bytes())),
                "zstd" => response("zstd", &zstd(text.as_bytes())),
                _ => response("", text.as_bytes()),
            }
        },
    );
    let scratch = Scratch::new("http-encoding");
    for encoding in ["gzip", "zstd", "identity"] {
        let sources = FORMATS.map(|(name, format, _)| {
            let value = if name == "xml" { "'@value'" } else { "value" };
            let metrics = match name {
                "prometheus" => String::new(),
                name => format!(
                    "    metrics: [{{name: app_{name}, help: A number., value: {value}}}]\n"
                ),
            };
            format!(
                "  {name}:\n    http: {{url: 'http://{server}/{encoding}/{name}', format: {format}}}\n{metrics}"
            )
        });
        let file = scratch.write("config.yml", &format!("sources:\n{}", sources.concat()));
        let text = said(&end(
            &["once", "--config.file", &file.to_string_lossy()],
            &[],
        ));
        let lines = FORMATS.map(|(name, ..)| format!("app_{name} 7.0"));
        assert_lines(&text, &lines.each_ref().map(String::as_str));
    }
}

/// A frame that announces a window of 2 GiB and a content of 2^60 bytes.
const WIDE: [u8; 17] = [
    0x28, 0xb5, 0x2f, 0xfd, 0xc0, 0xa8, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0,
];

#[test]
fn what_is_not_compressed_as_it_says_is_an_error_and_a_bomb_ends_at_the_limit() {
    // A small response that becomes 32 times the limit.
    let zeros = vec![b'0'; 32 << 20];
    let (gzip_bomb, zstd_bomb) = (gzip(&zeros), zstd(&zeros));
    let server = serve(
        |stream| stream,
        move |request: &Request| {
            match &*request.path {
                "/plain" => response("gzip", b"7"),
                "/cut" => {
                    let bytes = gzip(b"7777777777");
                    response("gzip", &bytes[..bytes.len() / 2])
                }
                "/zstd_plain" => response("zstd", b"7"),
                "/zstd_wide" => response("zstd", &WIDE),
                "/gzip_bomb" => response("gzip", &gzip_bomb),
                "/zstd_bomb" => response("zstd", &zstd_bomb),
                // Nothing says that it is compressed.
                "/silent" => response("", &gzip(b"7")),
                "/brotli" => response("br", b"\x8b\x00\x80\x37\x03"),
                _ => response("gzip", &gzip(b"7")),
            }
        },
    );
    let scratch = Scratch::new("http-encoding-lies");
    let kinds = [
        ("plain", "connect"),
        ("cut", "connect"),
        ("zstd_plain", "connect"),
        ("zstd_wide", "connect"),
        ("gzip_bomb", "limit"),
        ("zstd_bomb", "limit"),
        ("silent", "decode"),
        ("brotli", "decode"),
    ];
    let source = |name: &str| {
        format!(
            "  {name}:\n    max_bytes: 1MB\n    timeout: 60s\n    http: {{url: 'http://{server}/{name}', format: number}}\n    \
             metrics: [{{name: app_{name}, help: A number.}}]\n"
        )
    };
    let mut sources: Vec<_> = kinds.iter().map(|(name, _)| source(name)).collect();
    sources.push(source("good"));
    let file = scratch.write("config.yml", &format!("sources:\n{}", sources.concat()));
    let text = said(&end(
        &["once", "--config.file", &file.to_string_lossy()],
        &[],
    ));
    let lines = kinds.map(|(name, reason)| {
        format!("app_exporter_source_errors_total{{source=\"{name}\",reason=\"{reason}\"}} 1.0")
    });
    assert_lines(&text, &lines.each_ref().map(String::as_str));
    assert_lines(&text, &["app_good 7.0"]);
}
