//! Systemd: sockets, readiness, reloads, health, the end.

use std::io::{Read as _, Write as _};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixDatagram, UnixStream};
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::program::{PATIENCE, Running, command, end, get};
use crate::support::{Port, Scratch, require, said};

#[test]
fn activated_by_a_unix_socket_it_serves_that_and_leaves_it_there() {
    let Some(activate) = require("systemd-socket-activate") else {
        return;
    };
    let scratch = Scratch::new("activate");
    let path = scratch.path().join("s");
    let mut running = activated(&activate, &[&path.display().to_string()]);
    // The first client is what it is started for.
    let mut client = UnixStream::connect(&path).expect("systemd listens");
    client
        .write_all(b"GET /metrics HTTP/1.0\r\n\r\n")
        .expect("a request");
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("an answer");
    assert!(answer.contains("\napp_active_sessions "), "{answer}");
    let shown = format!("address=unix:{}", path.display());
    running.wait_for(|line| line.contains(&shown).then_some(()));
    running.signal(Signal::TERM);
    let (status, log) = running.end();
    assert_eq!(status.code(), Some(0), "{log:#?}");
    // It is systemd's, which listens on it again.
    assert!(path.exists());
}

#[test]
fn activated_by_several_sockets_it_serves_those_and_no_other() {
    let Some(activate) = require("systemd-socket-activate") else {
        return;
    };
    // It tells nobody which port it got from the system.
    let port = Port::reserve();
    let address = port.address;
    let scratch = Scratch::new("activate-both");
    let path = scratch.path().join("s");
    let both = [address.to_string(), path.display().to_string()];
    let mut running = activated(&activate, &[&both[0], &both[1]]);
    assert_eq!(get(address, "/metrics").0, 200);
    assert_eq!(running.address(), address);
    // With the flag, the address that is listened on otherwise is not.
    let mut next = || running.wait_for(|line| line.contains("msg=").then(|| line.to_owned()));
    let listening = next();
    assert!(
        listening.contains(&format!("address=unix:{}", both[1])),
        "{listening}"
    );
    let serving = next();
    assert!(
        serving.contains(&format!("url=http://{address}/metrics")),
        "{serving}"
    );
    let mut client = UnixStream::connect(&path).expect("it listens");
    client
        .write_all(b"GET /-/ready HTTP/1.0\r\n\r\n")
        .expect("a request");
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.0 200 "), "{answer}");
}

#[test]
fn without_sockets_for_it_it_ends_with_one_line() {
    let flags = ["--web.systemd-socket", "--log.level=error"];
    // The second is what a program sees that another one was given sockets by.
    let other = [("LISTEN_FDS", "1"), ("LISTEN_PID", "1")];
    let none_here = [("LISTEN_FDS", "0"), ("LISTEN_PID", "1")];
    for variables in [&[][..], &other, &none_here] {
        let output = end(&flags, variables);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(
            said.contains("systemd passed no socket to this process"),
            "{said}"
        );
        assert!(said.contains("--web.systemd-socket"), "{said}");
    }
}

#[test]
fn what_is_passed_and_does_not_listen_is_named() {
    let mut shell = Command::new("sh");
    // The shell's process becomes the program's, so that the sockets are for it; this one is a file.
    let script = "exec 3</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ LISTEN_FDNAMES=web exec \"$@\"";
    shell
        .args(["-c", script, "sh"])
        .arg(command(&[], &[]).get_program())
        .args(["--web.systemd-socket", "--log.level=error"]);
    let output = shell.output().expect("it starts");
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("cannot listen on the socket `web`"), "{said}");
    assert!(said.contains("ListenStream="), "{said}");
}

#[test]
fn systemd_is_told_when_it_is_ready_reloads_and_ends() {
    let scratch = Scratch::new("notify");
    let path = scratch.path().join("n");
    let systemd = Systemd(UnixDatagram::bind(&path).expect("a socket"));
    let path = path.to_str().expect("UTF-8");
    let mut running = Running::start(
        &["--web.listen-address=127.0.0.1:0"],
        &[("NOTIFY_SOCKET", path)],
    );
    let ready = systemd.told();
    let address = running.address();
    let expected = format!("READY=1\nSTATUS=Serving metrics at http://{address}/metrics");
    assert_eq!(ready, expected);
    // It is ready when it says so.
    assert_eq!(get(address, "/-/ready").0, 200);
    running.signal(Signal::HUP);
    let reloading = systemd.told();
    let usec = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
    let usec = usec.unwrap_or_else(|| panic!("{reloading}"));
    assert!(usec.parse::<u64>().is_ok(), "{reloading}");
    assert_eq!(systemd.told(), "READY=1");
    running.signal(Signal::TERM);
    let stopping = systemd.told();
    assert!(stopping.starts_with("STOPPING=1\n"), "{stopping}");
    let (status, log) = running.end();
    assert_eq!(status.code(), Some(0), "{log:#?}");
}

#[test]
fn systemd_is_told_that_it_is_alive_as_often_as_it_asks() {
    let name = format!("app-exporter-watchdog-{}", std::process::id());
    let address = UnixAddr::from_abstract_name(&name).expect("a name");
    let systemd = Systemd(UnixDatagram::bind_addr(&address).expect("a socket"));
    let variables = [
        ("NOTIFY_SOCKET", &*format!("@{name}")),
        ("WATCHDOG_USEC", "20000"),
    ];
    let _running = Running::start(&["--web.listen-address=127.0.0.1:0"], &variables);
    assert!(systemd.told().starts_with("READY=1\n"));
    for _ in 0..5 {
        assert_eq!(systemd.told(), "WATCHDOG=1");
    }
}

/// The socket on which systemd would receive messages of services.
struct Systemd(UnixDatagram);

impl Systemd {
    fn told(&self) -> String {
        self.0.set_read_timeout(Some(PATIENCE)).expect("a limit");
        let mut message = [0; 1024];
        let length = self.0.recv(&mut message).expect("a message");
        String::from_utf8(message[..length].to_vec()).expect("UTF-8")
    }
}

/// The program, to be started by the first client of an address that systemd's tool listens on.
fn activated(activate: &Path, addresses: &[&str]) -> Running {
    let program = command(&[], &[]);
    let mut tool = Command::new(activate);
    tool.args(addresses.iter().map(|it| format!("--listen={it}")))
        .arg(program.get_program())
        .arg("--web.systemd-socket");
    let mut running = Running::spawn(tool);
    for _ in addresses {
        running.wait_for(|line| line.starts_with("Listening on ").then_some(()));
    }
    running
}
