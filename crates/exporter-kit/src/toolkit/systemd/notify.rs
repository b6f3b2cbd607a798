//! Telling systemd how the program does, by the datagrams of sd_notify(3).

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::server::ServerBuilder;
use crate::server::supervisor::{News, Supervisor};

/// How long systemd may keep us waiting with its queue full.
const PATIENCE: Duration = Duration::from_millis(100);

impl ServerBuilder {
    /// Tells systemd when the server is ready, when it reloads and when it stops, and that it is alive as often as
    /// the unit's `WatchdogSec=` asks. For units of `Type=notify` and `Type=notify-reload`.
    ///
    /// Does nothing in a program that systemd does not wait for.
    pub fn systemd_notify(mut self) -> Self {
        if let Some(socket) = std::env::var_os("NOTIFY_SOCKET") {
            match Notifier::new(&socket, watchdog()) {
                Ok(notifier) => self.supervisor = Some(Arc::new(notifier)),
                Err(error) => log::warn!(
                    "systemd can't be told how the program does: `NOTIFY_SOCKET` is `{}`: {error}",
                    socket.display()
                ),
            }
        }
        self
    }
}

/// What the environment says of the watchdog.
fn watchdog() -> Option<Duration> {
    let variable = |name| std::env::var(name).ok();
    let process = variable("WATCHDOG_PID");
    let usec = variable("WATCHDOG_USEC")?;
    watchdog_of(&usec, process.as_deref(), std::process::id())
}

/// How often systemd wants to hear of process `us`, at the latest. Without a process it is for any.
fn watchdog_of(usec: &str, process: Option<&str>, us: u32) -> Option<Duration> {
    if process.is_some_and(|process| process.parse() != Ok(us)) {
        return None;
    }
    let usec = usec.parse().ok().filter(|usec| *usec > 0)?;
    Some(Duration::from_micros(usec))
}

/// The socket that systemd listens on.
#[derive(Debug)]
struct Notifier {
    socket: UnixDatagram,
    address: SocketAddr,
    watchdog: Option<Duration>,
}

impl Notifier {
    /// `address` is a path, or an abstract name after an `@`.
    fn new(address: &OsStr, watchdog: Option<Duration>) -> io::Result<Self> {
        let address = match address.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            [b'/', ..] => SocketAddr::from_pathname(address)?,
            _ => return Err(io::Error::other("it is no path and no abstract name")),
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            socket,
            address,
            watchdog,
        })
    }

    fn send(&self, state: &str) {
        if let Err(error) = self.socket.send_to_addr(state.as_bytes(), &self.address) {
            // Each line stands for itself, and the first says which it was.
            let what = state.lines().next().unwrap_or_default();
            log::warn!("systemd did not take `{what}`: {error}");
        }
    }
}

impl Supervisor for Notifier {
    fn tell(&self, news: News<'_>) {
        match news {
            News::Ready(status) => self.send(&format!("READY=1\nSTATUS={status}")),
            News::Reloading => {
                let now = clock_gettime(ClockId::Monotonic);
                let usec = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1000;
                self.send(&format!("RELOADING=1\nMONOTONIC_USEC={usec}"));
            }
            News::Reloaded => self.send("READY=1"),
            News::Alive => self.send("WATCHDOG=1"),
            News::Stopping => self.send("STOPPING=1\nSTATUS=Answering what has been asked"),
        }
    }

    fn pulse(&self) -> Option<Duration> {
        // Twice as often as is needed, so that one delay is forgiven.
        self.watchdog.map(|watchdog| watchdog / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is received after this is sent.
    fn received(socket: &UnixDatagram, notifier: &Notifier, news: News<'_>) -> String {
        notifier.tell(news);
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn an_abstract_name_is_told_everything() {
        let name = format!("exporter-kit-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let watchdog = Some(Duration::from_secs(3));
        let notifier = Notifier::new(OsStr::new(&format!("@{name}")), watchdog).unwrap();
        let told = |news| received(&socket, &notifier, news);
        assert_eq!(told(News::Ready("Serving")), "READY=1\nSTATUS=Serving");
        assert_eq!(told(News::Alive), "WATCHDOG=1");
        assert_eq!(told(News::Reloaded), "READY=1");
        assert!(told(News::Stopping).starts_with("STOPPING=1\n"));
        let times = [(); 2].map(|()| {
            let reloading = told(News::Reloading);
            let usec = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
            usec.unwrap().parse::<u64>().unwrap()
        });
        assert!(times[0] <= times[1]);
        assert_eq!(notifier.pulse(), Some(Duration::from_millis(1500)));
    }

    #[test]
    fn the_watchdog_is_for_the_process_that_is_named() {
        let second = Some(Duration::from_secs(1));
        assert_eq!(watchdog_of("1000000", None, 7), second);
        assert_eq!(watchdog_of("1000000", Some("7"), 7), second);
        assert_eq!(watchdog_of("1000000", Some("1"), 7), None);
        assert_eq!(watchdog_of("1000000", Some("x"), 7), None);
        assert_eq!(watchdog_of("0", None, 7), None);
        assert_eq!(watchdog_of("soon", None, 7), None);
    }

    #[test]
    fn what_is_no_socket_is_refused_and_one_that_is_gone_is_no_failure() {
        for address in ["", "relative", "vsock:2:1234"] {
            assert!(
                Notifier::new(OsStr::new(address), None).is_err(),
                "{address}"
            );
        }
        let gone = Notifier::new(OsStr::new("/nonexistent/notify"), None).unwrap();
        gone.tell(News::Alive);
        assert_eq!(gone.pulse(), None);
    }
}
