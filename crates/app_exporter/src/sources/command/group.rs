//! A running program, with the processes that it started.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Child;
use tokio::time::timeout;

use crate::decode::{Failure, Limits};
use crate::sources::command::leftovers::Run;
use crate::sources::visit::Visit;

/// A process group. Dropping it kills what is left of it, and of the run.
pub(super) struct Group {
    // Before the run: the process belongs to it until nothing here waits for it any more.
    child: Child,
    /// The process group's ID, until all of the group seems to have ended.
    #[cfg(unix)]
    id: Option<rustix::process::Pid>,
    _run: Run,
}

impl Group {
    pub(super) fn new(child: Child, run: Run) -> Self {
        run.started(child.id());
        Self {
            _run: run,
            #[cfg(unix)]
            id: child
                .id()
                .and_then(|id| i32::try_from(id).ok())
                .and_then(rustix::process::Pid::from_raw),
            child,
        }
    }

    /// Waits for the program. Returns its exit status, its output, and the end of its standard error.
    pub(super) async fn finish(
        &mut self,
        limits: Limits,
        visit: &Visit,
    ) -> Result<(ExitStatus, Vec<u8>, Complaint), Failure> {
        /// The time that child processes may keep the output open after the program has ended.
        const GRACE: Duration = Duration::from_secs(1);
        let (stdout, stderr) = (self.child.stdout.take(), self.child.stderr.take());
        let (mut output, mut complaint) = (Vec::new(), Complaint::default());
        let unknown = |error: io::Error| {
            Failure::connect(format!(
                "cannot read the exit status of the program: {error}"
            ))
        };
        let (status, closed) = {
            let reading = async {
                tokio::try_join!(
                    read(stdout, &mut output, limits.bytes, visit),
                    read_last(stderr, &mut complaint)
                )
            };
            tokio::pin!(reading);
            tokio::select! {
                read = &mut reading => {
                    read?;
                    (self.child.wait().await.map_err(unknown)?, true)
                }
                status = self.child.wait() => {
                    // Output may still be in the pipe. Child processes that keep it open are not waited for.
                    let read = timeout(GRACE, &mut reading).await;
                    let closed = read.is_ok();
                    read.unwrap_or(Ok(((), ())))?;
                    (status.map_err(unknown)?, closed)
                }
            }
        };
        if closed {
            self.forget();
        }
        Ok((status, output, complaint))
    }

    /// Kills nothing any more: all has ended, and the ID may belong to another group.
    fn forget(&mut self) {
        #[cfg(unix)]
        {
            self.id = None;
        }
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            // The group may just have ended.
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
    }
}

/// Reads to the end.
async fn read(
    from: Option<impl AsyncRead + Unpin>,
    into: &mut Vec<u8>,
    most: usize,
    visit: &Visit,
) -> Result<(), Failure> {
    let Some(from) = from else { return Ok(()) };
    let mut from = from.take(most as u64 + 1);
    let unreadable = |error: io::Error| {
        Failure::connect(format!("cannot read the output of the program: {error}"))
    };
    loop {
        match from.read_buf(into).await.map_err(unreadable)? {
            0 => return Ok(()),
            _ if into.len() > most => {
                return Err(Failure::too_large("the output of the program", most));
            }
            read => visit.receive(read)?,
        }
    }
}

/// The end of what a program wrote to its standard error.
#[derive(Debug, Default)]
pub(super) struct Complaint {
    pub(super) text: Vec<u8>,
    /// True if the beginning is missing.
    pub(super) is_cut: bool,
}

/// Reads to the end and keeps the last part, so that a full pipe does not block the program.
async fn read_last(
    from: Option<impl AsyncRead + Unpin>,
    into: &mut Complaint,
) -> Result<(), Failure> {
    const KEPT: usize = 4096;
    let Some(mut from) = from else { return Ok(()) };
    let mut chunk = [0; KEPT];
    loop {
        // An unreadable standard error does not invalidate the output.
        let length = from.read(&mut chunk).await.unwrap_or(0);
        if length == 0 {
            return Ok(());
        }
        into.text
            .extend_from_slice(chunk.get(..length).unwrap_or_default());
        let surplus = into.text.len().saturating_sub(KEPT);
        into.is_cut |= surplus > 0;
        into.text.drain(..surplus);
    }
}
