//! The errors of a push to a Pushgateway.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::name::NameError;

/// The error of a push to a Pushgateway, or of its settings.
#[non_exhaustive]
pub enum PushError {
    /// Not a valid URL of a Pushgateway. A user and a password in it are left out here.
    Url {
        /// The URL.
        url: Box<str>,
        /// The remedy.
        reason: &'static str,
    },
    /// The name of the job is empty.
    NoJob,
    /// The name of a grouping label is not valid, or stands twice.
    Grouping(NameError),
    /// A series has a label that belongs to the group.
    LabelTaken {
        /// The series' family.
        family: Box<str>,
        /// The label.
        label: Box<str>,
    },
    /// The thread for the push could not start, or panicked.
    Run(io::Error),
    /// The connection failed.
    Connect {
        /// The group's URL.
        url: Box<str>,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The connection ended before the answer.
    Exchange {
        /// The group's URL.
        url: Box<str>,
        /// The error of the connection.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The push took too long.
    Timeout {
        /// The group's URL.
        url: Box<str>,
        /// The timeout.
        timeout: Duration,
    },
    /// The Pushgateway rejected the push: the status is not 200 to 299.
    Answer {
        /// The group's URL.
        url: Box<str>,
        /// The status.
        status: u16,
        /// The beginning of the answer's body.
        body: Box<str>,
    },
}

impl fmt::Display for PushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url { url, reason } => {
                write!(
                    f,
                    "cannot push to `{}`: not a valid URL; {reason}",
                    url.escape_debug()
                )
            }
            Self::NoJob => f.write_str(
                "cannot push without a job: its name is empty; name it, for example `backup`",
            ),
            Self::Grouping(error) => write!(f, "cannot add the grouping label: {error}"),
            Self::LabelTaken { family, label } => write!(
                f,
                "cannot push family `{family}`: its label `{label}` is a label of the group too; rename it, or leave it out of the grouping"
            ),
            Self::Run(error) => write!(
                f,
                "cannot run a thread for the push: {error}; raise the limits on threads and open files"
            ),
            Self::Connect { url, source } => write!(
                f,
                "cannot connect to `{url}`: {source}; check the address, and that a Pushgateway listens there"
            ),
            Self::Exchange { url, source } => write!(
                f,
                "cannot push to `{url}`: {source}; check that a Pushgateway listens there, and its log"
            ),
            Self::Timeout { url, timeout } => write!(
                f,
                "cannot push to `{url}`: timeout of {timeout:?} exceeded; check the network and slow collectors, or set a longer `timeout`"
            ),
            Self::Answer { url, status, body } => {
                let remedy = match status {
                    401 | 403 => "set user and password with `basic_auth`",
                    300..=399 | 404 | 405 => {
                        "check the URL: it must be the Pushgateway's own, without `/metrics`"
                    }
                    500..=599 => "see the log of the Pushgateway",
                    _ => "correct the metrics that it names",
                };
                write!(f, "cannot push to `{url}`: status {status}")?;
                if !body.is_empty() {
                    write!(f, ": `{}`", body.escape_debug())?;
                }
                write!(f, "; {remedy}")
            }
        }
    }
}

crate::error::debug_by_display!(PushError);

impl std::error::Error for PushError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Grouping(error) => Some(error),
            Self::Run(source) | Self::Connect { source, .. } => Some(source),
            Self::Exchange { source, .. } => Some(&**source),
            Self::Url { .. }
            | Self::NoJob
            | Self::LabelTaken { .. }
            | Self::Timeout { .. }
            | Self::Answer { .. } => None,
        }
    }
}
