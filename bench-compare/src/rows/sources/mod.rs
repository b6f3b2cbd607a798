//! Rows s: app_exporter with a configuration, beside the exporters that Debian has for the same.

mod hundred;
mod json;
mod postgres;
mod redis;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::{Cell, Options, Row};
use crate::method::median;
use crate::peers::Kind;
use crate::running::Running;
use crate::servers;

/// What app_exporter is called in the tables.
const OURS: &str = "app_exporter";

pub(super) fn measure(options: &Options, on_row: &mut dyn FnMut(Row)) -> Result<()> {
    hundred::measure(options, on_row)?;
    json::measure(options, on_row)?;
    postgres::measure(options, on_row)?;
    redis::measure(options, on_row)
}

/// app_exporter with a configuration file.
fn exporter(program: &Path, config: &Path) -> impl Fn(u16) -> Command {
    move |port| {
        let mut command = Command::new(program);
        command
            .arg("--config.file")
            .arg(config)
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--log.level=error");
        command
    }
}

/// A folder for the files of one row, empty at first.
fn folder(name: &str) -> Result<PathBuf> {
    let folder = crate::scale::home().join("target/sources").join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)
            .with_context(|| format!("`{}` stays", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("no `{}`", folder.display()))?;
    Ok(folder)
}

fn write(folder: &Path, name: &str, content: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    std::fs::write(&path, content)
        .with_context(|| format!("`{}` can't be written", path.display()))?;
    Ok(path)
}

/// An exporter that starts again in each round and runs until it has shown that many samples.
struct Contender<'c> {
    name: &'static str,
    kind: Kind,
    command: &'c dyn Fn(u16) -> Command,
}

/// From the start of each to a whole answer, and the most memory that took: rows `ID.time` and `ID.peak`.
fn race(
    id: &str,
    samples: usize,
    rounds: usize,
    contenders: &[Contender<'_>],
    on_row: &mut dyn FnMut(Row),
) -> Result<()> {
    let mut figures = vec![[Vec::new(), Vec::new()]; contenders.len()];
    for round in 0..rounds {
        for turn in 0..contenders.len() {
            let which = (round + turn) % contenders.len();
            let contender = &contenders[which];
            let running = Running::start_on(samples, contender.command)
                .with_context(|| format!("{} fails in {id}", contender.name))?;
            figures[which][0].push(running.startup.as_secs_f64() * 1000.0);
            figures[which][1].push(running.peak()? / f64::from(1 << 20));
        }
    }
    for (at, (name, unit)) in [("time", "ms"), ("peak", "MiB")].into_iter().enumerate() {
        let cells = contenders
            .iter()
            .zip(&figures)
            .map(|(contender, figures)| Cell {
                peer: contender.name.to_owned(),
                kind: contender.kind,
                value: median(&figures[at]),
                disturbed: 0,
            });
        on_row(row(format!("{id}.{name}"), unit, cells.collect()));
    }
    Ok(())
}

fn row(id: String, unit: &'static str, cells: Vec<Cell>) -> Row {
    Row {
        id,
        unit,
        more_is_better: false,
        cells,
    }
}

fn ours(value: f64) -> Vec<Cell> {
    vec![Cell {
        peer: OURS.to_owned(),
        kind: Kind::Ours,
        value,
        disturbed: 0,
    }]
}

fn program() -> Result<PathBuf> {
    servers::app_exporter()
}
