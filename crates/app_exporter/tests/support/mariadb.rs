//! A MariaDB server of a test.

use std::path::{Path, PathBuf};
use std::process::Command;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, OptsBuilder, Row, Value};
use rustix::process::Signal;
use tokio::runtime::{Builder, Runtime};

use crate::support::{Service, require, run, said};

/// A running server with TLS, which listens on a port of the loopback address and on a socket.
pub(crate) struct MariaDb {
    program: PathBuf,
    service: Service,
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
        let server = Self {
            program,
            service: Service::new(name),
        };
        let mut command = server.command(&install);
        command.args(["--skip-test-db", "--auth-root-authentication-method=normal"]);
        let output = run(&mut command, "");
        assert!(output.status.success(), "{}", said(&output));
        Some(server)
    }

    /// Starts it, on the same port each time.
    pub(crate) fn start(&mut self) {
        let Service {
            certificate, key, ..
        } = &self.service;
        let mut command = self.command(&self.program);
        command
            .arg(format!("--port={}", self.port()))
            .arg(format!("--socket={}", self.socket().display()))
            .arg(format!("--ssl-ca={}", certificate.display()))
            .arg(format!("--ssl-cert={}", certificate.display()))
            .arg(format!("--ssl-key={}", key.display()))
            .args([
                "--bind-address=127.0.0.1",
                "--innodb-flush-log-at-trx-commit=0",
                "--default-time-zone=+05:45",
                "--character-set-server=utf8mb4",
            ]);
        self.service.start(command, "ready for connections");
    }

    /// Ends it at once, as if the machine had been switched off.
    pub(crate) fn stop(&mut self) {
        self.service.stop(Signal::KILL);
    }

    pub(crate) fn port(&self) -> u16 {
        self.service.port()
    }

    pub(crate) fn certificate(&self) -> &Path {
        &self.service.certificate
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.service.folder.join("socket")
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
        let folder = &self.service.folder;
        let mut command = Command::new(program);
        command
            .current_dir(folder)
            // Where several make their tables for a moment, they take each other's.
            .env("TMPDIR", folder)
            .arg("--no-defaults")
            .arg(format!("--datadir={}", folder.join("data").display()));
        if rustix::process::geteuid().is_root() {
            // It runs as root only if it is told to.
            command.arg("--user=root");
        }
        command
    }
}
