//! A MariaDB server of a test.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, OptsBuilder, Row, Value};
use rustix::process::Signal;
use tokio::runtime::{Builder, Runtime};

use crate::program::Running;
use crate::support::{require, run, said};

/// A running server with TLS, which listens on a port of the loopback address and on a socket.
pub(crate) struct MariaDb {
    program: PathBuf,
    folder: PathBuf,
    /// What its certificate was issued by: itself.
    pub(crate) certificate: PathBuf,
    pub(crate) port: u16,
    running: Option<Running>,
}

/// A session of a [`MariaDb`].
pub(crate) struct MariaDbSession {
    conn: Conn,
    runtime: Runtime,
}

impl MariaDb {
    /// A new server in a folder of its own, not started yet; `None` if this test is left out.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let (program, install) = (require("mariadbd")?, require("mariadb-install-db")?);
        // The path of a socket is short.
        let folder = format!("app_exporter-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir_all(&folder).expect("a folder");
        let names = vec!["localhost".to_owned()];
        let own = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let certificate = folder.join("server.crt");
        fs::write(&certificate, own.cert.pem()).expect("a file");
        fs::write(folder.join("server.key"), own.signing_key.serialize_pem()).expect("a file");
        let server = Self {
            program,
            certificate,
            folder,
            port: 0,
            running: None,
        };
        let mut command = server.command(&install);
        command.args(["--skip-test-db", "--auth-root-authentication-method=normal"]);
        let output = run(&mut command, "");
        assert!(output.status.success(), "{}", said(&output));
        Some(server)
    }

    /// Starts it on a port that was free; the port stays the same from then on.
    pub(crate) fn start(&mut self) {
        loop {
            if self.port == 0 {
                let free = TcpListener::bind("127.0.0.1:0").expect("a port");
                self.port = free.local_addr().expect("its address").port();
            }
            let mut command = self.command(&self.program);
            command
                .arg(format!("--port={}", self.port))
                .arg(format!("--socket={}", self.socket().display()))
                .arg(format!("--ssl-ca={}", self.certificate.display()))
                .arg(format!("--ssl-cert={}", self.certificate.display()))
                .arg(format!(
                    "--ssl-key={}",
                    self.folder.join("server.key").display()
                ))
                .args([
                    "--bind-address=127.0.0.1",
                    "--innodb-flush-log-at-trx-commit=0",
                ])
                .args([
                    "--default-time-zone=+05:45",
                    "--character-set-server=utf8mb4",
                ]);
            let mut running = Running::spawn(command);
            let ready = running.wait_for(|line| {
                let ready = line.contains("ready for connections");
                (ready || line.contains("Can't start server")).then_some(ready)
            });
            if ready {
                self.running = Some(running);
                return;
            }
            // Somebody was faster.
            self.port = 0;
        }
    }

    /// Ends it at once, as if the machine had been switched off.
    pub(crate) fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.signal(Signal::KILL);
            running.end();
        }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    /// What the administrator's statements give: the rows of the last one, as texts.
    pub(crate) fn ask(&self, statements: &[&str]) -> Vec<Vec<String>> {
        let mut session = self.connect("");
        let mut rows: Vec<Row> = Vec::new();
        for statement in statements {
            let asked = session.runtime.block_on(session.conn.query(*statement));
            rows = asked.unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
        let text = |value: Value| match value {
            Value::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            other => other.as_sql(true),
        };
        rows.into_iter()
            .map(|row| row.unwrap().into_iter().map(text).collect())
            .collect()
    }

    /// A session of the administrator's, open until it is dropped.
    pub(crate) fn connect(&self, database: &str) -> MariaDbSession {
        let options = OptsBuilder::default()
            .socket(self.socket().to_str())
            .db_name(Some(database).filter(|name| !name.is_empty()))
            .user(Some("root"));
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let conn = runtime.block_on(Conn::new(options)).expect("a session");
        MariaDbSession { conn, runtime }
    }

    /// A program of the server's with its data.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.folder)
            // Where several make their tables for a moment, they take each other's.
            .env("TMPDIR", &self.folder)
            .arg("--no-defaults")
            .arg(format!("--datadir={}", self.folder.join("data").display()));
        if rustix::process::geteuid().is_root() {
            // It runs as root only if it is told to.
            command.arg("--user=root");
        }
        command
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        self.stop();
        // What stays is in a folder for what is temporary.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
