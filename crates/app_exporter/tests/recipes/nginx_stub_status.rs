use std::process::{Command, Stdio};

use super::Recipe;
use crate::program::Running;
use crate::support::{Port, Scratch, require};

/// A real nginx.
fn nginx(scratch: &Scratch, port: &Port) -> Option<Running> {
    let program = require("nginx")?;
    let folder = scratch.path().display();
    let config = format!(
        "daemon off;\nmaster_process off;\nuser root;\nerror_log stderr notice;\npid {folder}/pid;\nevents {{}}\nhttp {{\n  \
         access_log off;\n  client_body_temp_path {folder}/body;\n  proxy_temp_path {folder}/proxy;\n  \
         fastcgi_temp_path {folder}/fastcgi;\n  uwsgi_temp_path {folder}/uwsgi;\n  scgi_temp_path {folder}/scgi;\n  \
         server {{\n    listen {};\n    location = /stub_status {{ stub_status; }}\n  }}\n}}\n",
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

#[test]
fn a_real_nginx_tells_its_connections() {
    let scratch = Scratch::new("nginx");
    let port = Port::reserve();
    let Some(_running) = nginx(&scratch, &port) else {
        return;
    };
    let recipe = Recipe::new("nginx-stub-status").with("127.0.0.1:8081", port.address.to_string());
    // The exporter's own request is the first one.
    assert_eq!(
        recipe.samples(),
        [
            "nginx_connections{state=\"Reading\"} 0.0",
            "nginx_connections{state=\"Writing\"} 1.0",
            "nginx_connections{state=\"Waiting\"} 0.0",
            "nginx_connections_accepted_total 1.0",
            "nginx_connections_active 1.0",
            "nginx_connections_handled_total 1.0",
            "nginx_http_requests_total 1.0",
        ]
    );
}
