//! The limit on open files, which limits connections and sources as well.

/// Raises the limit of this process to the most that the system allows. Service managers set a low one for programs
/// that use `select`, which this one does not.
#[cfg(unix)]
pub(crate) fn raise_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if raised.current != limit.current
        && let Err(error) = setrlimit(Resource::Nofile, raised)
    {
        log::debug!("cannot raise the limit on open files: {error}");
    }
}

#[cfg(not(unix))]
pub(crate) fn raise_limit() {}
