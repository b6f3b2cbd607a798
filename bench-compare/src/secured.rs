//! Servers behind the ecosystem's web configuration file, with TLS and a user: exporter-kit's, and Go's with
//! exporter-toolkit.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::peers::Kind;
use crate::running::{self, Outcome};
use crate::scale::home;
use crate::servers::binary;

/// Longest time until the first response of a server.
const PATIENCE: Duration = Duration::from_secs(20);

/// The user of the configuration below; the hash is bcrypt's of `alice-secret`.
const USER: &str = "alice:alice-secret";
const LOGIN: &str = "Authorization: Basic YWxpY2U6YWxpY2Utc2VjcmV0";
const CONFIGURATION: &str = "\
tls_server_config:
  cert_file: server.crt
  key_file: server.key
basic_auth_users:
  alice: $2y$04$SEfy6fkBVJLApYNv7qQ.Q.U46cy9ody5OVb.VKGhx9Mmx59LyJ9Rq
";

/// A server to measure.
#[derive(Debug)]
pub(crate) struct Secured {
    /// The heading of its column.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    program: PathBuf,
    /// Arguments for the port and the file.
    arguments: fn(u16, &str) -> Vec<String>,
    /// Exposed metrics.
    metric: &'static str,
}

/// All that can run here.
pub(crate) fn all() -> Result<Vec<Secured>> {
    let in_turn = |port: u16, file: &str| vec![port.to_string(), file.to_owned()];
    let mut servers = vec![Secured {
        name: "exporter-kit",
        kind: Kind::Ours,
        program: binary("server-exporter-kit-secured", "server-exporter-kit-secured")?,
        arguments: in_turn,
        metric: "app_active_sessions",
    }];
    match go() {
        Ok(program) => servers.push(Secured {
            name: "Go promhttp",
            kind: Kind::Scale,
            program,
            arguments: in_turn,
            metric: "app_active_sessions",
        }),
        Err(error) => eprintln!("Go behind exporter-toolkit is left out: {error:#}"),
    }
    let node_exporter = PathBuf::from("/usr/bin/prometheus-node-exporter");
    if node_exporter.exists() {
        servers.push(Secured {
            name: "node_exporter, nothing collected",
            kind: Kind::Scale,
            program: node_exporter,
            arguments: |port, file| {
                [
                    "--collector.disable-defaults",
                    "--web.disable-exporter-metrics",
                ]
                .map(str::to_owned)
                .into_iter()
                .chain([
                    format!("--web.listen-address=127.0.0.1:{port}"),
                    format!("--web.config.file={file}"),
                ])
                .collect()
            },
            metric: "node_exporter_build_info",
        });
    } else {
        eprintln!(
            "node_exporter is left out; on Debian `apt-get install prometheus-node-exporter`"
        );
    }
    Ok(servers)
}

fn go() -> Result<PathBuf> {
    let sources = Path::new("/usr/share/gocode");
    ensure!(
        sources
            .join("src/github.com/prometheus/exporter-toolkit")
            .exists(),
        "exporter-toolkit is missing; on Debian `apt-get install golang-go \
         golang-github-prometheus-exporter-toolkit-dev`"
    );
    let binary = home().join("target/go-secured");
    let built = Command::new("go")
        .args(["build", "-ldflags", "-s -w", "-o"])
        .arg(&binary)
        .arg("main.go")
        .current_dir(home().join("go/secured"))
        .env("GOPATH", sources)
        .env("GO111MODULE", "off")
        .output()
        .context("`go` does not start; on Debian `apt-get install golang-go`")?;
    ensure!(
        built.status.success(),
        "`go build` failed: {}",
        String::from_utf8_lossy(&built.stderr)
    );
    Ok(binary)
}

/// Writes the configuration with a new certificate, and says where it is.
pub(crate) fn configuration() -> Result<PathBuf> {
    let folder = home().join("target/secured");
    std::fs::create_dir_all(&folder)?;
    let made = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-days", "2"])
        .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args([
            "-subj",
            "/CN=localhost",
            "-keyout",
            "server.key",
            "-out",
            "server.crt",
        ])
        .current_dir(&folder)
        .output()
        .context("`openssl` does not start; on Debian `apt-get install openssl`")?;
    ensure!(
        made.status.success(),
        "`openssl` makes no certificate: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    let file = folder.join("web.yml");
    std::fs::write(&file, CONFIGURATION)?;
    Ok(file)
}

/// Figures of a sample.
pub(crate) struct Sample {
    pub(crate) outcome: Outcome,
    /// Milliseconds per scrape.
    pub(crate) cpu: f64,
    /// Bytes, after the load.
    pub(crate) resident: f64,
}

impl Secured {
    /// One life: start, a check that it asks for the login and answers with its metric, load, end.
    pub(crate) fn sample(&self, file: &Path, seconds: usize) -> Result<Sample> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let file = file.to_str().context("a path that is text")?;
        let child = Command::new(&self.program)
            .args((self.arguments)(port, file))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("`{}` does not start", self.program.display()))?;
        let mut child = Ended(child);
        let url = format!("https://127.0.0.1:{port}/metrics");
        self.check(&mut child.0, &url)?;
        let before = running::cpu_time(&child.0)?;
        let outcome = running::drive(&url, Some(LOGIN), seconds)?;
        let cpu = running::cpu_time(&child.0)? - before;
        Ok(Sample {
            outcome,
            cpu: cpu.as_secs_f64() * 1000.0 / outcome.requests,
            resident: running::resident(&child.0)?,
        })
    }

    fn check(&self, child: &mut Child, url: &str) -> Result<()> {
        let begin = Instant::now();
        loop {
            let answer = curl(&["--user", USER, url])?;
            if answer.contains(&format!("\n{}", self.metric)) {
                break;
            }
            if let Some(status) = child.try_wait()? {
                bail!("{} ended with {status}", self.name);
            }
            ensure!(
                begin.elapsed() < PATIENCE,
                "{} answers: {answer}",
                self.name
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        let answer = curl(&["--include", url])?;
        ensure!(
            answer.contains(" 401"),
            "{} asks for no login: {answer}",
            self.name
        );
        Ok(())
    }
}

/// A process that ends with this.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // Whether it is still there or not, nothing is left to be done about it.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// Output of `curl`; empty if it cannot connect.
fn curl(arguments: &[&str]) -> Result<String> {
    let output = Command::new("curl")
        .args(["--silent", "--insecure", "--max-time", "10"])
        .args(arguments)
        .output()
        .context("`curl` does not start; on Debian `apt-get install curl`")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
