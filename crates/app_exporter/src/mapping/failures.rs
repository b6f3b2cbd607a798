//! Failures of a mapping. A thousand bad rows are a few messages.

use exporter_kit::source::SourceErrorReason as Reason;
use hashbrown::HashMap;

use crate::decode::Failure;

/// Failures of one fetch, by metric and reason.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    groups: Vec<Group>,
    /// The index of each group, by reason and subject.
    places: HashMap<Reason, HashMap<String, usize>>,
}

/// Failures with the same subject and reason.
#[derive(Debug)]
struct Group {
    /// The metric or result set concerned.
    about: Box<str>,
    reason: Reason,
    /// Each message once.
    messages: Vec<String>,
    /// True if there were more messages than are kept.
    has_more: bool,
}

impl Failures {
    pub(crate) fn add(&mut self, about: &str, failure: Failure) {
        /// The limit of messages of a group, each of which names another row or file.
        const MOST: usize = 10;
        let of_reason = self.places.entry(failure.reason).or_default();
        let next = self.groups.len();
        let at = *of_reason.entry_ref(about).or_insert(next);
        match self.groups.get_mut(at) {
            Some(group) if group.messages.contains(&failure.message) => (),
            Some(group) if group.messages.len() == MOST => group.has_more = true,
            Some(group) => group.messages.push(failure.message),
            None => self.groups.push(Group {
                about: about.into(),
                reason: failure.reason,
                messages: vec![failure.message],
                has_more: false,
            }),
        }
    }

    /// One failure for each message. Equal failures of the next fetch have equal texts, so that a log prints them once.
    pub(crate) fn into_problems(self) -> impl Iterator<Item = Failure> {
        self.groups.into_iter().flat_map(|group| {
            let Group {
                about,
                reason,
                mut messages,
                has_more,
            } = group;
            if let Some(last) = messages.last_mut().filter(|_| has_more) {
                last.push_str(", and others");
            }
            let problem = move |message| Failure::new(reason, format!("{about}: {message}"));
            messages.into_iter().map(problem)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_is_there_once_and_a_thousand_are_few() {
        let mut failures = Failures::default();
        for number in [1, 2, 1] {
            failures.add("a", Failure::decode(format!("`{number}` is bad")));
        }
        for number in 0..1000 {
            failures.add("b", Failure::connect(number.to_string()));
        }
        let texts: Vec<String> = failures.into_problems().map(|it| it.message).collect();
        assert_eq!(texts[..2], ["a: `1` is bad", "a: `2` is bad"]);
        assert_eq!(texts.len(), 12);
        assert_eq!(texts[11], "b: 9, and others");
    }
}
