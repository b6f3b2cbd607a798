//! `sources`: the table of sources and formats.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;

use crate::decode::Format;
use crate::output;
use crate::setup::sources;
use crate::sources::origin::Feature;

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
    for source in sources() {
        let _ = writeln!(text, "  {:<12} {}", source.name, source.about);
        let _ = writeln!(text, "  {:<12}   rows: {}", "", source.rows);
        for feature in source.features {
            let Feature { name, is_on } = feature;
            let built_in = if *is_on { "built in" } else { "not built in" };
            let _ = writeln!(text, "  {:<12}   feature `{name}`: {built_in}", "");
        }
    }
    text.push_str("\nFormats of sources that yield text:\n");
    for (name, about) in Format::all() {
        let _ = writeln!(text, "  {name:<12} {about}");
    }
    text
}
