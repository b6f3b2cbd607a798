//! Attacks on a server, over the loopback interface. `docs/security.md` names these tests.

mod clock;
mod garbage;
#[cfg(feature = "web-config")]
mod handshakes;
mod heads;
mod reader;
#[cfg(feature = "web-config")]
mod reload;
mod senders;
mod shutdown;
#[cfg(target_os = "linux")]
mod slow_readers;
mod still;
mod storm;
mod threats;
