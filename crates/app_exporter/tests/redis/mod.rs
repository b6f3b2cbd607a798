//! The source `redis`, against real servers: one, several as a cluster, and a master that sentinels watch.

mod cluster;
mod count;
mod failures;
mod figures;
mod login;
mod queries;
mod sentinel;
mod server;

pub(crate) use server::{Server, say};

use std::path::Path;

use crate::program::{end, get};
use crate::support::{Scratch, said};

/// What one collection of a configuration prints, to whichever output.
fn once(scratch: &Scratch, config: &str, variables: &[(&str, &str)]) -> String {
    let file = scratch.write("once.yml", config);
    said(&end(
        &["once", "--config.file", &file.to_string_lossy()],
        variables,
    ))
}

/// The number of a sample that is there.
fn sample(address: std::net::SocketAddr, name: &str) -> Option<f64> {
    let (status, body) = get(address, "/metrics");
    assert_eq!(status, 200, "{body}");
    crate::support::sample(&body, name)
}

/// A source with the address of a server, its further keys, and a metric for each of its queries.
fn source(name: &str, place: &str, queries: &[(&str, &str)]) -> String {
    let (mut asked, mut metrics) = (String::new(), String::new());
    for (query, question) in queries {
        asked += &format!("        {query}: {question}\n");
        metrics += &format!("      - {{name: {name}_{query}, help: A number., from: {query}}}\n");
    }
    format!("  {name}:\n    redis:\n      {place}\n      queries:\n{asked}    metrics:\n{metrics}")
}

fn socket(path: &Path) -> String {
    format!("address: 'unix:{}'", path.display())
}
