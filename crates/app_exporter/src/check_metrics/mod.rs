//! `check-metrics`: checks an exposition from a file, a URL or standard input.
//!
//! The rules are those of the library's parsers and lint; none is here.

mod fetch;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use exporter_kit::parse::{self, ParseError};
use exporter_kit::{Snapshot, lint};

use crate::output;

/// The exposition cannot be read, or does not parse.
const BAD: u8 = 1;
/// The exposition breaks naming rules. The number is promtool's.
const LINT: u8 = 3;

/// Far above the size of real expositions; a check must not fill the memory.
const MAX_BYTES: u64 = 1 << 30;

/// Check an exposition: its syntax, and the naming rules
///
/// Exits with 0 if it passes, 1 if it cannot be read or does not parse, 3 if it breaks naming rules.
#[derive(clap::Args, Debug)]
pub(crate) struct CheckMetrics {
    /// A file, an http:// URL, or - for standard input
    #[arg(value_name = "FILE|URL", default_value = "-")]
    source: String,

    /// The format; auto goes by the content type of a URL, and else by a last line `# EOF`
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    format: Format,

    /// Skip the naming rules
    #[arg(long)]
    no_lint: bool,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq)]
enum Format {
    Auto,
    Text,
    Openmetrics,
}

impl CheckMetrics {
    /// Checks, and reports findings on standard error.
    pub(crate) fn run(&self) -> ExitCode {
        let (code, said) = match self.check() {
            Ok(findings) if findings.is_empty() => (ExitCode::SUCCESS, findings),
            Ok(findings) => (ExitCode::from(LINT), findings),
            Err(error) => (ExitCode::from(BAD), vec![format!("{error:#}")]),
        };
        for line in said {
            output::note(&line);
        }
        code
    }

    /// Returns the naming rules that the exposition breaks.
    fn check(&self) -> anyhow::Result<Vec<String>> {
        let (body, format) = self.read()?;
        let snapshot = parse_as(format, &body).with_context(|| self.name())?;
        if self.no_lint {
            return Ok(Vec::new());
        }
        let findings = lint::snapshot(&snapshot);
        Ok(findings.iter().map(ToString::to_string).collect())
    }

    /// The exposition and its format.
    fn read(&self) -> anyhow::Result<(Vec<u8>, Format)> {
        let reading = || format!("cannot read {}", self.name());
        let mut body = Vec::new();
        let mut found = None;
        if self.source == "-" {
            read_all(io::stdin().lock(), &mut body).with_context(reading)?;
        } else if self.source.contains("://") {
            let answer = fetch::get(&self.source, accept(self.format)).with_context(reading)?;
            found = Some(format_of_content_type(&answer.content_type));
            body = answer.body;
        } else {
            let file = File::open(&self.source).with_context(reading)?;
            read_all(file, &mut body).with_context(reading)?;
        }
        let format = match self.format {
            Format::Auto => found.unwrap_or_else(|| format_of_body(&body)),
            given => given,
        };
        Ok((body, format))
    }

    fn name(&self) -> String {
        match self.source.as_str() {
            "-" => "standard input".to_owned(),
            source => format!("`{source}`"),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Text => "text",
            Self::Openmetrics => "openmetrics",
        })
    }
}

fn parse_as(format: Format, body: &[u8]) -> Result<Snapshot, ParseError> {
    match format {
        Format::Openmetrics => parse::openmetrics(body),
        Format::Text | Format::Auto => parse::text(body),
    }
}

/// Reads to the end, up to a limit of size.
fn read_all(from: impl Read, body: &mut Vec<u8>) -> anyhow::Result<()> {
    from.take(MAX_BYTES + 1).read_to_end(body)?;
    if body.len() as u64 > MAX_BYTES {
        bail!("larger than {MAX_BYTES} bytes; check a part of it");
    }
    Ok(())
}

fn accept(format: Format) -> &'static str {
    match format {
        Format::Auto => {
            "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
        }
        Format::Text => "text/plain;version=0.0.4",
        Format::Openmetrics => "application/openmetrics-text;version=1.0.0",
    }
}

fn format_of_content_type(content_type: &str) -> Format {
    let media_type = content_type.split(';').next().unwrap_or("").trim();
    if media_type.eq_ignore_ascii_case("application/openmetrics-text") {
        Format::Openmetrics
    } else {
        Format::Text
    }
}

fn format_of_body(body: &[u8]) -> Format {
    let body = body.trim_ascii_end();
    let last = body.rsplit(|byte| *byte == b'\n').next().unwrap_or(body);
    if last == b"# EOF" {
        Format::Openmetrics
    } else {
        Format::Text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_tells_openmetrics_from_text() {
        assert_eq!(format_of_body(b"a 1\n# EOF\n"), Format::Openmetrics);
        assert_eq!(format_of_body(b"# EOF"), Format::Openmetrics);
        // Blank lines after the end are a mistake that the strict parser names.
        assert_eq!(format_of_body(b"# EOF\n\n"), Format::Openmetrics);
        assert_eq!(format_of_body(b"# EOF\na 1\n"), Format::Text);
        assert_eq!(format_of_body(b""), Format::Text);
    }

    #[test]
    fn the_content_type_tells_openmetrics_from_text() {
        let openmetrics = "application/OpenMetrics-text ; version=1.0.0";
        assert_eq!(format_of_content_type(openmetrics), Format::Openmetrics);
        assert_eq!(format_of_content_type("text/plain"), Format::Text);
        assert_eq!(format_of_content_type(""), Format::Text);
    }
}
