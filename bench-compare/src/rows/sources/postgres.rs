//! Rows s.postgres: 100 000 rows of one query, from the program's start to the whole answer.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::super::{Options, Row};
use super::{Contender, OURS, exporter, folder, program, race, write};
use crate::peers::Kind;

const ROWS: usize = 100_000;
const QUERY: &str = "SELECT 'user-' || n AS user_name, 'eu-' || n % 7 AS region, n % 10 AS sessions FROM generate_series(1, 100000) AS n";

pub(super) fn measure(options: &Options, on_row: &mut dyn FnMut(Row)) -> Result<()> {
    if !options.wants("s.postgres") {
        return Ok(());
    }
    let server = match Server::start() {
        Ok(server) => server,
        Err(error) => {
            eprintln!("the rows s.postgres are left out: {error:#}");
            return Ok(());
        }
    };
    let socket = server.folder.display();
    let config = write(
        &server.folder,
        "config.yml",
        &format!(
            "sources:\n  rows:\n    sql:\n      postgres: {{socket: {socket}, user: postgres, database: postgres}}\n      query: {QUERY}\n    \
             timeout: 1m\n    metrics:\n      - {{name: app_active_sessions, help: Sessions., value: sessions, labels: [user_name, region]}}\n"
        ),
    )?;
    let program = program()?;
    let ours = exporter(&program, &config);
    let mut contenders = vec![Contender {
        name: OURS,
        kind: Kind::Ours,
        command: &ours,
    }];
    let theirs = write(
        &server.folder,
        "sql_exporter.yml",
        &format!(
            "jobs:\n- name: rows\n  interval: 1h\n  connections: ['postgres:///postgres?host={socket}&user=postgres&sslmode=disable']\n  \
             queries:\n  - name: sessions\n    help: Sessions.\n    labels: [user_name, region]\n    values: [sessions]\n    query: {QUERY}\n"
        ),
    )?;
    let sql_exporter = |port: u16| {
        let mut command = Command::new("prometheus-sql-exporter");
        command
            .arg(format!("-config.file={}", theirs.display()))
            .arg(format!("-web.listen-address=127.0.0.1:{port}"))
            .stderr(Stdio::null());
        command
    };
    if Command::new("prometheus-sql-exporter")
        .arg("-version")
        .output()
        .is_ok()
    {
        contenders.push(Contender {
            name: "sql_exporter",
            kind: Kind::Scale,
            command: &sql_exporter,
        });
    }
    race("s.postgres", ROWS, options.rounds, &contenders, on_row)
}

/// A PostgreSQL of our own, on a Unix socket; ended when dropped.
struct Server {
    child: Child,
    folder: PathBuf,
}

impl Server {
    fn start() -> Result<Self> {
        let folder = folder("postgres")?;
        let programs = programs()?;
        let data = folder.join("data");
        let owner = owner(&folder)?;
        let mut initdb = Command::new(programs.join("initdb"));
        initdb
            .args([
                "--no-sync",
                "--auth=trust",
                "--username=postgres",
                "--pgdata",
            ])
            .arg(&data);
        let output = as_owner(&mut initdb, owner)
            .output()
            .context("`initdb` does not start")?;
        ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let mut postgres = Command::new(programs.join("postgres"));
        postgres
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-k"])
            .arg(&folder)
            .arg("-D")
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = as_owner(&mut postgres, owner)
            .spawn()
            .context("`postgres` does not start")?;
        let server = Self { child, folder };
        let begin = Instant::now();
        // It is there before it answers, but a client waits for that.
        while !server.folder.join(".s.PGSQL.5432").exists() {
            ensure!(
                begin.elapsed() < Duration::from_secs(60),
                "PostgreSQL does not begin to listen"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        // Its fast way to end: connections are closed, and memory is given back.
        _ = rustix::process::kill_process(id, rustix::process::Signal::INT);
        _ = self.child.wait();
    }
}

/// Folder of the newest version's programs, as Debian installs them.
fn programs() -> Result<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").context("there is no PostgreSQL")?;
    let mut versions: Vec<_> = versions
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    versions.sort();
    versions.pop().context("there is no PostgreSQL")
}

/// User that runs the server, which refuses to run as root. The folder becomes that user's.
fn owner(folder: &Path) -> Result<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").context("there is no /etc/passwd")?;
    let user = users
        .lines()
        .find_map(|line| line.strip_prefix("postgres:"));
    let mut fields = user
        .context("there is no user `postgres`")?
        .split(':')
        .skip(1);
    let (Some(user), Some(group)) = (fields.next(), fields.next()) else {
        anyhow::bail!("the user `postgres` has no number");
    };
    let owner = (user.parse()?, group.parse()?);
    chown(folder, Some(owner.0), Some(owner.1))?;
    Ok(Some(owner))
}

fn as_owner(command: &mut Command, owner: Option<(u32, u32)>) -> &mut Command {
    match owner {
        Some((user, group)) => command.uid(user).gid(group),
        None => command,
    }
}
