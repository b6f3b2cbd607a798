//! Rows s.json: 100 000 rows of one JSON document, from the program's start to the whole answer.

use std::fmt::Write as _;

use anyhow::Result;

use super::super::{Options, Row};
use super::{Contender, OURS, exporter, folder, program, race, write};
use crate::peers::Kind;

const ROWS: usize = 100_000;

pub(super) fn measure(options: &Options, on_row: &mut dyn FnMut(Row)) -> Result<()> {
    if !options.wants("s.json") {
        return Ok(());
    }
    let folder = folder("json")?;
    let mut json = "[".to_owned();
    for row in 0..ROWS {
        let comma = if row == 0 { "" } else { ",\n" };
        write!(
            json,
            "{comma}{{\"user\": \"user-{row}\", \"region\": \"eu-{}\", \"sessions\": {}}}",
            row % 7,
            row % 10
        )?;
    }
    json.push_str("]\n");
    write(&folder, "rows.json", &json)?;
    let config = write(
        &folder,
        "config.yml",
        "sources:\n  rows:\n    file: {path: rows.json, format: {json: {rows: '$[*]'}}}\n    timeout: 1m\n    metrics:\n      \
         - {name: app_active_sessions, help: Sessions., value: sessions, labels: [user, region]}\n",
    )?;
    let program = program()?;
    let contenders = [Contender {
        name: OURS,
        kind: Kind::Ours,
        command: &exporter(&program, &config),
    }];
    race("s.json", ROWS, options.rounds, &contenders, on_row)
}
