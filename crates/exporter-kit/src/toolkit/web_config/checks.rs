//! Password checks: run on separate threads, few at a time, cached, and shared by equal logins.
//!
//! Accepted logins are cached apart from rejected ones, so that a flood of wrong passwords never delays a known login.
//! Expensive hashes have a thread and a queue of their own, so that no login waits for the hash of a costlier user.
//! The cache holds keyed hashes; a password is dropped after its check.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use ring::hmac;
use tokio::sync::oneshot;

use super::users::{Check, Lane};
use super::verdicts::{Digest, Verdicts};

/// The number of checks that may wait in each queue.
const WAITING: usize = 16;

/// The largest number of threads for typical hashes.
const MAX_THREADS: usize = 2;

/// The password checks of a server. Clones share them.
#[derive(Clone)]
pub(super) struct Checks {
    key: hmac::Key,
    /// The largest number of threads for typical hashes; expensive ones have one.
    threads: usize,
    state: Arc<Mutex<ChecksState>>,
}

#[derive(Default)]
struct ChecksState {
    accepted: Verdicts,
    refused: Verdicts,
    /// Of each lane, running checks first, then waiting checks in order.
    jobs: VecDeque<QueuedCheck>,
    /// The running threads of each lane.
    threads: [usize; 2],
}

struct QueuedCheck {
    digest: Digest,
    lane: Lane,
    /// Taken when the check starts.
    check: Option<Check>,
    asking: Vec<oneshot::Sender<bool>>,
}

/// The result of a login, as far as it is known.
pub(super) enum LoginResult {
    Known(bool),
    Pending(oneshot::Receiver<bool>),
    /// Too many other checks are waiting.
    Busy,
}

impl Checks {
    pub(super) fn new(key: hmac::Key) -> Self {
        // Leaves a processor to the scrapes, if there are several.
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Self {
            key,
            threads: (processors / 2).clamp(1, MAX_THREADS),
            state: Arc::default(),
        }
    }

    /// Checks the login of an `Authorization` header against the configuration of a `generation`. `check` is called if
    /// the result is not cached, and returns `None` if the header contains no login.
    pub(super) fn ask(
        &self,
        generation: u64,
        authorization: &[u8],
        now: Instant,
        check: impl FnOnce() -> Option<Check>,
    ) -> LoginResult {
        let digest = self.digest(generation, authorization);
        let mut state = self.lock();
        if state.accepted.has(&digest, now) {
            return LoginResult::Known(true);
        }
        if state.refused.has(&digest, now) {
            return LoginResult::Known(false);
        }
        let (sender, receiver) = oneshot::channel();
        if let Some(job) = state.jobs.iter_mut().find(|job| job.digest == digest) {
            job.asking.push(sender);
            return LoginResult::Pending(receiver);
        }
        let Some(check) = check() else {
            return LoginResult::Known(false);
        };
        let lane = check.lane();
        if state.is_full(lane) {
            // The clients of some checks may have gone.
            state.drop_unwanted();
            if state.is_full(lane) {
                return LoginResult::Busy;
            }
        }
        state.jobs.push_back(QueuedCheck {
            digest,
            lane,
            check: Some(check),
            asking: vec![sender],
        });
        let threads = state.threads[lane as usize];
        if threads < self.limit(lane) && !self.start_thread(lane, &mut state) && threads == 0 {
            state.jobs.pop_back();
            return LoginResult::Busy;
        }
        LoginResult::Pending(receiver)
    }

    /// Drops every result: those of the previous configuration are never used again.
    pub(super) fn forget(&self) {
        let mut state = self.lock();
        state.accepted = Verdicts::default();
        state.refused = Verdicts::default();
    }

    fn limit(&self, lane: Lane) -> usize {
        match lane {
            Lane::Typical => self.threads,
            Lane::Expensive => 1,
        }
    }

    fn start_thread(&self, lane: Lane, state: &mut ChecksState) -> bool {
        let checks = self.clone();
        let started = thread::Builder::new()
            .name("exporter-login".to_owned())
            .spawn(move || checks.work(lane));
        state.threads[lane as usize] += usize::from(started.is_ok());
        started.is_ok()
    }

    /// Runs checks of a lane until none is waiting.
    fn work(&self, lane: Lane) {
        let mut state = self.lock();
        loop {
            state.drop_unwanted();
            let mut jobs = state.jobs.iter_mut().filter(|job| job.lane == lane);
            let next = jobs.find_map(|job| Some((job.digest, job.check.take()?)));
            let Some((digest, check)) = next else {
                state.threads[lane as usize] -= 1;
                return;
            };
            drop(state);
            let verdict = check.users.verify(&check.login);
            drop(check);
            state = self.lock();
            state.finish(&digest, verdict, Instant::now());
        }
    }

    fn lock(&self) -> MutexGuard<'_, ChecksState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The generation has a fixed length and the header is the rest, so that different logins have different inputs.
    fn digest(&self, generation: u64, authorization: &[u8]) -> Digest {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&generation.to_le_bytes());
        context.update(authorization);
        let mut digest = Digest::default();
        for (to, from) in digest.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        digest
    }
}

impl QueuedCheck {
    fn is_wanted(&self) -> bool {
        self.asking.iter().any(|sender| !sender.is_closed())
    }
}

impl ChecksState {
    fn is_full(&self, lane: Lane) -> bool {
        let jobs = self.jobs.iter().filter(|job| job.lane == lane).count();
        jobs >= WAITING + self.threads[lane as usize]
    }

    /// Drops the waiting checks whose clients have gone.
    fn drop_unwanted(&mut self) {
        self.jobs
            .retain(|job| job.check.is_none() || job.is_wanted());
    }

    fn finish(&mut self, digest: &Digest, verdict: bool, now: Instant) {
        let Some(at) = self.jobs.iter().position(|job| job.digest == *digest) else {
            return;
        };
        let Some(job) = self.jobs.remove(at) else {
            return;
        };
        let verdicts = match verdict {
            true => &mut self.accepted,
            false => &mut self.refused,
        };
        verdicts.remember(*digest, now);
        for sender in job.asking {
            // A client that has gone needs no answer.
            let _ = sender.send(verdict);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use base64::Engine as _;

    use super::super::users::{Login, Users};
    use super::super::verdicts::IDLE;
    use super::*;
    use crate::toolkit::web_config::file::File;

    /// The password is `a`; the cost is high enough for others to come in between.
    const FILE: &str =
        "basic_auth_users: {u: $2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe}";
    const RIGHT: &[u8] = b"Basic dTph";

    fn checks() -> Checks {
        let random = ring::rand::SystemRandom::new();
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &random).unwrap();
        let mut checks = Checks::new(key);
        checks.threads = 1;
        checks
    }

    fn users() -> Arc<Users> {
        let file = File::parse(FILE).ok().unwrap();
        let users = Users::build(file.basic_auth_users.as_ref(), &mut Vec::new());
        Arc::new(users.ok().unwrap())
    }

    fn ask(checks: &Checks, users: &Arc<Users>, header: &[u8], now: Instant) -> LoginResult {
        checks.ask(0, header, now, || {
            let login = Login::read(header)?;
            Some(Check {
                users: Arc::clone(users),
                login,
            })
        })
    }

    fn wait(answer: LoginResult) -> Option<bool> {
        match answer {
            LoginResult::Known(verdict) => Some(verdict),
            LoginResult::Pending(receiver) => Some(receiver.blocking_recv().unwrap()),
            LoginResult::Busy => None,
        }
    }

    /// A login with another password each time.
    fn wrong(at: usize) -> Vec<u8> {
        format!("Basic dTpB{at:04}").into_bytes()
    }

    #[test]
    fn a_verdict_is_remembered_until_nobody_asks_for_it() {
        let (checks, users, now) = (checks(), users(), Instant::now());
        let first = ask(&checks, &users, RIGHT, now);
        assert!(matches!(first, LoginResult::Pending(_)));
        assert_eq!(wait(first), Some(true));
        assert!(matches!(
            ask(&checks, &users, RIGHT, now),
            LoginResult::Known(true)
        ));
        let later = now + IDLE - Duration::from_secs(1);
        assert!(matches!(
            ask(&checks, &users, RIGHT, later),
            LoginResult::Known(true)
        ));
        let much_later = later + IDLE;
        assert!(matches!(
            ask(&checks, &users, RIGHT, much_later),
            LoginResult::Pending(_)
        ));
    }

    #[test]
    fn a_flood_of_wrong_passwords_is_refused_and_forgets_no_right_one() {
        let (checks, users, now) = (checks(), users(), Instant::now());
        assert_eq!(wait(ask(&checks, &users, RIGHT, now)), Some(true));
        let mut waiting = Vec::new();
        let mut busy = 0;
        for at in 0..300 {
            match ask(&checks, &users, &wrong(at), now) {
                LoginResult::Pending(receiver) => waiting.push(receiver),
                LoginResult::Busy => busy += 1,
                LoginResult::Known(verdict) => assert!(!verdict),
            }
            // Whatever else is to do, who is known does not wait.
            assert!(matches!(
                ask(&checks, &users, RIGHT, now),
                LoginResult::Known(true)
            ));
        }
        assert!(busy > 0);
        assert!(checks.lock().jobs.len() <= WAITING + 1);
        for receiver in waiting {
            assert!(!receiver.blocking_recv().unwrap());
        }
        assert!(matches!(
            ask(&checks, &users, RIGHT, now),
            LoginResult::Known(true)
        ));
    }

    #[test]
    fn equal_logins_are_checked_once() {
        let (checks, users, now) = (checks(), users(), Instant::now());
        let answers: Vec<LoginResult> =
            (0..100).map(|_| ask(&checks, &users, RIGHT, now)).collect();
        assert!(checks.lock().jobs.len() <= 1);
        for answer in answers {
            assert_eq!(wait(answer), Some(true));
        }
    }

    #[test]
    fn a_check_that_nobody_waits_for_is_not_made() {
        let (checks, users, now) = (checks(), users(), Instant::now());
        // There is a thread, but it is kept from work until all are there.
        checks.lock().threads = [1; 2];
        for at in 0..WAITING {
            drop(ask(&checks, &users, &wrong(at), now));
        }
        checks.lock().threads = [0; 2];
        assert_eq!(wait(ask(&checks, &users, RIGHT, now)), Some(true));
        assert!(checks.lock().refused.is_empty());
    }

    #[test]
    fn a_login_does_not_wait_for_expensive_ones() {
        let text = FILE.replace(
            '}',
            ", w: $2a$08$aTsUwsyowQuzRrDqFflhgekJ8d9/7Z3GV3UcgvzQW3J5zMyrTvlz.}",
        );
        let file = File::parse(&text).ok().unwrap();
        let users = Users::build(file.basic_auth_users.as_ref(), &mut Vec::new());
        let users = Arc::new(users.ok().unwrap());
        let (checks, now) = (checks(), Instant::now());
        // There is a thread for them, but it never works.
        checks.lock().threads = [0, 1];
        let expensive = |at: usize| {
            let login = base64::engine::general_purpose::STANDARD.encode(format!("w:{at}"));
            format!("Basic {login}").into_bytes()
        };
        let waiting: Vec<LoginResult> = (0..=WAITING)
            .map(|at| ask(&checks, &users, &expensive(at), now))
            .collect();
        assert!(matches!(
            ask(&checks, &users, &expensive(100), now),
            LoginResult::Busy
        ));
        assert_eq!(wait(ask(&checks, &users, RIGHT, now)), Some(true));
        // An unknown user costs the typical hash.
        let unknown = b"Basic eDph";
        assert_eq!(wait(ask(&checks, &users, unknown, now)), Some(false));
        drop(waiting);
    }

    #[test]
    fn verdicts_are_forgotten_with_their_configuration() {
        let now = Instant::now();
        let (checks, users) = (checks(), users());
        assert_eq!(wait(ask(&checks, &users, RIGHT, now)), Some(true));
        checks.forget();
        assert!(matches!(
            ask(&checks, &users, RIGHT, now),
            LoginResult::Pending(_)
        ));
    }

    #[test]
    fn no_login_is_another_one_written_differently() {
        let checks = checks();
        // The separators of the poisoned cache: a name and a password that look like those of somebody else.
        assert_ne!(checks.digest(0, b"a:b"), checks.digest(0, b"a:b "));
        assert_ne!(checks.digest(0, b"ab"), checks.digest(1, b"ab"));
        let mut joined = 1_u64.to_le_bytes().to_vec();
        joined.extend(b"x");
        assert_ne!(checks.digest(0, &joined), checks.digest(1, b"x"));
    }
}
