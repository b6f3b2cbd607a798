//! Failures of a mapping. A thousand bad rows are one message.

use exporter_kit::source::SourceErrorReason as Reason;

use crate::decode::Failure;

/// Failures of one fetch, counted by metric and reason.
#[derive(Debug, Default)]
pub(crate) struct Failures(Vec<Counted>);

/// A count of equal failures.
#[derive(Debug)]
struct Counted {
    /// The metric or result set concerned.
    about: Box<str>,
    reason: Reason,
    times: u64,
    /// The message of the first one.
    first: String,
}

impl Failures {
    pub(crate) fn add(&mut self, about: &str, failure: Failure) {
        let known = self
            .0
            .iter_mut()
            .find(|counted| *counted.about == *about && counted.reason == failure.reason);
        match known {
            Some(counted) => counted.times += 1,
            None => self.0.push(Counted {
                about: about.into(),
                reason: failure.reason,
                times: 1,
                first: failure.message,
            }),
        }
    }

    /// One failure per metric and reason. The text does not depend on the count, so that a log prints it once.
    pub(crate) fn into_problems(self) -> impl Iterator<Item = Failure> {
        self.0.into_iter().map(|counted| {
            let several = if counted.times > 1 {
                ", and more like it"
            } else {
                ""
            };
            let Counted {
                about,
                reason,
                first,
                ..
            } = counted;
            Failure::new(reason, format!("{about}: {first}{several}"))
        })
    }
}
