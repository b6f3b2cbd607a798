//! What was not had, counted and not repeated: a thousand bad rows are one message.

use exporter_kit::source::SourceErrorReason as Reason;

use crate::decode::Failure;

/// Failures of one run, counted by metric and reason.
#[derive(Debug, Default)]
pub(crate) struct Failures(Vec<Counted>);

/// How often one thing failed for one reason.
#[derive(Debug)]
struct Counted {
    /// The metric, or the set of rows, that it is about.
    about: Box<str>,
    reason: Reason,
    times: u64,
    /// What the first of them was.
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

    /// One failure for each, the same words for the same trouble however often it came: a log says it once.
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
