//! A source with its metrics: what the library's runner runs.

use std::sync::Arc;

use exporter_kit::scrape::{Deadline, Fetched, Source, SourceError};

use crate::decode::{Failure, Part};
use crate::mapping::{Mapped, Mapping};
use crate::sources::origin::Fetcher;
use crate::sources::visit::{Visit, Visits};

/// Asks one source and makes its metrics of what it says.
#[derive(Debug)]
pub(crate) struct MappedSource {
    fetcher: Fetcher,
    mapping: Arc<Mapping>,
    visits: Visits,
}

impl MappedSource {
    pub(super) fn new(fetcher: Fetcher, mapping: Mapping) -> Self {
        Self {
            fetcher,
            mapping: Arc::new(mapping),
            visits: Visits::new(),
        }
    }

    async fn map(&self, parts: Vec<Part>, visit: &Visit) -> Result<Mapped, Failure> {
        /// Rows that are mapped faster than another thread begins.
        const FEW: usize = 1000;
        if parts.iter().map(Part::rows_len).sum::<usize>() <= FEW {
            return self.mapping.map(&parts);
        }
        let mapping = Arc::clone(&self.mapping);
        visit.blocking(move || mapping.map(&parts)).await
    }
}

impl Source for MappedSource {
    /// The runner drops this at the deadline, which ends the request or kills the program.
    async fn fetch(&self, deadline: Deadline) -> Result<Fetched, SourceError> {
        let visit = self.visits.begin(deadline).await?;
        let parts = self.fetcher.fetch(&visit).await?;
        let mapped = self.map(parts, &visit).await?;
        let mut fetched = Fetched::new(mapped.snapshot, mapped.rows);
        let mut problems: Vec<Failure> = mapped.failures.into_problems().collect();
        // Each is counted, but only the last is shown: it says all.
        let all: Vec<_> = problems.iter().map(|it| it.message.as_str()).collect();
        let all = all.join("; ");
        if let Some(last) = problems.last_mut() {
            last.message = all;
        }
        for problem in problems {
            fetched = fetched.with_problem(problem.into());
        }
        Ok(fetched)
    }
}
