//! `bench-compare [ROWS…] [--rounds N] [--write]`

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use bench_compare::report;
use bench_compare::rows::{self, Options};

const HELP: &str = "\
Measures exporter-kit beside its peers, in turns, after comparing what they expose.

Usage: bench-compare [ROWS...] [--rounds N] [--write]

  ROWS        only rows whose names begin so, such as `e.text` or `a b c.lookup.2t`
  --rounds N  samples per row and peer; their median counts [default: 9; 3 is a quick look]
  --write     write docs/performance.md and docs/performance.svg; needs all rows
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut options = Options {
        filters: Vec::new(),
        rounds: 9,
    };
    let mut write = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => {
                let rounds = arguments.next().context("`--rounds` needs a number")?;
                options.rounds = match rounds.parse() {
                    Ok(rounds) if rounds > 0 => rounds,
                    _ => bail!("`--rounds {rounds}`: give a whole number from 1"),
                };
            }
            "--write" => write = true,
            "--help" | "-h" => {
                print!("{HELP}");
                return Ok(());
            }
            flag if flag.starts_with('-') => bail!("`{flag}` is unknown; see `--help`"),
            filter => options.filters.push(filter.to_owned()),
        }
    }
    if write && !options.filters.is_empty() {
        bail!(
            "`--write` needs all rows; leave `{}` out",
            options.filters.join(" ")
        );
    }
    let mut measured = Vec::new();
    rows::measure(&options, &mut |row| {
        println!("{}", report::line(&row));
        measured.push(row);
    })?;
    if measured.is_empty() {
        bail!("no row begins with `{}`", options.filters.join("` or `"));
    }
    println!("\n{}", report::summary(&measured));
    if write {
        report::write(&measured, options.rounds)?;
    }
    Ok(())
}
