//! Password checks: run on separate threads, in turn by peer, cached, and shared by equal logins.
//!
//! Accepted logins are cached apart from rejected ones, so that a flood of wrong passwords never delays a known login. A
//! result belongs to the hash of the user, and outlasts a reload that leaves the hash as it is. The cache holds keyed
//! hashes; a password is dropped after its check.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use ring::hmac;
use tokio::sync::oneshot;

use super::queue::Queue;
use super::users::Check;
use super::verdicts::{Digest, Verdicts};
use crate::server::peer::Peer;

/// The password checks of a server. Clones share them.
#[derive(Clone)]
pub(super) struct Checks {
    key: hmac::Key,
    state: Arc<Mutex<ChecksState>>,
}

#[derive(Default)]
struct ChecksState {
    accepted: Verdicts,
    refused: Verdicts,
    queue: Queue,
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
        Self {
            key,
            state: Arc::default(),
        }
    }

    /// Checks the login of a peer's `Authorization` header. The `check` runs if its result is not cached.
    pub(super) fn ask(
        &self,
        authorization: &[u8],
        check: Check,
        peer: Peer,
        now: Instant,
    ) -> LoginResult {
        let digest = self.digest(&check, authorization);
        let mut state = self.lock();
        if state.accepted.has(&digest, now) {
            return LoginResult::Known(true);
        }
        if state.refused.has(&digest, now) {
            return LoginResult::Known(false);
        }
        if let Some(receiver) = state.queue.join(&digest) {
            return LoginResult::Pending(receiver);
        }
        let cost = check.cost();
        let Some(receiver) = state.queue.push(digest, check, peer) else {
            return LoginResult::Busy;
        };
        if state.queue.begin_work(cost) && !self.start_thread(cost) {
            state.queue.give_up(cost);
            return LoginResult::Busy;
        }
        LoginResult::Pending(receiver)
    }

    fn start_thread(&self, cost: u32) -> bool {
        let checks = self.clone();
        let started = thread::Builder::new()
            .name("exporter-login".to_owned())
            .spawn(move || checks.work(cost));
        started.is_ok()
    }

    /// Runs checks of a cost until none is waiting.
    fn work(&self, cost: u32) {
        let mut state = self.lock();
        while let Some((digest, check)) = state.queue.start_next(cost) {
            drop(state);
            let verdict = check.verify();
            drop(check);
            state = self.lock();
            state.finish(&digest, verdict, Instant::now());
        }
    }

    fn lock(&self) -> MutexGuard<'_, ChecksState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The identity of the hash has a fixed length and the header is the rest, so that different logins have different
    /// inputs.
    fn digest(&self, check: &Check, authorization: &[u8]) -> Digest {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&check.identity());
        context.update(authorization);
        let mut digest = Digest::default();
        for (to, from) in digest.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        digest
    }
}

impl ChecksState {
    fn finish(&mut self, digest: &Digest, verdict: bool, now: Instant) {
        let verdicts = match verdict {
            true => &mut self.accepted,
            false => &mut self.refused,
        };
        verdicts.remember(*digest, now);
        for sender in self.queue.finish(digest) {
            // A client that has gone needs no answer.
            let _ = sender.send(verdict);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::queue::WAITING_OF_PEER;
    use super::super::users::{Login, Users};
    use super::super::verdicts::IDLE;
    use super::*;
    use crate::toolkit::web_config::file::File;

    /// The password is `a`; the cost is high enough for others to come in between.
    const FILE: &str =
        "basic_auth_users: {u: $2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe}";
    const RIGHT: &[u8] = b"Basic dTph";
    /// `w:a`
    const OTHER: &[u8] = b"Basic dzph";

    fn checks() -> Checks {
        let random = ring::rand::SystemRandom::new();
        Checks::new(hmac::Key::generate(hmac::HMAC_SHA256, &random).unwrap())
    }

    fn users(text: &str) -> Users {
        let file = File::parse(text).ok().unwrap();
        let users = Users::build(file.basic_auth_users.as_ref(), &mut Vec::new());
        users.ok().unwrap()
    }

    fn ask(checks: &Checks, users: &Users, header: &[u8], now: Instant) -> LoginResult {
        let check = users.check(&Login::read(header).unwrap());
        checks.ask(header, check, Peer::Local, now)
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

    fn is_known(answer: &LoginResult, verdict: bool) -> bool {
        matches!(answer, LoginResult::Known(known) if *known == verdict)
    }

    #[test]
    fn a_verdict_is_remembered_until_nobody_asks_for_it() {
        let (checks, users, now) = (checks(), users(FILE), Instant::now());
        let first = ask(&checks, &users, RIGHT, now);
        assert!(matches!(first, LoginResult::Pending(_)));
        assert_eq!(wait(first), Some(true));
        assert!(is_known(&ask(&checks, &users, RIGHT, now), true));
        let later = now + IDLE - Duration::from_secs(1);
        assert!(is_known(&ask(&checks, &users, RIGHT, later), true));
        let much_later = later + IDLE;
        let answer = ask(&checks, &users, RIGHT, much_later);
        assert!(matches!(answer, LoginResult::Pending(_)));
    }

    #[test]
    fn a_flood_of_wrong_passwords_is_refused_and_forgets_no_right_one() {
        let (checks, users, now) = (checks(), users(FILE), Instant::now());
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
            assert!(is_known(&ask(&checks, &users, RIGHT, now), true));
        }
        assert!(busy > 0);
        assert!(checks.lock().queue.len() <= WAITING_OF_PEER + 1);
        for receiver in waiting {
            assert!(!receiver.blocking_recv().unwrap());
        }
        assert!(is_known(&ask(&checks, &users, RIGHT, now), true));
    }

    #[test]
    fn equal_logins_are_checked_once() {
        let (checks, users, now) = (checks(), users(FILE), Instant::now());
        let answers: Vec<LoginResult> =
            (0..100).map(|_| ask(&checks, &users, RIGHT, now)).collect();
        assert!(checks.lock().queue.len() <= 1);
        for answer in answers {
            assert_eq!(wait(answer), Some(true));
        }
    }

    #[test]
    fn a_check_that_nobody_waits_for_is_not_made() {
        let (checks, users, now) = (checks(), users(FILE), Instant::now());
        // There is a thread, but it is kept from work until all are there.
        assert!(checks.lock().queue.begin_work(6));
        for at in 0..WAITING_OF_PEER {
            drop(ask(&checks, &users, &wrong(at), now));
        }
        let right = ask(&checks, &users, RIGHT, now);
        checks.work(6);
        assert_eq!(wait(right), Some(true));
        assert!(checks.lock().refused.is_empty());
    }

    #[test]
    fn a_login_does_not_wait_for_expensive_ones() {
        let more = ", v: $2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe\
             , w: $2a$08$aTsUwsyowQuzRrDqFflhgekJ8d9/7Z3GV3UcgvzQW3J5zMyrTvlz.}";
        let users = users(&FILE.replace('}', more));
        let (checks, now) = (checks(), Instant::now());
        // There is a thread for them, but it never works.
        assert!(checks.lock().queue.begin_work(8));
        let expensive = ask(&checks, &users, OTHER, now);
        assert!(matches!(expensive, LoginResult::Pending(_)));
        assert_eq!(wait(ask(&checks, &users, RIGHT, now)), Some(true));
        // An unknown user costs the typical hash.
        let unknown = b"Basic eDph";
        assert_eq!(wait(ask(&checks, &users, unknown, now)), Some(false));
    }

    #[test]
    fn a_verdict_outlasts_a_reload_only_with_its_user_and_hash() {
        let now = Instant::now();
        let (checks, before) = (checks(), users(FILE));
        assert_eq!(wait(ask(&checks, &before, RIGHT, now)), Some(true));
        assert_eq!(wait(ask(&checks, &before, OTHER, now)), Some(false));
        assert_eq!(wait(ask(&checks, &before, &wrong(0), now)), Some(false));

        let more = FILE.replace(
            '}',
            ", w: $2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe}",
        );
        let added = users(&more);
        assert!(is_known(&ask(&checks, &added, RIGHT, now), true));
        assert!(is_known(&ask(&checks, &added, &wrong(0), now), false));
        // The user of this login was unknown before.
        let added = ask(&checks, &added, OTHER, now);
        assert!(matches!(added, LoginResult::Pending(_)));
        assert_eq!(wait(added), Some(true));

        let changed = users(&FILE.replace("VYVfxe", "VYVfxa"));
        let answer = ask(&checks, &changed, RIGHT, now);
        assert!(matches!(answer, LoginResult::Pending(_)));
        assert_eq!(wait(answer), Some(false));
        let removed = users("basic_auth_users: {}");
        assert_eq!(wait(ask(&checks, &removed, RIGHT, now)), Some(false));
        // And back again.
        assert!(is_known(&ask(&checks, &before, RIGHT, now), true));
    }

    #[test]
    fn no_login_is_another_one_written_differently() {
        let checks = checks();
        let users = users(FILE);
        let digest = |login: &[u8], header: &[u8]| {
            checks.digest(&users.check(&Login::read(login).unwrap()), header)
        };
        // The separators of the poisoned cache: a name and a password that look like those of somebody else.
        assert_ne!(digest(RIGHT, b"a:b"), digest(RIGHT, b"a:b "));
        assert_ne!(digest(RIGHT, b"ab"), digest(OTHER, b"ab"));
        let login = Login::read(RIGHT).unwrap();
        let mut joined = users.check(&login).identity().to_vec();
        joined.extend(b"x");
        assert_ne!(digest(OTHER, &joined), digest(RIGHT, b"x"));
    }
}
