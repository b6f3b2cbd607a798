//! What would bring a lesser server down, on the loopback. `docs/security.md` names these tests.

mod clock;
mod garbage;
mod paused;
mod reader;
mod senders;
mod shutdown;
mod storm;
