//! A program that runs, with everything that it has started.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Child;
use tokio::time::timeout;

use crate::decode::{Failure, Limits};

/// A program and everything that it has started. Dropping it kills what is left of them.
pub(super) struct Group {
    child: Child,
    /// The number of the group, until all of it has ended as far as can be seen.
    #[cfg(unix)]
    id: Option<rustix::process::Pid>,
}

impl Group {
    pub(super) fn new(child: Child) -> Self {
        Self {
            #[cfg(unix)]
            id: child
                .id()
                .and_then(|id| i32::try_from(id).ok())
                .and_then(rustix::process::Pid::from_raw),
            child,
        }
    }

    /// How the program ended, its output, and the end of what it complained about.
    pub(super) async fn finish(
        &mut self,
        limits: Limits,
    ) -> Result<(ExitStatus, Vec<u8>, Vec<u8>), Failure> {
        /// How long what the program has started may hold its output open once it has ended itself.
        const GRACE: Duration = Duration::from_secs(1);
        let (stdout, stderr) = (self.child.stdout.take(), self.child.stderr.take());
        let (mut output, mut complaint) = (Vec::new(), Vec::new());
        let unknown =
            |error: io::Error| Failure::connect(format!("the program's end is unknown: {error}"));
        let (status, closed) = {
            let reading = async {
                tokio::try_join!(
                    read(stdout, &mut output, limits.bytes),
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
                    // What it has printed may still be in the pipe; what others hold open is not waited for.
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

    /// Both outputs are closed and the program has ended: there is nothing to kill, and the number may be another's.
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
            // It may have ended on its own just now.
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
    }
}

/// Reads to the end.
async fn read(
    from: Option<impl AsyncRead + Unpin>,
    into: &mut Vec<u8>,
    most: usize,
) -> Result<(), Failure> {
    let Some(from) = from else { return Ok(()) };
    from.take(most as u64 + 1)
        .read_to_end(into)
        .await
        .map_err(|error| Failure::connect(format!("can't read the program's output: {error}")))?;
    if into.len() > most {
        return Err(Failure::limit(format!(
            "the program prints more than {most} bytes; raise `max_bytes`"
        )));
    }
    Ok(())
}

/// Reads to the end and keeps only the last of it, so that a program that complains a lot is not held up.
async fn read_last(
    from: Option<impl AsyncRead + Unpin>,
    into: &mut Vec<u8>,
) -> Result<(), Failure> {
    const KEPT: usize = 4096;
    let Some(mut from) = from else { return Ok(()) };
    let mut chunk = [0; KEPT];
    loop {
        // Complaints that can't be read are no reason to do without the output.
        let length = from.read(&mut chunk).await.unwrap_or(0);
        if length == 0 {
            return Ok(());
        }
        into.extend_from_slice(chunk.get(..length).unwrap_or_default());
        let surplus = into.len().saturating_sub(KEPT);
        into.drain(..surplus);
    }
}
