//! Notifications to systemd, in the datagrams of sd_notify(3).

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::server::service_manager::{Event, ServiceManager};

/// The longest wait while the queue of systemd is full: a notification must not delay scrapes.
const PATIENCE: Duration = Duration::from_millis(100);

/// The notifier for a program that systemd waits for.
pub(super) fn from_environment() -> Option<Arc<dyn ServiceManager>> {
    let socket = std::env::var_os("NOTIFY_SOCKET")?;
    match Notifier::new(&socket, watchdog()) {
        Ok(notifier) => Some(Arc::new(notifier)),
        Err(error) => {
            log::warn!(
                "cannot notify systemd: `NOTIFY_SOCKET` is `{}`: {error}",
                socket.display()
            );
            None
        }
    }
}

/// The watchdog interval from the environment.
fn watchdog() -> Option<Duration> {
    let variable = |name| std::env::var(name).ok();
    let process = variable("WATCHDOG_PID");
    let usec = variable("WATCHDOG_USEC")?;
    watchdog_of(&usec, process.as_deref(), std::process::id())
}

/// The watchdog interval for process `us`. Without a process, the interval is for any.
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
    /// `address` is a path, or an abstract name that follows `@`.
    fn new(address: &OsStr, watchdog: Option<Duration>) -> io::Result<Self> {
        let address = match address.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            [b'/', ..] => SocketAddr::from_pathname(address)?,
            _ => return Err(io::Error::other("neither a path nor an abstract name")),
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
            // The first line identifies the notification.
            let what = state.lines().next().unwrap_or_default();
            log::warn!("cannot notify systemd of `{what}`: {error}");
        }
    }
}

impl ServiceManager for Notifier {
    fn notify(&self, event: Event<'_>) {
        match event {
            Event::Ready(status) => self.send(&format!("READY=1\nSTATUS={status}")),
            Event::Reloading => {
                let now = clock_gettime(ClockId::Monotonic);
                let usec = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1000;
                self.send(&format!("RELOADING=1\nMONOTONIC_USEC={usec}"));
            }
            Event::Reloaded => self.send("READY=1"),
            Event::Alive => self.send("WATCHDOG=1"),
            Event::Stopping => self.send("STOPPING=1\nSTATUS=Finishing the answers under way"),
        }
    }

    fn keep_alive_interval(&self) -> Option<Duration> {
        // Twice as often as required, so that a single delay is harmless.
        self.watchdog.map(|watchdog| watchdog / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The datagram of an event.
    fn received(socket: &UnixDatagram, notifier: &Notifier, event: Event<'_>) -> String {
        notifier.notify(event);
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
        let told = |event| received(&socket, &notifier, event);
        assert_eq!(told(Event::Ready("Serving")), "READY=1\nSTATUS=Serving");
        assert_eq!(told(Event::Alive), "WATCHDOG=1");
        assert_eq!(told(Event::Reloaded), "READY=1");
        assert!(told(Event::Stopping).starts_with("STOPPING=1\n"));
        let times = [(); 2].map(|()| {
            let reloading = told(Event::Reloading);
            let usec = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
            usec.unwrap().parse::<u64>().unwrap()
        });
        assert!(times[0] <= times[1]);
        assert_eq!(
            notifier.keep_alive_interval(),
            Some(Duration::from_millis(1500))
        );
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
        gone.notify(Event::Alive);
        assert_eq!(gone.keep_alive_interval(), None);
    }
}
