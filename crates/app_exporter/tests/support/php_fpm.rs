//! A real PHP-FPM.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::program::Running;
use crate::support::{Scratch, require};

/// A running PHP-FPM with one pool, whose status page is `/status`.
pub(crate) struct PhpFpm {
    _running: Running,
    pub(crate) socket: PathBuf,
}

impl PhpFpm {
    /// Starts it; `None` if it is not there.
    pub(crate) fn start(scratch: &Scratch) -> Option<Self> {
        let program = require("php-fpm")?;
        let socket = scratch.path().join("fpm.sock");
        let config = format!(
            "[global]\nerror_log = /proc/self/fd/2\ndaemonize = no\n[www]\nuser = root\ngroup = root\nlisten = {}\n\
             pm = static\npm.max_children = 2\npm.status_path = /status\nsecurity.limit_extensions = .php\n",
            socket.display()
        );
        let mut command = Command::new(program);
        command.args(["--nodaemonize", "--allow-to-run-as-root", "--fpm-config"]);
        command.arg(scratch.write("fpm.conf", &config));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut running = Running::spawn(command);
        running.wait_for(|line| line.contains("ready to handle connections").then_some(()));
        Some(Self {
            _running: running,
            socket,
        })
    }
}
