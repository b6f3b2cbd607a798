//! Builds and starts the peers of other languages: Go's client_golang and Python's
//! prometheus_client. Where their tools are missing, the error says what to install.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, bail, ensure};

/// The version of Python's library.
const PYTHON_LIBRARY: &str = "prometheus_client==0.26.0";

/// A program that is a peer: `bench` makes it answer requests, `serve PORT SERIES` serve metrics.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<String>,
    /// What it is, and in which versions.
    pub versions: String,
    /// The file whose size is reported, if it is one of its own.
    pub binary: Option<PathBuf>,
}

impl Program {
    /// A command to add arguments to.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.args(&self.arguments);
        command
    }
}

/// The folder of this tool.
pub fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Go program, built once a run.
pub fn go() -> Result<Program> {
    static PROGRAM: OnceLock<Result<Program, String>> = OnceLock::new();
    once(&PROGRAM, build_go)
}

/// The Python program, in an environment of its own that is made once.
pub fn python() -> Result<Program> {
    static PROGRAM: OnceLock<Result<Program, String>> = OnceLock::new();
    once(&PROGRAM, prepare_python)
}

fn once(
    cell: &OnceLock<Result<Program, String>>,
    make: impl FnOnce() -> Result<Program>,
) -> Result<Program> {
    let made = cell.get_or_init(|| make().map_err(|error| format!("{error:#}")));
    made.clone().map_err(anyhow::Error::msg)
}

fn build_go() -> Result<Program> {
    let sources = Path::new("/usr/share/gocode");
    let library = sources.join("src/github.com/prometheus/client_golang");
    ensure!(
        library.exists(),
        "client_golang is missing; on Debian `apt-get install golang-go \
         golang-github-prometheus-client-golang-dev`"
    );
    let binary = home().join("target/go-peer");
    let built = Command::new("go")
        .args(["build", "-ldflags", "-s -w", "-o"])
        .arg(&binary)
        .args(["peer.go", "expose.go"])
        .current_dir(home().join("go"))
        .env("GOPATH", sources)
        .env("GO111MODULE", "off")
        .output()
        .context("`go` does not start; on Debian `apt-get install golang-go`")?;
    ensure!(
        built.status.success(),
        "`go build` failed: {}",
        String::from_utf8_lossy(&built.stderr)
    );
    let go = first_line(Command::new("go").arg("version"))?;
    let package = first_line(Command::new("dpkg-query").args([
        "--show",
        "--showformat=${Version}",
        "golang-github-prometheus-client-golang-dev",
    ]))
    .unwrap_or_else(|_| "of unknown version".to_owned());
    Ok(Program {
        path: binary.clone(),
        arguments: Vec::new(),
        versions: format!(
            "client_golang {package} ({})",
            go.trim_start_matches("go version ")
        ),
        binary: Some(binary),
    })
}

fn prepare_python() -> Result<Program> {
    let environment = home().join("target/python");
    let python = environment.join("bin/python");
    if !python.exists() {
        run(Command::new("python3")
            .args(["-m", "venv"])
            .arg(&environment))
        .context("no environment for Python; on Debian `apt-get install python3-venv`")?;
    }
    let installed = || {
        let script = "import importlib.metadata as m, sys; \
                      print('prometheus_client', m.version('prometheus_client'), \
                      '(Python', sys.version.split()[0] + ')')";
        first_line(Command::new(&python).args(["-c", script]))
    };
    if installed().is_err() {
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", PYTHON_LIBRARY]))
            .with_context(|| format!("`{PYTHON_LIBRARY}` can't be installed from PyPI"))?;
    }
    Ok(Program {
        path: python.clone(),
        arguments: vec![home().join("python/peer.py").display().to_string()],
        versions: installed()?,
        binary: None,
    })
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// The first line that a command prints.
pub fn first_line(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("{command:?} does not start"))?;
    ensure!(output.status.success(), "{command:?} failed");
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}
