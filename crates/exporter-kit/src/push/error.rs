//! Why a push did not succeed.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::name::NameError;

/// Why metrics can't be pushed to a Pushgateway, or were not.
#[non_exhaustive]
pub enum PushError {
    /// What was given is no URL of a Pushgateway. A user and a password in it are left out here.
    Url {
        /// What was given.
        url: Box<str>,
        /// What is wrong with it, and the remedy.
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
    /// The thread that pushes can't be started, or did not end well.
    Run(io::Error),
    /// There is no connection.
    Connect {
        /// The group's URL.
        url: Box<str>,
        /// What the operating system says.
        source: io::Error,
    },
    /// The connection ended before the answer.
    Exchange {
        /// The group's URL.
        url: Box<str>,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It took too long.
    Timeout {
        /// The group's URL.
        url: Box<str>,
        /// How long it was given.
        timeout: Duration,
    },
    /// The answer is a refusal: its status is not 200 to 299.
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
                write!(f, "`{}` is no URL to push to: {reason}", url.escape_debug())
            }
            Self::NoJob => f.write_str(
                "the name of the job is empty; a Pushgateway needs one, such as `backup`",
            ),
            Self::Grouping(error) => write!(f, "the grouping is refused: {error}"),
            Self::LabelTaken { family, label } => write!(
                f,
                "family `{family}` has the label `{label}` already, which the group of the push gives to all series; rename it or leave it out of the grouping"
            ),
            Self::Run(error) => write!(
                f,
                "can't push on a thread of its own: {error}; raise the limits on threads and open files"
            ),
            Self::Connect { url, source } => write!(
                f,
                "can't connect to push to `{url}`: {source}; check the address, and that a Pushgateway listens there"
            ),
            Self::Exchange { url, source } => write!(
                f,
                "no answer to the push to `{url}`: {source}; check that a Pushgateway listens there, and its log"
            ),
            Self::Timeout { url, timeout } => write!(
                f,
                "the push to `{url}` was not done within {timeout:?}; check the way there and slow collectors, or give it a longer `timeout`"
            ),
            Self::Answer { url, status, body } => {
                let remedy = match status {
                    401 | 403 => "give a user and a password with `basic_auth`",
                    300..=399 | 404 | 405 => {
                        "check the URL: it is the one of the Pushgateway itself"
                    }
                    500..=599 => "see its log",
                    _ => "correct what it names",
                };
                write!(f, "the push to `{url}` was answered with status {status}")?;
                if !body.is_empty() {
                    write!(f, " and `{}`", body.escape_debug())?;
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
