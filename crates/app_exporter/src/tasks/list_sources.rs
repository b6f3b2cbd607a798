//! `sources`: the table of sources and formats.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;

use crate::decode::FORMATS;
use crate::output;
use crate::sources::SOURCES;

/// List the sources and formats that a configuration can have
#[derive(Args, Debug)]
pub(crate) struct ListSources {}

impl ListSources {
    pub(crate) fn run(&self) -> ExitCode {
        output::finish(&text())
    }
}

fn text() -> String {
    let mut text = "Sources:\n".to_owned();
    // Writing to a string does not fail.
    for source in SOURCES {
        let _ = writeln!(text, "  {:<12} {}", source.name, source.about);
        let _ = writeln!(text, "  {:<12}   rows: {}", "", source.rows);
    }
    text.push_str("\nFormats of sources that yield text:\n");
    for format in FORMATS {
        let _ = writeln!(text, "  {:<12} {}", format.name, format.about);
    }
    text
}
