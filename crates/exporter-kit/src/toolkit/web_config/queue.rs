//! The password checks that wait or run: bounded in number, and taken in turn by peer.
//!
//! Each cost of a hash has a queue of its own, so that a login never waits for the hash of a costlier user. Within a
//! queue, the peers take turns: a login waits for at most one check of each other peer, however many those have asked for.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

use super::users::Check;
use super::verdicts::Digest;
use crate::server::peer::Peer;

/// The largest number of checks that wait in the queue of a cost.
const WAITING: usize = 256;

/// The largest number of those that a single peer may have.
pub(super) const WAITING_OF_PEER: usize = 48;

/// The checks that wait or run.
#[derive(Default)]
pub(super) struct Queue {
    /// In the order of their arrival.
    jobs: Vec<Job>,
    /// By cost; there are at most 28.
    lanes: BTreeMap<u32, Lane>,
}

struct Job {
    digest: Digest,
    peer: Peer,
    cost: u32,
    /// The turn of the peer. A lower one is next.
    round: u64,
    /// Taken when the check starts.
    check: Option<Check>,
    asking: Vec<oneshot::Sender<bool>>,
}

#[derive(Default)]
struct Lane {
    /// True while a thread works on it.
    is_worked_on: bool,
    /// The turn of the check that started last.
    round: u64,
}

impl Queue {
    /// Adds a client that asks for the same check as another one, if there is one.
    pub(super) fn join(&mut self, digest: &Digest) -> Option<oneshot::Receiver<bool>> {
        let job = self.jobs.iter_mut().find(|job| job.digest == *digest)?;
        let (sender, receiver) = oneshot::channel();
        job.asking.push(sender);
        Some(receiver)
    }

    /// Adds a check; `None` if too many are waiting. In a full queue, the newest check of the peer with the most gives way.
    pub(super) fn push(
        &mut self,
        digest: Digest,
        check: Check,
        peer: Peer,
    ) -> Option<oneshot::Receiver<bool>> {
        let cost = check.cost();
        if self.is_full(cost, peer) {
            // The clients of some checks may have gone.
            self.drop_unwanted();
        }
        if self.is_full(cost, peer) && !self.make_room(cost, peer) {
            return None;
        }
        let now = self.lanes.get(&cost).map_or(0, |lane| lane.round);
        let last = self.waiting(cost).filter(|job| job.peer == peer);
        let next = last.map(|job| job.round + 1).max();
        let (sender, receiver) = oneshot::channel();
        self.jobs.push(Job {
            digest,
            peer,
            cost,
            round: next.unwrap_or(now).max(now),
            check: Some(check),
            asking: vec![sender],
        });
        Some(receiver)
    }

    /// Notes that a thread works on the checks of a cost; false if one does already.
    pub(super) fn begin_work(&mut self, cost: u32) -> bool {
        let lane = self.lanes.entry(cost).or_default();
        !std::mem::replace(&mut lane.is_worked_on, true)
    }

    /// Drops the checks of a cost, for which a thread could not be started.
    pub(super) fn give_up(&mut self, cost: u32) {
        self.lanes.remove(&cost);
        self.jobs.retain(|job| job.cost != cost);
    }

    /// Starts the next check of a cost. `None` ends the work of the thread.
    pub(super) fn start_next(&mut self, cost: u32) -> Option<(Digest, Check)> {
        self.drop_unwanted();
        let waiting = self.jobs.iter_mut();
        let next = waiting
            .filter(|job| job.cost == cost && job.check.is_some())
            .min_by_key(|job| job.round);
        let started = next.and_then(|job| Some((job.round, job.digest, job.check.take()?)));
        let Some((round, digest, check)) = started else {
            self.lanes.remove(&cost);
            return None;
        };
        if let Some(lane) = self.lanes.get_mut(&cost) {
            lane.round = round;
        }
        Some((digest, check))
    }

    /// Removes a check that has run, and returns the clients that wait for its result.
    pub(super) fn finish(&mut self, digest: &Digest) -> Vec<oneshot::Sender<bool>> {
        let at = self.jobs.iter().position(|job| job.digest == *digest);
        at.map_or_else(Vec::new, |at| self.jobs.remove(at).asking)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.jobs.len()
    }

    fn waiting(&self, cost: u32) -> impl Iterator<Item = &Job> {
        self.jobs
            .iter()
            .filter(move |job| job.cost == cost && job.check.is_some())
    }

    fn is_full(&self, cost: u32, peer: Peer) -> bool {
        self.waiting(cost).count() >= WAITING || self.share(cost, peer) >= WAITING_OF_PEER
    }

    /// The number of waiting checks of a peer.
    fn share(&self, cost: u32, peer: Peer) -> usize {
        self.waiting(cost).filter(|job| job.peer == peer).count()
    }

    /// Drops the newest check of the peer with the most, if that is more than this peer would have.
    fn make_room(&mut self, cost: u32, peer: Peer) -> bool {
        let mut shares: Vec<(Peer, usize)> = Vec::new();
        for job in self.waiting(cost) {
            match shares.iter_mut().find(|(of, _)| *of == job.peer) {
                Some((_, share)) => *share += 1,
                None => shares.push((job.peer, 1)),
            }
        }
        let own = self.share(cost, peer) + 1;
        let most = shares.into_iter().max_by_key(|(_, share)| *share);
        let Some((of, _)) = most.filter(|(of, share)| *of != peer && *share > own) else {
            return false;
        };
        let is_of = |job: &Job| job.cost == cost && job.peer == of && job.check.is_some();
        let newest = self.jobs.iter().rposition(is_of);
        newest.is_some_and(|at| {
            self.jobs.remove(at);
            true
        })
    }

    /// Drops the waiting checks whose clients have gone.
    fn drop_unwanted(&mut self) {
        self.jobs.retain(|job| {
            job.check.is_none() || job.asking.iter().any(|sender| !sender.is_closed())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::users::{Login, Users};
    use super::*;
    use crate::toolkit::web_config::file::File;

    const COST: u32 = 6;

    fn check(user: &str) -> Check {
        let text = "basic_auth_users: {u: $2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe, \
             v: $2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe, \
             w: $2a$08$aTsUwsyowQuzRrDqFflhgekJ8d9/7Z3GV3UcgvzQW3J5zMyrTvlz.}";
        let file = File::parse(text).ok().unwrap();
        let users = Users::build(file.basic_auth_users.as_ref(), &mut Vec::new());
        let login = match user {
            "u" => "Basic dTph",
            "w" => "Basic dzph",
            _ => "Basic eDph",
        };
        let login = Login::read(login.as_bytes()).unwrap();
        users.ok().unwrap().check(&login)
    }

    fn peer(at: u8) -> Peer {
        Peer::of([192, 0, 2, at].into())
    }

    fn digest(of: u8, at: usize) -> Digest {
        let mut digest = Digest::default();
        digest[0] = of;
        digest[1..9].copy_from_slice(&at.to_le_bytes());
        digest
    }

    /// A queue that a number of checks of each of some peers fills.
    fn flooded(peers: u8, each: usize) -> (Queue, Vec<oneshot::Receiver<bool>>) {
        let mut queue = Queue::default();
        assert!(queue.begin_work(COST));
        let mut asking = Vec::new();
        for at in 0..each {
            for of in 1..=peers {
                asking.extend(queue.push(digest(of, at), check("x"), peer(of)));
            }
        }
        (queue, asking)
    }

    #[test]
    fn a_login_waits_for_one_check_of_each_other_peer() {
        let (mut queue, _asking) = flooded(5, 40);
        // The flood has run for a while.
        for _ in 0..23 {
            let (started, _) = queue.start_next(COST).unwrap();
            queue.finish(&started);
        }
        let honest = digest(0, 0);
        let _answer = queue.push(honest, check("u"), peer(0)).unwrap();
        let before = (0..)
            .take_while(|_| queue.start_next(COST).unwrap().0 != honest)
            .count();
        assert!(before <= 5, "{before}");
    }

    #[test]
    fn a_full_queue_takes_a_login_of_another_peer_and_drops_one_of_the_flood() {
        let (mut queue, mut asking) = flooded(200, 3);
        assert_eq!((queue.len(), asking.len()), (WAITING, WAITING));
        let mut answer = queue.push(digest(0, 0), check("u"), peer(0)).unwrap();
        assert_eq!(queue.len(), WAITING);
        let mut gone = 0;
        for receiver in &mut asking {
            gone += usize::from(receiver.try_recv() == Err(oneshot::error::TryRecvError::Closed));
        }
        assert_eq!(gone, 1);
        // The flood can't take the place back.
        for of in 1..=200 {
            let more = queue.push(digest(of, 100), check("x"), peer(of));
            assert!(more.is_none() || of > 56, "{of}");
        }
        assert_eq!(answer.try_recv(), Err(oneshot::error::TryRecvError::Empty));
    }

    #[test]
    fn a_peer_has_its_share_and_no_more() {
        let (mut queue, asking) = flooded(1, 100);
        assert_eq!(asking.len(), WAITING_OF_PEER);
        drop(asking);
        // Its clients have gone, so their places are free.
        assert!(queue.push(digest(1, 0), check("u"), peer(1)).is_some());
        assert_eq!(queue.len(), 1);
    }

    #[test]
    fn checks_of_another_cost_have_a_queue_of_their_own() {
        let (mut queue, _asking) = flooded(6, 48);
        assert_eq!(queue.len(), WAITING);
        let _answer = queue.push(digest(1, 1000), check("w"), peer(1)).unwrap();
        assert!(queue.begin_work(8));
        assert!(!queue.begin_work(8));
        assert_eq!(queue.start_next(8).unwrap().0, digest(1, 1000));
        // The thread ends once nothing is left, and another one can begin.
        assert!(queue.start_next(8).is_none());
        assert!(queue.begin_work(8));
    }

    #[test]
    fn without_a_thread_nothing_waits() {
        let (mut queue, mut asking) = flooded(1, 2);
        queue.give_up(COST);
        assert_eq!(queue.len(), 0);
        assert!(asking.iter_mut().all(|it| it.try_recv().is_err()));
        assert!(queue.begin_work(COST));
    }
}
