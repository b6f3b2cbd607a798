//! Counts keys by pattern: page by page, within a budget of time, and continued in the next fetch.
//!
//! The number has the guarantees of `SCAN`. Keys that exist throughout are counted; keys that are added or removed
//! meanwhile may be; some are counted twice if Redis shrinks its table meanwhile.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use exporter_kit::Number;
use exporter_kit::source::SourceErrorReason as Reason;
use tokio::time::Instant;

use crate::decode::{Cell, Failure, Table};
use crate::sources::endpoint::Endpoint;
use crate::sources::redis::address::ServerAddress;
use crate::sources::redis::link::CommandFailure;
use crate::sources::redis::nodes::Session;
use crate::sources::redis::query::RedisQuery;
use crate::sources::redis::scan::{Scan, page};

/// A count of keys, and its progress.
pub(super) struct Count {
    scan: Scan,
    state: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    /// The last complete count.
    last: Option<Complete>,
    running: Option<Running>,
}

/// A complete count.
#[derive(Clone, Copy)]
struct Complete {
    keys: u64,
    at: Instant,
    took: Duration,
}

/// An unfinished count.
#[derive(Default)]
struct Running {
    keys: u64,
    took: Duration,
    /// The finished servers.
    done: Vec<Endpoint>,
    /// The server in progress.
    at: Option<Position>,
}

/// The position on a server.
struct Position {
    endpoint: Endpoint,
    /// The server process of the cursor.
    identity: String,
    cursor: u64,
}

impl Count {
    pub(super) fn new(pattern: &str, config: &RedisQuery) -> Self {
        Self {
            scan: Scan::new(pattern, config),
            state: Mutex::default(),
        }
    }

    /// The name for messages.
    pub(super) fn shown(&self) -> String {
        format!("SCAN … MATCH {}", self.scan.pattern())
    }

    /// Continues the count, or starts one, within its budget but no longer than `longest`.
    ///
    /// # Errors
    /// When a server fails, or no count is complete yet.
    pub(super) async fn go_on(
        &self,
        session: &mut Session<'_>,
        longest: Duration,
    ) -> Result<Table, Failure> {
        let until = self.scan.until(longest);
        let masters = session.masters().await?;
        self.forget_what_is_gone(&masters);
        let mut complete = true;
        for master in &masters {
            if self.is_done(master) {
                continue;
            }
            match self.scan(session, master, until).await {
                Ok(done) => complete &= done,
                Err(trouble) => return Err(trouble.failure(master, &self.shown())),
            }
            if !complete {
                break;
            }
        }
        self.finish(complete)
    }

    /// Keeps the servers with which the count began, as a new one may have keys that are counted already.
    fn forget_what_is_gone(&self, masters: &[ServerAddress]) {
        self.update(|state| {
            let is_there = |endpoint: &Endpoint| masters.iter().any(|it| it.endpoint == *endpoint);
            let running = state.running.get_or_insert_default();
            let at = running.at.iter().map(|at| &at.endpoint);
            if !running.done.iter().chain(at).all(is_there) {
                *running = Running::default();
            }
        });
    }

    fn is_done(&self, master: &ServerAddress) -> bool {
        self.update(|state| {
            state
                .running
                .as_ref()
                .is_some_and(|it| it.done.contains(&master.endpoint))
        })
    }

    /// Counts the keys of one server. Returns `false` if the time was too short for all.
    async fn scan(
        &self,
        session: &mut Session<'_>,
        master: &ServerAddress,
        until: Instant,
    ) -> Result<bool, CommandFailure> {
        let mut identity = session.identity(master).await?;
        loop {
            let cursor = self.resume(master, &identity);
            let cmd = self.scan.command(cursor);
            let began = Instant::now();
            let reply = match session.ask(master, &cmd, Some(&identity)).await {
                // A cursor is valid for one process only.
                Err(CommandFailure::Changed) => {
                    identity = session.identity(master).await?;
                    continue;
                }
                reply => reply?,
            };
            let (next, keys) = page(&reply)
                .map(|(next, keys)| (next, keys.len() as u64))
                .ok_or_else(|| {
                    CommandFailure::Down(Failure::decode(format!(
                        "`{master}`: invalid reply to `SCAN`"
                    )))
                })?;
            self.update(|state| {
                let running = state.running.get_or_insert_default();
                running.keys += keys;
                running.took += began.elapsed();
                running.at = (next != 0).then(|| Position {
                    endpoint: master.endpoint.clone(),
                    identity: identity.clone(),
                    cursor: next,
                });
                if next == 0 {
                    running.done.push(master.endpoint.clone());
                }
            });
            if next == 0 {
                return Ok(true);
            }
            if Instant::now() >= until {
                return Ok(false);
            }
        }
    }

    /// The cursor to continue from. The count starts again if the cursor is not valid any more.
    fn resume(&self, master: &ServerAddress, identity: &str) -> u64 {
        self.update(|state| {
            let running = state.running.get_or_insert_default();
            match &running.at {
                None => 0,
                Some(at) if at.endpoint == master.endpoint && at.identity == identity => at.cursor,
                Some(_) => {
                    *running = Running::default();
                    0
                }
            }
        })
    }

    fn finish(&self, complete: bool) -> Result<Table, Failure> {
        self.update(|state| {
            if complete && let Some(done) = state.running.take() {
                state.last = Some(Complete {
                    keys: done.keys,
                    at: Instant::now(),
                    took: done.took,
                });
            }
            let so_far = state.running.as_ref().map_or(0, |running| running.keys);
            let Some(last) = state.last else {
                return Err(Failure::new(
                    Reason::Timeout,
                    format!(
                        "no count of the keys `{}` yet: {so_far} are counted, and the next fetch continues; raise \
                         `budget` (and `timeout`) to be done in one",
                        self.scan.pattern()
                    ),
                ));
            };
            let seconds = |time: Duration| Cell::Number(Number::F64(time.as_secs_f64()));
            Ok(Table::of_one_row([
                ("value", Cell::Number(Number::U64(last.keys))),
                ("complete", Cell::Bool(complete)),
                ("age", seconds(last.at.elapsed())),
                ("seconds", seconds(last.took)),
                ("so_far", Cell::Number(Number::U64(so_far))),
            ]))
        })
    }

    fn update<T>(&self, update: impl FnOnce(&mut Progress) -> T) -> T {
        update(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Count {
    /// Without the servers, whose addresses may come from variables.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Count").field(&self.scan.pattern()).finish()
    }
}
