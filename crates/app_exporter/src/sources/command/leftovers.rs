//! Processes that outlive their command, although they left its process group (Linux).
//!
//! The exporter adopts them (`PR_SET_CHILD_SUBREAPER`), finds them by a variable in their environment, kills and reaps them.
//! Processes without the variable are never killed. Elsewhere than on Linux there is no `/proc`, so none is found.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::Duration;

/// The variable in the environment of every command.
pub(super) const VARIABLE: &str = "EXPORTER_COMMAND_RUN";

/// The time between two rounds: what is killed takes a moment to end.
const PAUSE: Duration = Duration::from_millis(5);

/// The largest number of rounds. A process that the system cannot end, such as one that waits for a disk, is left for the
/// next run.
const ROUNDS: usize = 100;

/// The runs by number, with the ID of their process; `None` while it starts.
static RUNS: Mutex<BTreeMap<u64, Option<u32>>> = Mutex::new(BTreeMap::new());

/// A run of a command, from before its start until its end. Dropping it kills what is left of it.
pub(super) struct Run(u64);

impl Run {
    pub(super) fn begin() -> Self {
        /// The numbers of runs begin at 0.
        static NEXT: Mutex<u64> = Mutex::new(0);
        adopt_orphans();
        let mut next = NEXT.lock().unwrap_or_else(PoisonError::into_inner);
        let number = *next;
        *next += 1;
        runs().insert(number, None);
        Self(number)
    }

    /// The value of the variable.
    pub(super) fn mark(&self) -> String {
        format!("{}-{}", std::process::id(), self.0)
    }

    /// Notes the process of the run, which another part of the program waits for.
    pub(super) fn started(&self, id: Option<u32>) {
        runs().insert(self.0, id);
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        runs().remove(&self.0);
        if unclaimed(&runs(), false).next().is_some() {
            // What cannot be ended here is found after the next run.
            let _ = thread::Builder::new()
                .name("command-end".to_owned())
                .spawn(|| end(false));
        }
    }
}

/// Ends what all commands have started, for the end of the program.
pub(crate) fn end_all() {
    end(true);
}

fn end(all: bool) {
    for _ in 0..ROUNDS {
        if !end_once(all) {
            return;
        }
        thread::sleep(PAUSE);
    }
}

/// Kills and reaps the processes of ended runs, or of all. Returns whether one was still there.
fn end_once(all: bool) -> bool {
    // A copy: reading about a process can hang as that process does.
    let runs = runs().clone();
    let mut is_left = false;
    for child in unclaimed(&runs, all) {
        match reap(child, all) {
            Some(true) => continue,
            Some(false) => {}
            None => is_left = true,
        }
        let mut found = vec![child];
        while let Some(id) = found.pop() {
            found.extend(children(id));
            let Ok(environment) = fs::read(format!("/proc/{id}/environ")) else {
                continue;
            };
            if run_of(&environment).is_some_and(|run| all || !runs.contains_key(&run)) {
                system::kill(id);
                is_left = true;
            }
            // A process that is ending has no environment any more. Its children are adopted a moment later.
            is_left |= environment.is_empty();
        }
    }
    is_left
}

/// Reaps a child process if it has ended, and returns whether it had. `None` if it may belong to a run: while one starts,
/// its process is among the children.
fn reap(child: u32, all: bool) -> Option<bool> {
    let runs = runs();
    let may = all
        || !runs
            .values()
            .any(|id| id.is_none_or(|of_run| of_run == child));
    may.then(|| system::reap(child))
}

/// The child processes of the exporter that belong to no run, or all.
fn unclaimed(runs: &BTreeMap<u64, Option<u32>>, all: bool) -> impl Iterator<Item = u32> {
    children(std::process::id())
        .into_iter()
        .filter(move |id| all || !runs.values().any(|of_run| of_run == &Some(*id)))
}

/// The child processes of a process; none if it has ended.
fn children(id: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{id}/task"))
        .into_iter()
        .flatten();
    let mut all = Vec::new();
    for thread in threads.flatten() {
        let listed = fs::read_to_string(thread.path().join("children"));
        let listed = listed.unwrap_or_default();
        all.extend(
            listed
                .split_whitespace()
                .filter_map(|id| id.parse::<u32>().ok()),
        );
    }
    all
}

/// The number of the run that has started a process with this environment.
fn run_of(environment: &[u8]) -> Option<u64> {
    let mark = environment.split(|byte| *byte == 0).find_map(|variable| {
        let value = variable.strip_prefix(VARIABLE.as_bytes())?;
        str::from_utf8(value.strip_prefix(b"=")?).ok()
    })?;
    let (of, number) = mark.split_once('-')?;
    (of == std::process::id().to_string())
        .then(|| number.parse().ok())
        .flatten()
}

fn adopt_orphans() {
    static ADOPTED: Once = Once::new();
    ADOPTED.call_once(|| {
        if let Err(error) = system::adopt_orphans() {
            log::warn!(
                "cannot adopt the processes that commands leave behind: {error}; those that leave the process group of their command are not ended"
            );
        }
    });
}

fn runs() -> MutexGuard<'static, BTreeMap<u64, Option<u32>>> {
    RUNS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(target_os = "linux")]
mod system {
    use rustix::process::{Pid, Signal, WaitOptions};

    /// Makes this process the parent of those whose parent ends.
    pub(super) fn adopt_orphans() -> std::io::Result<()> {
        let own = rustix::process::getpid();
        Ok(rustix::process::set_child_subreaper(Some(own))?)
    }

    /// Reaps a child process if it has ended, and returns whether it had.
    pub(super) fn reap(id: u32) -> bool {
        pid(id).is_some_and(|id| {
            let ended = rustix::process::waitpid(Some(id), WaitOptions::NOHANG);
            matches!(ended, Ok(Some(_)))
        })
    }

    pub(super) fn kill(id: u32) {
        if let Some(id) = pid(id) {
            // It may just have ended, or belong to another user.
            let _ = rustix::process::kill_process(id, Signal::KILL);
        }
    }

    fn pid(id: u32) -> Option<Pid> {
        i32::try_from(id).ok().and_then(Pid::from_raw)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn adopt_orphans() -> std::io::Result<()> {
        Ok(())
    }

    pub(super) fn reap(_: u32) -> bool {
        false
    }

    pub(super) fn kill(_: u32) {}
}
