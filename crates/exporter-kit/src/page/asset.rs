//! The files of the page: style, script, icon.

use std::io::Write as _;
use std::sync::LazyLock;

use bytes::Bytes;
use flate2::write::GzEncoder;
use flate2::{Compression, Crc};

/// A file, plain and compressed.
#[derive(Debug)]
pub(crate) struct Asset {
    /// The name below the prefix.
    pub(crate) name: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) plain: Bytes,
    pub(crate) gzip: Bytes,
    /// Changes with the content, so that browsers can cache each version forever.
    pub(crate) version: u32,
}

impl Asset {
    fn new(name: &'static str, content_type: &'static str, text: &'static str) -> Self {
        let mut crc = Crc::new();
        crc.update(text.as_bytes());
        Self {
            name,
            content_type,
            plain: Bytes::from_static(text.as_bytes()),
            gzip: compress(text.as_bytes()).into(),
            version: crc.sum(),
        }
    }
}

/// Compresses a file of the page, or one rendered page.
pub(crate) fn compress(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let _ = encoder.write_all(text);
    encoder.finish().unwrap_or_default()
}

pub(crate) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "page.css",
        "text/css; charset=utf-8",
        include_str!("assets/page.css"),
    )
});

/// The parts share one scope, in this order.
pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "page.js",
        "text/javascript; charset=utf-8",
        concat!(
            "(() => {\n'use strict';\n",
            include_str!("assets/slices.js"),
            include_str!("assets/format.js"),
            include_str!("assets/series.js"),
            include_str!("assets/parse.js"),
            include_str!("assets/draw.js"),
            include_str!("assets/table.js"),
            include_str!("assets/health.js"),
            include_str!("assets/page.js"),
            "})();\n"
        ),
    )
});

pub(crate) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("page.svg", "image/svg+xml", include_str!("assets/page.svg")));

/// The file of a name below the prefix, without a leading slash.
pub(crate) fn find(name: &str) -> Option<&'static Asset> {
    [&STYLE, &SCRIPT, &ICON]
        .into_iter()
        .map(|asset| &**asset)
        .find(|asset| asset.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The limit for the page on the wire, without metrics.
    const MAX_BYTES: usize = 30 * 1024;

    #[test]
    fn everything_together_is_small() {
        let template = compress(include_bytes!("assets/page.html")).len();
        let files = [&STYLE, &SCRIPT, &ICON].map(|asset| asset.gzip.len());
        let total = template + files.iter().sum::<usize>();
        assert!(
            total <= MAX_BYTES,
            "{total} bytes compressed: {template} of HTML, {files:?} of style, script, icon"
        );
    }

    #[test]
    fn nothing_in_the_files_names_another_host_or_writes_markup() {
        for asset in [&STYLE, &SCRIPT, &ICON] {
            let text = std::str::from_utf8(&asset.plain).unwrap();
            let text = text.replace("http://www.w3.org/2000/svg", "");
            for forbidden in [
                "://",
                "innerHTML",
                "outerHTML",
                "insertAdjacent",
                "eval(",
                "@import",
                "document.write",
            ] {
                assert!(
                    !text.contains(forbidden),
                    "{} has `{forbidden}`",
                    asset.name
                );
            }
        }
    }

    #[test]
    fn what_is_compressed_reads_back() {
        use std::io::Read as _;
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(&*SCRIPT.gzip)
            .read_to_end(&mut text)
            .unwrap();
        assert_eq!(text, SCRIPT.plain);
    }
}
