//! The servers that are driven over HTTP, each a package of its own, built apart from the others so
//! that one's features do not become another's.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::peers::Kind;
use crate::scale::{Program, home};

/// A server to measure.
#[derive(Debug)]
pub struct Server {
    /// The heading of its column.
    pub name: &'static str,
    /// The role in ratios.
    pub kind: Kind,
    /// True if it compresses on request.
    pub gzip: bool,
    /// The way to start it.
    pub start: Start,
}

/// The way to start a server.
#[derive(Debug)]
pub enum Start {
    /// A package of this workspace.
    Package(&'static str),
    /// A program of another language.
    Scale(Program),
}

/// All servers that can run here.
pub fn all() -> Vec<Server> {
    let package = |name, kind, gzip, package| Server {
        name,
        kind,
        gzip,
        start: Start::Package(package),
    };
    let mut servers = vec![
        package(
            "floor (hyper, fixed body)",
            Kind::Floor,
            false,
            "server-floor",
        ),
        package("exporter-kit", Kind::Ours, true, "server-exporter-kit"),
        package(
            "prometheus-client + axum",
            Kind::Rust,
            false,
            "server-prometheus-client",
        ),
        package(
            "prometheus_exporter",
            Kind::Rust,
            false,
            "server-prometheus-exporter",
        ),
        package(
            "metrics-exporter-prometheus",
            Kind::Rust,
            false,
            "server-metrics",
        ),
        package("vise-exporter", Kind::Rust, false, "server-vise"),
        package(
            "opentelemetry-prometheus + axum",
            Kind::Rust,
            false,
            "server-opentelemetry",
        ),
    ];
    // What is missing has been said by the rows before.
    if let Ok(program) = crate::scale::go() {
        servers.push(Server {
            name: "Go promhttp",
            kind: Kind::Scale,
            gzip: true,
            start: Start::Scale(program),
        });
    }
    if let Ok(program) = crate::scale::python() {
        servers.push(Server {
            name: "Python prometheus_client",
            kind: Kind::Scale,
            gzip: true,
            start: Start::Scale(program),
        });
    }
    servers
}

/// Builds a program of this workspace for release, and says where it is.
///
/// # Errors
/// If it does not build.
pub fn binary(package: &str, name: &str) -> Result<PathBuf> {
    build(home(), "release", package, name)
}

/// Builds app_exporter as its packages are built, and says where it is.
///
/// # Errors
/// If it does not build.
pub fn app_exporter() -> Result<PathBuf> {
    build(&home().join(".."), "dist", "app_exporter", "app_exporter")
}

fn build(workspace: &Path, profile: &str, package: &str, name: &str) -> Result<PathBuf> {
    let manifest = workspace.join("Cargo.toml");
    let target = workspace.join("target");
    let status = Command::new(env!("CARGO"))
        .args([
            "build",
            "--profile",
            profile,
            "--quiet",
            "--package",
            package,
            "--bin",
            name,
        ])
        .arg("--manifest-path")
        .arg(manifest)
        .arg("--target-dir")
        .arg(&target)
        .status()
        .context("`cargo` does not start")?;
    ensure!(status.success(), "`{name}` does not build");
    Ok(target.join(profile).join(name))
}

/// Number of crates that a package of this workspace depends on.
///
/// # Errors
/// If `cargo tree` fails.
pub fn crates(package: &str) -> Result<usize> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--no-dedupe",
            "--package",
            package,
        ])
        .arg("--manifest-path")
        .arg(home().join("Cargo.toml"))
        .output()
        .context("`cargo` does not start")?;
    ensure!(
        output.status.success(),
        "`cargo tree` fails for `{package}`"
    );
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut crates: Vec<_> = printed
        .lines()
        .map(|line| line.split(" (").next().unwrap_or(line).trim())
        .filter(|line| !line.is_empty())
        .collect();
    crates.sort_unstable();
    crates.dedup();
    Ok(crates.len().saturating_sub(1))
}
