//! Shared by the database servers of tests.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;

use crate::program::Running;
use crate::support::Port;

/// A server with a folder, a certificate and a port of its own, which may be started and stopped again and again.
pub(crate) struct Service {
    pub(crate) folder: PathBuf,
    /// The issuer of its certificate: the certificate itself.
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    port: Port,
    running: Option<Running>,
}

impl Service {
    /// `name` is the test's, so that tests that run at once do not share a folder.
    pub(crate) fn new(name: &str) -> Self {
        // The path of a socket in it is short, and other users may get there.
        let folder = format!("app_exporter-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir_all(&folder).expect("a folder");
        let names = vec!["localhost".to_owned()];
        let own = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let (certificate, key) = (folder.join("server.crt"), folder.join("server.key"));
        fs::write(&certificate, own.cert.pem()).expect("a file");
        fs::write(&key, own.signing_key.serialize_pem()).expect("a file");
        Self {
            folder,
            certificate,
            key,
            port: Port::reserve(),
            running: None,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.number()
    }

    /// Starts it, and waits until its log says that it is ready.
    pub(crate) fn start(&mut self, command: Command, ready: &str) {
        let mut running = Running::spawn(command);
        running.wait_for(|line| line.contains(ready).then_some(()));
        self.running = Some(running);
    }

    /// Waits for a line of its log.
    pub(crate) fn wait_for_log(&mut self, wanted: &str) {
        let running = self.running.as_mut().expect("it runs");
        running.wait_for(|line| line.contains(wanted).then_some(()));
    }

    /// Ends it with a signal, if it runs.
    pub(crate) fn stop(&mut self, signal: Signal) {
        if let Some(running) = self.running.take() {
            running.signal(signal);
            running.end();
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It is killed, if it still runs.
        self.running = None;
        // What stays is in a folder for what is temporary.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
