//! What comes out: lines on the terminal, and the page and picture in the documentation.

mod page;
mod picture;
mod table;

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use crate::rows::Row;
use crate::scale::home;

pub use table::{line, summary};

/// Writes `docs/performance.md` and `docs/performance.svg` of the project.
///
/// # Errors
/// If a row that every run has lacks exporter-kit, or a file can't be written.
pub fn write(rows: &[Row], rounds: usize) -> Result<()> {
    ensure!(
        rows.iter().any(|row| row.ours().is_some()),
        "exporter-kit was not measured"
    );
    for (name, content) in [
        ("performance.md", page::markdown_page(rows, rounds)?),
        ("performance.svg", picture::svg(rows)),
    ] {
        let path = docs().join(name);
        std::fs::create_dir_all(docs())?;
        std::fs::write(&path, content)
            .with_context(|| format!("`{}` can't be written", path.display()))?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

fn docs() -> PathBuf {
    home().join("../docs")
}
