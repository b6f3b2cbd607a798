//! Asks sources for a scrape that waits on a thread. The sources work on their own runtime, which may be stuck: the wait
//! ends all the same.

use std::any::Any;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::source::{Deadline, Sources};
use crate::sync::first;

/// How often it is asked whether the answer is still wanted.
const LOOK: Duration = Duration::from_millis(50);

/// What a scrape is to show of a set of sources, under the set's key.
pub(crate) type KeyedView = (usize, Arc<dyn Any + Send + Sync>);

/// Sources that are being asked. Dropping it gives up, which stops the work that nobody else waits for.
pub(crate) struct Asking {
    sources: Vec<Sources>,
    views: Receiver<KeyedView>,
    _wanted: Vec<oneshot::Sender<()>>,
}

impl Asking {
    pub(crate) fn begin(sources: &[Sources], until: Option<Instant>) -> Self {
        let deadline = until.map_or_else(
            || Deadline::after(Duration::MAX),
            |until| Deadline::at(until.into()),
        );
        let (sender, views) = channel();
        let mut wanted = Vec::with_capacity(sources.len());
        for sources in sources {
            let (guard, given_up) = oneshot::channel::<()>();
            wanted.push(guard);
            let asked = sources.begin(deadline);
            let key = sources.key();
            let sender = sender.clone();
            sources.runtime().spawn(async move {
                let ask = async {
                    let view: Arc<dyn Any + Send + Sync> = Arc::new(asked.wait().await);
                    // Who has given up needs no view.
                    let _ = sender.send((key, view));
                };
                // Nothing is ever sent: the guard is dropped.
                let given_up = async { drop(given_up.await) };
                first(ask, given_up).await;
            });
        }
        Self {
            sources: sources.to_vec(),
            views,
            _wanted: wanted,
        }
    }

    /// What the sources gave, and what is to be shown of those that gave nothing in time. They know their deadline
    /// themselves; the end of this wait is for a runtime that is stuck.
    pub(crate) fn wait(
        self,
        until: Option<Instant>,
        is_wanted: &dyn Fn() -> bool,
    ) -> Vec<KeyedView> {
        let mut views = self.receive(until, is_wanted);
        for sources in &self.sources {
            if views.iter().all(|(key, _)| *key != sources.key()) {
                views.push((sources.key(), Arc::new(sources.late())));
            }
        }
        views
    }

    fn receive(&self, until: Option<Instant>, is_wanted: &dyn Fn() -> bool) -> Vec<KeyedView> {
        let mut views = Vec::new();
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let pause = left.map_or(LOOK, |left| left.min(LOOK));
            match self.views.recv_timeout(pause) {
                Ok(view) => views.push(view),
                // All have answered, or their runtime has ended.
                Err(RecvTimeoutError::Disconnected) => return views,
                Err(RecvTimeoutError::Timeout) => {
                    if left == Some(Duration::ZERO) || !is_wanted() {
                        return views;
                    }
                }
            }
        }
    }
}
