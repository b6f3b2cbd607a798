//! A source with its metrics, as the engine runs it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use exporter_kit::source::{Deadline, Fetched, Source, SourceError};

use crate::decode::{Failure, Part};
use crate::mapping::{Mapped, Mapping};
use crate::sources::memory::Memory;
use crate::sources::origin::Fetcher;
use crate::sources::visit::{Visit, Visits};

/// Fetches one source and maps its rows to metrics.
#[derive(Debug)]
pub(crate) struct MappedSource {
    name: Box<str>,
    /// True after the first fetch without rows, which the log reports.
    reported_empty: AtomicBool,
    /// True after the first fetch whose text matches no regular expression, which the log reports.
    reported_unmatched: AtomicBool,
    fetcher: Fetcher,
    mapping: Arc<Mapping>,
    visits: Visits,
}

impl MappedSource {
    pub(super) fn new(name: &str, fetcher: Fetcher, mapping: Mapping, memory: &Memory) -> Self {
        Self {
            name: name.into(),
            reported_empty: AtomicBool::new(false),
            reported_unmatched: AtomicBool::new(false),
            fetcher,
            mapping: Arc::new(mapping),
            visits: Visits::new(memory),
        }
    }

    /// Logs that a fetch succeeded without rows: there may really be none, or a path or pattern is wrong.
    fn report_empty(&self) {
        let name = &*self.name;
        log::log!(
            first_as_warning(&self.reported_empty), source = name;
            "source `{name}` returned no rows, so its metrics have no samples; check its path, pattern or query"
        );
    }

    /// Logs that defaults stand for a text that does not match: there may really be nothing, or the pattern is wrong.
    fn report_unmatched(&self, reason: &str) {
        let name = &*self.name;
        log::log!(
            first_as_warning(&self.reported_unmatched), source = name;
            "source `{name}`: {reason}; its metrics have their `default`"
        );
    }

    async fn map(&self, parts: Vec<Part>, visit: &Visit) -> Result<Mapped, Failure> {
        let mapping = Arc::clone(&self.mapping);
        visit.compute(move || mapping.map(&parts)).await
    }
}

impl Source for MappedSource {
    /// The engine drops this future at the deadline, which ends the request or kills the program.
    async fn fetch(&self, deadline: Deadline) -> Result<Fetched, SourceError> {
        let visit = self.visits.begin(deadline).await?;
        let parts = self.fetcher.fetch(&visit).await?;
        let mapped = self.map(parts, &visit).await?;
        let mut families = mapped.snapshot.families().iter();
        let is_empty = mapped.rows == 0 && families.all(|family| family.series().len() == 0);
        let mut fetched = Fetched::new(mapped.snapshot, mapped.rows);
        let mut problems: Vec<Failure> = mapped.failures.into_problems().collect();
        match &mapped.unmatched {
            Some(reason) => self.report_unmatched(reason),
            None if is_empty && problems.is_empty() => self.report_empty(),
            None => (),
        }
        // Each is counted, but only the last is shown: it says all.
        let all = together(&problems);
        if let Some(last) = problems.last_mut() {
            *last = Failure::new(last.reason, all);
        }
        for problem in problems {
            fetched = fetched.with_problem(problem.into());
        }
        Ok(fetched)
    }
}

/// The level of a message that is a warning once.
fn first_as_warning(reported: &AtomicBool) -> log::Level {
    match reported.swap(true, Ordering::Relaxed) {
        false => log::Level::Warn,
        true => log::Level::Debug,
    }
}

/// The failures in one short line.
fn together(problems: &[Failure]) -> String {
    const MOST: usize = 10;
    let shown = problems.iter().take(MOST).map(|it| it.message.as_str());
    let mut text = shown.collect::<Vec<_>>().join("; ");
    if let Some(more) = problems.len().checked_sub(MOST).filter(|more| *more > 0) {
        text.push_str(&format!("; and {more} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_problems_are_one_short_line() {
        let problems = |count: usize| vec![Failure::decode("no"); count];
        assert_eq!(together(&problems(2)), "no; no");
        assert!(together(&problems(10)).ends_with("no; no"));
        assert!(together(&problems(1000)).ends_with("; no; and 990 more"));
    }
}
