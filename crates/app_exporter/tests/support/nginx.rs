//! A real nginx.

use std::process::{Command, Stdio};

use crate::program::Running;
use crate::support::{Port, Scratch, require};

/// Starts one that listens on the port, with these locations; `None` if it is not there.
pub(crate) fn nginx(scratch: &Scratch, port: &Port, locations: &str) -> Option<Running> {
    let program = require("nginx")?;
    let folder = scratch.path().display();
    let config = format!(
        "daemon off;\nmaster_process off;\nuser root;\nerror_log stderr notice;\npid {folder}/pid;\nevents {{}}\nhttp {{\n  \
         access_log off;\n  client_body_temp_path {folder}/body;\n  proxy_temp_path {folder}/proxy;\n  \
         fastcgi_temp_path {folder}/fastcgi;\n  uwsgi_temp_path {folder}/uwsgi;\n  scgi_temp_path {folder}/scgi;\n  \
         server {{\n    listen {};\n    {locations}\n  }}\n}}\n",
        port.address
    );
    let mut command = Command::new(program);
    command.args(["-e", "stderr", "-c"]);
    command.arg(scratch.write("nginx.conf", &config));
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let mut running = Running::spawn(command);
    // It listens before it says so.
    running.wait_for(|line| {
        let began = line.contains("start worker process") || line.contains("using the \"epoll\"");
        began.then_some(())
    });
    Some(running)
}
