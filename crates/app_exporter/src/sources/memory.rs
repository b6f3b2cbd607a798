//! The memory that all sources share, for what they receive and for documents while they are decoded.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use exporter_kit::source::{Deadline, MemoryLimit, SourceErrorReason as Reason};

use crate::decode::Failure;

/// The limit without a flag and without a limit of the container.
const DEFAULT: usize = 1 << 30;

/// The memory of all sources: half for what they receive and for their numbers, half for documents while they are
/// decoded. Cheap to clone; clones are the same memory.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    limit: usize,
    held: MemoryLimit,
    decoding: Arc<Decoding>,
}

/// The documents that are decoded at present.
#[derive(Debug)]
struct Decoding {
    most: usize,
    taken: Mutex<usize>,
    freed: Condvar,
}

/// The turn of one document, until this is dropped.
#[derive(Debug)]
pub(super) struct DecodingTurn<'m> {
    decoding: &'m Decoding,
    bytes: usize,
}

impl Memory {
    /// A limit in bytes; without one, three quarters of the container's limit, or 1 GiB.
    pub(crate) fn new(limit: Option<usize>) -> Self {
        let limit = limit.unwrap_or_else(|| {
            let container =
                container_limit(Path::new("/proc/self/cgroup"), Path::new("/sys/fs/cgroup"));
            container.map_or(DEFAULT, |limit| limit / 4 * 3)
        });
        Self {
            limit,
            held: MemoryLimit::new(limit / 2),
            decoding: Arc::new(Decoding {
                most: limit / 2,
                taken: Mutex::new(0),
                freed: Condvar::new(),
            }),
        }
    }

    /// The part for what sources receive, and for their numbers.
    pub(crate) fn held(&self) -> &MemoryLimit {
        &self.held
    }

    /// The failure of a source that receives more than fits.
    pub(super) fn exceeded(&self) -> Failure {
        Failure::limit(format!(
            "the sources together receive more than fits into half of `--memory.limit`, {} bytes; fetch less at once, or \
             raise it",
            self.limit
        ))
    }

    /// Waits on this thread until the memory to decode a document is free. A document that needs more than all of it
    /// waits until no other is decoded.
    ///
    /// # Errors
    /// At the deadline.
    pub(super) fn turn(
        &self,
        bytes: usize,
        deadline: Deadline,
    ) -> Result<DecodingTurn<'_>, Failure> {
        let decoding = &*self.decoding;
        let bytes = bytes.min(decoding.most);
        let is_full = |taken: &mut usize| *taken > decoding.most - bytes;
        let waited =
            decoding
                .freed
                .wait_timeout_while(decoding.lock(), deadline.remaining(), is_full);
        let (mut taken, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            return Err(Failure::new(
                Reason::Timeout,
                format!(
                    "its document waited for the memory that documents of other sources take, half of `--memory.limit`, {} \
                     bytes; raise it or `timeout`",
                    self.limit
                ),
            ));
        }
        *taken += bytes;
        Ok(DecodingTurn { decoding, bytes })
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(Some(DEFAULT))
    }
}

impl Decoding {
    fn lock(&self) -> MutexGuard<'_, usize> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for DecodingTurn<'_> {
    fn drop(&mut self) {
        *self.decoding.lock() -= self.bytes;
        self.decoding.freed.notify_all();
    }
}

/// The lowest memory limit of the control groups (version 2) of this process, in bytes. In `groups` a line `0::/a/b`
/// names them; each has a file `memory.max` in its folder below `root`.
fn container_limit(groups: &Path, root: &Path) -> Option<usize> {
    let groups = fs::read_to_string(groups).ok()?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    // In a container, the path may be that of the host, which is not there; its own group is the root.
    let folders = Path::new(own).ancestors().map(|folder| root.join(folder));
    folders
        .filter_map(|folder| fs::read_to_string(folder.join("memory.max")).ok())
        .filter_map(|limit| limit.trim().parse().ok())
        .min()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_limit_of_the_container_is_the_lowest_of_its_groups() {
        let folder =
            std::env::temp_dir().join(format!("app_exporter-groups-{}", std::process::id()));
        fs::create_dir_all(folder.join("a/b")).unwrap();
        let (groups, limit) = (folder.join("cgroup"), |of: &str, limit: &str| {
            fs::write(folder.join(of).join("memory.max"), limit).unwrap();
        });
        assert_eq!(container_limit(&groups, &folder), None);
        fs::write(&groups, "1:memory:/x\n0::/a/b\n").unwrap();
        assert_eq!(container_limit(&groups, &folder), None);
        limit("a/b", "max\n");
        limit("a", "268435456\n");
        assert_eq!(container_limit(&groups, &folder), Some(256 << 20));
        limit("a/b", "1000\n");
        assert_eq!(container_limit(&groups, &folder), Some(1000));
        // The root of a container.
        fs::write(&groups, "0::/\n").unwrap();
        limit("", "2000\n");
        assert_eq!(container_limit(&groups, &folder), Some(2000));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn documents_that_need_more_than_all_memory_are_decoded_one_by_one() {
        let memory = Memory::new(Some(2000));
        let soon = || Deadline::after(Duration::from_secs(60));
        let first = memory.turn(usize::MAX, soon()).unwrap();
        let late = memory.turn(1, Deadline::after(Duration::ZERO)).unwrap_err();
        assert_eq!(late.reason, Reason::Timeout);
        let (sender, receiver) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..2 {
                let (memory, sender) = (&memory, sender.clone());
                scope.spawn(move || {
                    let turn = memory.turn(usize::MAX, soon()).unwrap();
                    sender.send(turn.bytes).unwrap();
                });
            }
            assert!(receiver.try_recv().is_err());
            drop(first);
            assert_eq!(receiver.recv(), Ok(1000));
            assert_eq!(receiver.recv(), Ok(1000));
        });
        let [a, b] = [400, 600].map(|bytes| memory.turn(bytes, soon()).unwrap());
        drop((a, b));
        assert_eq!(*memory.decoding.lock(), 0);
    }
}
