use std::fs;
use std::process::{Command, Stdio};

use super::Recipe;
use crate::program::Running;
use crate::support::{Scratch, require};

/// A real nginx, and its port. nginx takes no port of the system's choice, so it gets one that was free just before, and
/// another one if somebody was quicker.
fn nginx(scratch: &Scratch) -> Option<(Running, u16)> {
    let program = require("nginx")?;
    for _ in 0..20 {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("its address").port();
        drop(free);
        let folder = scratch.path().display();
        let config = format!(
            "daemon off;\nmaster_process off;\nuser root;\nerror_log stderr notice;\npid {folder}/pid;\nevents {{}}\nhttp {{\n  \
             access_log off;\n  client_body_temp_path {folder}/body;\n  proxy_temp_path {folder}/proxy;\n  \
             fastcgi_temp_path {folder}/fastcgi;\n  uwsgi_temp_path {folder}/uwsgi;\n  scgi_temp_path {folder}/scgi;\n  \
             server {{\n    listen 127.0.0.1:{port};\n    location = /stub_status {{ stub_status; }}\n  }}\n}}\n"
        );
        let file = scratch.write("nginx.conf", &config);
        let mut command = Command::new(&program);
        command.arg("-e").arg("stderr").arg("-c").arg(&file);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut running = Running::spawn(command);
        let began = running.wait_for(|line| {
            let began =
                line.contains("start worker process") || line.contains("using the \"epoll\"");
            let failed = line.contains("[emerg]");
            (began || failed).then_some(!failed)
        });
        if began {
            // It listens before it says so.
            return Some((running, port));
        }
        let _ = fs::remove_file(scratch.path().join("pid"));
    }
    panic!("there is no free port");
}

#[test]
fn a_real_nginx_tells_its_connections() {
    let scratch = Scratch::new("nginx");
    let Some((_running, port)) = nginx(&scratch) else {
        return;
    };
    let recipe =
        Recipe::new("nginx-stub-status").with("127.0.0.1:8081", format!("127.0.0.1:{port}"));
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
