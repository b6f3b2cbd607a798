//! `check-metrics`: checks an exposition from a file, a URL or standard input.
//!
//! The rules are those of the library's parsers and lint. Here are those of Prometheus for content types.

mod fetch;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use exporter_kit::parse::{self, Dialect, ParseError, Scraped};
use exporter_kit::{Snapshot, lint};

use crate::output;
use crate::progress::Progress;

/// The exposition cannot be read, or does not parse.
const BAD: u8 = 1;
/// The exposition breaks naming rules. The number is promtool's.
const LINT: u8 = 3;

/// Far above the size of real expositions; a check must not fill the memory.
const MAX_BYTES: u64 = 1 << 30;

/// Check an exposition: its syntax, its names, and what Prometheus 3 makes of it
///
/// Exits with 0 if it passes, 1 if it cannot be read, does not parse, or Prometheus rejects it, 3 if it breaks naming rules.
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
        let Exposition {
            body,
            dialect,
            content_type,
        } = self.read()?;
        if let Some(content_type) = content_type
            && Dialect::of_content_type(&content_type).is_none()
        {
            let found = match content_type.as_str() {
                "" => "the response has no Content-Type".to_owned(),
                other => format!("the Content-Type is `{}`", other.escape_debug()),
            };
            bail!(
                "{}: Prometheus 3 rejects it: {found}; send `Content-Type: text/plain; version=0.0.4`, or set \
                 `fallback_scrape_protocol` in its configuration",
                self.name()
            );
        }
        let scraped = parse::as_scraped(&body, dialect);
        let rejection = match &scraped {
            Ok(scraped) => scraped.rejection(),
            Err(error) => Some(error),
        };
        let snapshot = match parse_as(dialect, &body) {
            Ok(snapshot) => snapshot,
            Err(error) => bail!(
                "{}: {error}\n{}",
                self.name(),
                of_prometheus(&error, rejection, &scraped)
            ),
        };
        if let Some(rejection) = rejection {
            bail!("{}: Prometheus 3 rejects it: {rejection}", self.name());
        }
        if self.no_lint {
            return Ok(Vec::new());
        }
        let findings = lint::snapshot(&snapshot);
        Ok(findings.iter().map(ToString::to_string).collect())
    }

    /// Reads the exposition.
    fn read(&self) -> anyhow::Result<Exposition> {
        let reading = || format!("cannot read {}", self.name());
        let mut body = Vec::new();
        let mut content_type = None;
        // Whoever types or pipes an exposition sees how it goes on.
        let progress = (self.source != "-").then(|| {
            let name = self.name();
            Progress::start(move |since| format!("reading {name} for {} s", since.as_secs()))
        });
        if self.source == "-" {
            read_all(io::stdin().lock(), &mut body).with_context(reading)?;
        } else if self.source.contains("://") {
            let answer = fetch::get(&self.source, accept(self.format)).with_context(reading)?;
            content_type = Some(answer.content_type);
            body = answer.body;
        } else {
            let file = File::open(&self.source).with_context(reading)?;
            read_all(file, &mut body).with_context(reading)?;
        }
        drop(progress);
        let told = content_type.as_deref().and_then(Dialect::of_content_type);
        let dialect = match self.format {
            Format::Auto => told.unwrap_or_else(|| Dialect::of_body(&body)),
            Format::Text => Dialect::Text,
            Format::Openmetrics => Dialect::OpenMetrics,
        };
        Ok(Exposition {
            body,
            dialect,
            content_type,
        })
    }

    fn name(&self) -> String {
        match self.source.as_str() {
            "-" => "standard input".to_owned(),
            source => format!("`{source}`"),
        }
    }
}

/// An exposition as it was read.
struct Exposition {
    body: Vec<u8>,
    dialect: Dialect,
    /// Only of a URL.
    content_type: Option<String>,
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

fn parse_as(dialect: Dialect, body: &[u8]) -> Result<Snapshot, ParseError> {
    match dialect {
        Dialect::OpenMetrics => parse::openmetrics(body),
        Dialect::Text => parse::text(body),
    }
}

/// The effect on Prometheus of an exposition that breaks a rule of its format.
fn of_prometheus(
    error: &ParseError,
    rejection: Option<&ParseError>,
    scraped: &Result<Scraped, ParseError>,
) -> String {
    match (rejection, scraped) {
        (Some(rejection), _) if rejection.line() == error.line() => {
            "Prometheus 3 rejects the whole exposition for that".to_owned()
        }
        (Some(rejection), _) => format!("Prometheus 3 rejects the whole exposition: {rejection}"),
        (None, Ok(scraped)) if scraped.left_out() > 0 => format!(
            "Prometheus 3 keeps the exposition without {} of its samples",
            scraped.left_out()
        ),
        (None, _) => "Prometheus 3 keeps all samples nevertheless".to_owned(),
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
