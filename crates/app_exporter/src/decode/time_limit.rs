//! The deadline of the computation on this thread. Decoders and mappings check it in their loops.

use std::cell::Cell;

use exporter_kit::source::{Deadline, SourceErrorReason as Reason};

use crate::decode::Failure;

thread_local! {
    static UNTIL: Cell<Option<Deadline>> = const { Cell::new(None) };
}

/// Runs `work`, in which [`check_deadline`] fails after the deadline.
pub(crate) fn with_deadline<T>(deadline: Deadline, work: impl FnOnce() -> T) -> T {
    let _before = Before(UNTIL.replace(Some(deadline)));
    work()
}

/// Checks the deadline of the computation on this thread. Call it in every loop over rows or matches.
///
/// # Errors
/// When the deadline has passed.
pub(crate) fn check_deadline() -> Result<(), Failure> {
    if UNTIL.get().is_some_and(Deadline::has_passed) {
        return Err(Failure::new(
            Reason::Timeout,
            "decoding and mapping were not done by the deadline and were stopped; fetch less, simplify the paths and \
             expressions, or raise `timeout`",
        ));
    }
    Ok(())
}

/// The deadline to restore, also after a panic.
struct Before(Option<Deadline>);

impl Drop for Before {
    fn drop(&mut self) {
        UNTIL.set(self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_deadline_is_that_of_its_work_alone() {
        let (past, far) = (
            Deadline::after(Duration::ZERO),
            Deadline::after(Duration::MAX),
        );
        assert_eq!(check_deadline(), Ok(()));
        with_deadline(past, || {
            assert_eq!(check_deadline().unwrap_err().reason, Reason::Timeout);
            with_deadline(far, || assert_eq!(check_deadline(), Ok(())));
            assert!(check_deadline().is_err());
        });
        assert_eq!(check_deadline(), Ok(()));
    }
}
