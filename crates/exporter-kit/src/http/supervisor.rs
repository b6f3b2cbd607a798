//! What a service manager is told about a server.

use std::fmt;
use std::time::Duration;

/// A service manager that started the program and wants to know how it does.
///
/// Told from the server's thread, and from those that reload; telling must not block for long. What it can't be
/// told is its own loss.
pub(crate) trait Supervisor: fmt::Debug + Send + Sync {
    fn tell(&self, news: News<'_>);

    /// How often it wants to hear [`News::Alive`], if at all.
    fn pulse(&self) -> Option<Duration>;
}

/// What a service manager is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News<'a> {
    /// The server answers and the program is ready; with what is served where, for people.
    Ready(&'a str),
    /// The program has begun to read its configuration anew.
    Reloading,
    /// It has done so, or has failed and goes on as before.
    Reloaded,
    /// Connections are still accepted and requests still run.
    Alive,
    /// The program is to end.
    Stopping,
}
