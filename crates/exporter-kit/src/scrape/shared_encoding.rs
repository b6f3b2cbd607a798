//! One encoding for all scrapes that arrive together.
//!
//! While an exposition is being encoded, requests for the same one wait. The next encoding begins after their arrival
//! and serves all of them from the same memory. So every response is at least as new as its request.
//!
//! Only scrapes that wait for nothing are shared, and only if the last text had at most [`SHARED_BYTES`]: a slow reader
//! holds no more memory than that. Larger expositions are encoded for each reader as it reads.

use std::sync::{Arc, Mutex};

use http::Response;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::encode::{Escaping, Format};
use crate::scrape::body::Body;
use crate::scrape::coding::Coding;
use crate::scrape::handler_state::{Options, SHARED_BYTES};
use crate::scrape::job::Job;
use crate::sync::lock;

/// The expositions being encoded, and the requests that wait for the next encoding of each.
#[derive(Default)]
pub(crate) struct SharedEncodings(Mutex<Vec<Queue>>);

struct Queue {
    key: EncodingKey,
    waiting: Vec<Waiter>,
}

/// The key of an exposition: two requests with equal keys get the same bytes.
#[derive(Clone)]
struct EncodingKey {
    format: Format,
    escaping: Option<Escaping>,
    coding: Coding,
    options: Arc<Options>,
}

impl EncodingKey {
    fn of(job: &Job) -> Self {
        Self {
            format: job.scrape.format(),
            escaping: job.scrape.chosen_escaping(),
            coding: job.coding,
            options: Arc::clone(&job.options),
        }
    }

    fn is(&self, other: &Self) -> bool {
        self.format == other.format
            && self.escaping == other.escaping
            && self.coding == other.coding
            && Arc::ptr_eq(&self.options, &other.options)
    }
}

struct Waiter {
    job: Job,
    answer: oneshot::Sender<Response<Body>>,
}

impl SharedEncodings {
    /// Adds a waiting request; returns whether it is the first, which has to start the encoding.
    fn add(&self, key: &EncodingKey, waiter: Waiter) -> bool {
        let mut queues = lock(&self.0);
        if let Some(queue) = queues.iter_mut().find(|queue| queue.key.is(key)) {
            queue.waiting.push(waiter);
            return false;
        }
        queues.push(Queue {
            key: key.clone(),
            waiting: vec![waiter],
        });
        true
    }

    /// Removes and returns all waiting requests. If there are none, removes the queue.
    fn take(&self, key: &EncodingKey) -> Option<Vec<Waiter>> {
        let mut queues = lock(&self.0);
        let at = queues.iter().position(|queue| queue.key.is(key))?;
        if queues[at].waiting.is_empty() {
            queues.swap_remove(at);
            return None;
        }
        Some(std::mem::take(&mut queues[at].waiting))
    }

    /// Removes the queue. Its waiting requests get no response from it.
    fn abandon(&self, key: &EncodingKey) {
        let mut queues = lock(&self.0);
        let given_up: Vec<Queue> = queues.extract_if(.., |queue| queue.key.is(key)).collect();
        // Dropping responses wakes tasks, so do it after the lock is released.
        drop(queues);
        drop(given_up);
    }
}

/// Responds to the job together with others for the same exposition.
pub(crate) fn join(
    encodings: &Arc<SharedEncodings>,
    runtime: &Handle,
    job: Job,
    answer: oneshot::Sender<Response<Body>>,
) {
    let key = EncodingKey::of(&job);
    if encodings.add(&key, Waiter { job, answer }) {
        let spawn = runtime.clone();
        let mut turn = Turn::new(Arc::clone(encodings), key);
        runtime.spawn_blocking(move || {
            while let Some(mut waiting) = turn.next() {
                waiting.retain(|waiter| !waiter.answer.is_closed());
                answer_all(waiting, &spawn);
            }
        });
    }
}

/// The duty to respond to the requests of a queue until it is empty. If dropped earlier, because encoding panics or the
/// runtime has ended, it removes the queue.
struct Turn {
    encodings: Arc<SharedEncodings>,
    key: EncodingKey,
    /// True if the queue is removed: a later queue with the same key has its own turn.
    is_over: bool,
}

impl Turn {
    fn new(encodings: Arc<SharedEncodings>, key: EncodingKey) -> Self {
        Self {
            encodings,
            key,
            is_over: false,
        }
    }

    fn next(&mut self) -> Option<Vec<Waiter>> {
        let waiting = self.encodings.take(&self.key);
        self.is_over = waiting.is_none();
        waiting
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_over {
            self.encodings.abandon(&self.key);
        }
    }
}

fn answer_all(mut waiting: Vec<Waiter>, runtime: &Handle) {
    // The request with the latest deadline, so that every request has at least its own time.
    let latest = |waiter: &&mut Waiter| {
        let written = waiter.job.limits.written;
        (written.is_none(), written)
    };
    let Some(leader) = waiting.iter_mut().max_by_key(latest) else {
        return;
    };
    match leader.job.encode_up_to(SHARED_BYTES) {
        Some(body) => {
            let coding = leader.job.coding;
            for Waiter { mut job, answer } in waiting {
                job.coding = coding;
                // A reader that has gone needs no response.
                let _ = answer.send(job.whole_response(Body::whole(body.clone())));
            }
        }
        None => {
            for Waiter { job, answer } in waiting {
                runtime.spawn_blocking(move || job.run(answer));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use bytes::Bytes;
    use http::{Request, header};
    use http_body_util::BodyExt as _;
    use tokio::sync::oneshot::error::TryRecvError;

    use super::*;
    use crate::metric::Gauge;
    use crate::registry::Registry;
    use crate::scrape::MetricsHandler;

    /// More series than are encoded in place on any machine, and few enough to be kept.
    const NOT_QUICK: usize = 12_000;

    fn handler(series: usize) -> MetricsHandler {
        let registry = Registry::new();
        let family = Gauge::define("depth", "How deep.").labels(["queue"]);
        let family = registry.add(family.series_limit(series)).unwrap();
        for i in 0..series {
            family.with([&format!("queue-{i}")]).set(i as f64);
        }
        MetricsHandler::new(&registry)
    }

    /// Sends requests with these codings while the only thread for scrapes is busy. Returns the first piece and the
    /// length of each body.
    fn ask(handler: &MetricsHandler, codings: &[&str]) -> Vec<(Bytes, usize)> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(1)
            .build()
            .unwrap();
        runtime.block_on(async {
            let (free, busy) = mpsc::channel::<()>();
            let busy = tokio::task::spawn_blocking(move || busy.recv());
            let answers: Vec<_> = codings
                .iter()
                .map(|coding| {
                    let req = Request::get("/metrics").header(header::ACCEPT_ENCODING, *coding);
                    handler.respond(&req.body(()).unwrap())
                })
                .collect();
            drop(free);
            assert!(busy.await.unwrap().is_err());
            let mut bodies = Vec::new();
            for answer in answers {
                let answer = answer.await;
                assert_eq!(answer.status(), 200);
                let mut body = answer.into_body();
                let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
                let rest = body.collect().await.unwrap().to_bytes().len();
                bodies.push((first.clone(), first.len() + rest));
            }
            bodies
        })
    }

    /// An unknown size may be any size.
    fn learn_the_size(handler: &MetricsHandler) {
        ask(handler, &["identity"]);
    }

    #[test]
    fn what_arrives_together_is_sent_from_the_same_memory() {
        let handler = handler(NOT_QUICK);
        learn_the_size(&handler);
        for coding in ["identity", "gzip"] {
            let bodies = ask(&handler, &[coding; 5]);
            assert!(
                bodies
                    .iter()
                    .all(|(first, _)| first.as_ptr() == bodies[0].0.as_ptr())
            );
            assert!(bodies.iter().all(|(_, length)| *length == bodies[0].1));
        }
    }

    #[test]
    fn a_runtime_that_has_ended_leaves_nobody_waiting() {
        let handler = handler(NOT_QUICK);
        learn_the_size(&handler);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let ended = runtime.handle().clone();
        drop(runtime);
        let _entered = ended.enter();
        let req = Request::get("/metrics").body(()).unwrap();
        let _unanswered = handler.respond(&req);
        assert!(lock(&handler.encodings.0).is_empty());
    }

    #[test]
    fn who_comes_when_the_last_has_been_answered_is_not_given_up() {
        let handler = handler(1);
        let req = Request::get("/metrics").body(()).unwrap();
        let add = || {
            let job = handler.begin(&req).unwrap();
            let (encodings, key) = (Arc::clone(&handler.encodings), EncodingKey::of(&job));
            let (answer, answered) = oneshot::channel();
            assert!(encodings.add(&key, Waiter { job, answer }));
            (Turn::new(encodings, key), answered)
        };
        let (mut first, _) = add();
        assert_eq!(first.next().map(|waiting| waiting.len()), Some(1));
        assert!(first.next().is_none());
        let (mut second, mut answered) = add();
        drop(first);
        assert_eq!(answered.try_recv().unwrap_err(), TryRecvError::Empty);
        assert_eq!(second.next().map(|waiting| waiting.len()), Some(1));
    }

    #[test]
    fn what_is_coded_otherwise_is_another_answer() {
        let handler = handler(NOT_QUICK);
        learn_the_size(&handler);
        let bodies = ask(&handler, &["identity", "gzip", "identity", "gzip"]);
        assert_eq!(bodies[0].0.as_ptr(), bodies[2].0.as_ptr());
        assert_eq!(bodies[1].0.as_ptr(), bodies[3].0.as_ptr());
        assert!(bodies[1].1 < bodies[0].1 / 4);
    }

    #[test]
    fn what_is_too_large_to_be_held_is_encoded_for_each_reader() {
        let handler = handler(60_000);
        learn_the_size(&handler);
        let bodies = ask(&handler, &["identity"; 3]);
        assert!(bodies[0].1 > SHARED_BYTES);
        assert!(bodies.iter().all(|(_, length)| *length == bodies[0].1));
        assert_ne!(bodies[0].0.as_ptr(), bodies[1].0.as_ptr());
    }
}
