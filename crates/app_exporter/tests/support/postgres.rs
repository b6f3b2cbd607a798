//! A PostgreSQL server of a test.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use crate::program::Running;
use crate::support::{Service, require, run, said};

/// A running server with TLS, which listens on a port of the loopback address and on a socket in its folder.
pub(crate) struct Postgres {
    program: PathBuf,
    service: Service,
}

/// A session of a [`Postgres`].
pub(crate) struct PostgresSession {
    runtime: Runtime,
    client: Client,
}

impl Postgres {
    /// The administrator's password has what has to be escaped elsewhere.
    pub(crate) const PASSWORD: &str = "p@ss:w/o?r d#%41'\"\\ü&$";

    /// A new server in a folder of its own, not started yet; `None` if this test is left out.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let (program, initdb) = (require("postgres")?, require("initdb")?);
        let server = Self {
            program,
            service: Service::new(name),
        };
        let Service {
            folder,
            certificate,
            key,
            ..
        } = &server.service;
        let password = server.write("password", Self::PASSWORD);
        for path in [folder, certificate, key] {
            give_to_server(path);
        }
        let only_its_own = fs::Permissions::from_mode(0o600);
        fs::set_permissions(key, only_its_own).expect("permissions");
        let mut command = server.command(&initdb);
        command
            .args([
                "--no-sync",
                "--no-locale",
                "--encoding=UTF8",
                "--username=admin",
            ])
            .arg("--auth=scram-sha-256")
            .arg(format!("--pwfile={}", password.display()))
            .arg(folder.join("data"));
        let output = run(&mut command, "");
        assert!(output.status.success(), "{}", said(&output));
        Some(server)
    }

    /// Starts it, on the same port each time.
    pub(crate) fn start(&mut self) {
        let Service {
            folder,
            certificate,
            key,
            ..
        } = &self.service;
        let mut command = self.command(&self.program);
        command.arg("-D").arg(folder.join("data"));
        for setting in [
            &format!("port={}", self.port()),
            &format!("unix_socket_directories={}", folder.display()),
            &format!("ssl_cert_file={}", certificate.display()),
            &format!("ssl_key_file={}", key.display()),
            "ssl=on",
            "listen_addresses=127.0.0.1",
            "fsync=off",
            "log_timezone=UTC",
            "timezone=Asia/Kathmandu",
        ] {
            command.args(["-c", setting]);
        }
        let ready = "ready to accept connections";
        self.service.start(command, ready);
    }

    /// Ends it at once, as if the machine had been switched off.
    pub(crate) fn stop(&mut self) {
        self.service.stop(Signal::QUIT);
    }

    /// A real pooler before it, which gives a server's session to others after each transaction. It listens on a socket in
    /// the same folder.
    pub(crate) fn pooler(&self, user: &str, password: &str) -> Option<(Running, u16)> {
        const PORT: u16 = 6432;
        let program = require("pgbouncer")?;
        let folder = self.folder().display();
        let quoted = password.replace('"', "\"\"");
        let users = self.write("users", &format!("\"{user}\" \"{quoted}\"\n"));
        let config = format!(
            "[databases]\n* = host={folder} port={}\n[pgbouncer]\nlisten_port = {PORT}\nunix_socket_dir = {folder}\n\
             auth_type = scram-sha-256\nauth_file = {}\nstats_users = {user}\npool_mode = transaction\ndefault_pool_size = 1\n",
            self.port(),
            users.display()
        );
        let mut command = self.command(&program);
        command.arg(self.write("pooler.ini", &config));
        let mut running = Running::spawn(command);
        running.wait_for(|line| line.contains("process up").then_some(()));
        Some((running, PORT))
    }

    /// Waits for a line of its log.
    pub(crate) fn wait_for_log(&mut self, wanted: &str) {
        self.service.wait_for_log(wanted);
    }

    /// The folder that its socket is in.
    pub(crate) fn folder(&self) -> &Path {
        &self.service.folder
    }

    pub(crate) fn port(&self) -> u16 {
        self.service.port()
    }

    pub(crate) fn certificate(&self) -> &Path {
        &self.service.certificate
    }

    /// Runs the administrator's statements and returns their rows as texts.
    pub(crate) fn ask(&self, database: &str, statements: &str) -> Vec<Vec<String>> {
        self.connect(database).ask(statements)
    }

    /// A session of the administrator's, open until it is dropped.
    pub(crate) fn connect(&self, database: &str) -> PostgresSession {
        let mut config = Config::new();
        config
            .host_path(self.folder())
            .port(self.port())
            .user("admin")
            .password(Self::PASSWORD)
            .application_name("test")
            .dbname(database);
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let client = runtime.block_on(async {
            let (client, connection) = config.connect(NoTls).await.expect("a session");
            tokio::spawn(connection);
            client
        });
        PostgresSession { runtime, client }
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.service.folder.join(name);
        fs::write(&path, content).expect("a file");
        give_to_server(&path);
        path
    }

    /// A program of the server's, which refuses to run as root.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.service.folder);
        if let Some((user, group)) = other_user() {
            command.uid(user).gid(group);
        }
        command
    }
}

impl PostgresSession {
    pub(crate) fn ask(&self, statements: &str) -> Vec<Vec<String>> {
        let messages = self.runtime.block_on(self.client.simple_query(statements));
        let messages = messages.unwrap_or_else(|error| panic!("{statements}: {error:?}"));
        let row = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => {
                let texts = (0..row.len()).map(|at| row.get(at).unwrap_or("NULL").to_owned());
                Some(texts.collect())
            }
            _ => None,
        };
        messages.iter().filter_map(row).collect()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Its processes end with it only if it ends by itself.
        self.stop();
    }
}

/// Makes a file that of the user who runs the server.
fn give_to_server(path: &Path) {
    if let Some((user, group)) = other_user() {
        chown(path, Some(user), Some(group)).expect("root may do that");
    }
}

/// The user for a server that refuses to run as root, if we are root.
fn other_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("the users");
    let find = |name: &str| {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let found = fields.next()? == name;
            let user = fields.nth(1)?.parse().ok()?;
            let group = fields.next()?.parse().ok()?;
            found.then_some((user, group))
        })
    };
    find("postgres").or_else(|| find("nobody"))
}
