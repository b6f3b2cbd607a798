//! The slots of scrapes, and the bodies that wait for their readers.
//!
//! A slot belongs to the making of a body, not to its reader. A body in chunks is made while it is read, so its slot can
//! be taken away if its reader does not read. Peers share slots and memory: who holds the most is the first to lose.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use crate::scrape::fairness::{Holding, give_up};
use crate::scrape::peer::Peer;
use crate::scrape::pieces::Pieces;
use crate::scrape::unread::{Content, Unread};
use crate::sync::lock;

/// The number of scrapes from which on slow readers lose their slots, whatever the limit: each may hold a thread.
pub(crate) const CROWD: usize = 40;

/// The memory for bodies that wait for their readers, in bytes, for all of them together.
const UNREAD_BYTES: usize = 32 * 1024 * 1024;

/// The size of a body in chunks as it is counted, in bytes: the first chunk, those that wait, and those at both ends.
const CHUNKS_BYTES: usize = 512 * 1024;

/// The smallest size that is counted, in bytes. It bounds the number of bodies.
const SMALLEST: usize = 4 * 1024;

/// The time without a byte taken after which a scrape loses its slot to any other.
const STALLED: Duration = Duration::from_millis(500);

/// The time after which it loses its slot to a peer that has fewer.
const PAUSED: Duration = Duration::from_millis(50);

/// The slots of a handler. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots(Arc<Mutex<SlotTable>>);

#[derive(Debug, Default)]
struct SlotTable {
    /// The scrapes in progress, by id. Without a peer if the handler is mounted in another server.
    running: BTreeMap<u64, Option<Peer>>,
    /// The bodies that wait for their readers, by the id of their scrape.
    unread: BTreeMap<u64, WaitingBody>,
    /// The size of these bodies together, as it is counted.
    bytes: usize,
    next: u64,
}

#[derive(Debug)]
struct WaitingBody {
    peer: Option<Peer>,
    size: usize,
    content: Content,
}

/// A scrape in progress, until this is dropped.
#[derive(Debug)]
pub(crate) struct InFlight {
    slots: Slots,
    peer: Option<Peer>,
    id: u64,
}

impl Slots {
    /// Begins a scrape, unless the limit is reached; 0 means unlimited. One peer gets at most seven eighths of it.
    pub(crate) fn begin(&self, peer: Option<Peer>, limit: usize) -> Option<InFlight> {
        let mut table = lock(&self.0);
        let limit = if limit == 0 { usize::MAX } else { limit };
        let own = table.of(peer);
        let is_over_share = peer.is_some() && own >= limit - limit / 8;
        let mut withdrawn = None;
        if is_over_share || table.running.len() >= limit.min(CROWD) {
            withdrawn = table.take_slot(peer, own, is_over_share);
        }
        let is_refused = withdrawn.is_none() && (is_over_share || table.running.len() >= limit);
        let id = table.next;
        table.next += 1;
        if !is_refused {
            table.running.insert(id, peer);
        }
        drop(table);
        (!is_refused).then(|| InFlight {
            slots: self.clone(),
            peer,
            id,
        })
    }

    /// Removes a body that its reader has taken or dropped.
    pub(super) fn forget(&self, id: u64) {
        lock(&self.0).forget(id);
    }

    fn count(&self, id: u64, peer: Option<Peer>, pieces: Pieces) -> Unread {
        let size = match &pieces {
            Pieces::Whole(bytes) => bytes.len().max(SMALLEST),
            _ => CHUNKS_BYTES,
        };
        let content = Content::new(pieces);
        let body = WaitingBody {
            peer,
            size,
            content: content.clone(),
        };
        let mut table = lock(&self.0);
        let withdrawn = table.make_room(size);
        table.bytes += size;
        table.unread.insert(id, body);
        drop(table);
        // Dropping these wakes the threads that fill them.
        drop(withdrawn);
        Unread {
            content,
            slots: self.clone(),
            id,
        }
    }
}

impl SlotTable {
    /// The number of scrapes of a peer.
    fn of(&self, peer: Option<Peer>) -> usize {
        let peers = self.running.values();
        peers.filter(|other| **other == peer).count()
    }

    /// Ends the scrape of a reader that does not read, if there is one: that of the peer with the most scrapes, and of
    /// its scrapes the one that has waited longest.
    fn take_slot(&mut self, peer: Option<Peer>, own: usize, of_peer: bool) -> Option<Pieces> {
        let mut held: HashMap<Option<Peer>, usize> = HashMap::new();
        for peer in self.running.values() {
            *held.entry(*peer).or_default() += 1;
        }
        let now = Instant::now();
        let slow = self.unread.iter().filter_map(|(id, body)| {
            let is_candidate = self.running.contains_key(id) && (!of_peer || body.peer == peer);
            let since = is_candidate.then(|| body.content.ready_since()).flatten()?;
            let waited = now.duration_since(since);
            let holds = held.get(&body.peer).copied().unwrap_or_default();
            let is_slow = waited >= STALLED || (waited >= PAUSED && holds > own + 1);
            is_slow.then_some((holds, waited, Reverse(*id)))
        });
        let (.., Reverse(id)) = slow.max()?;
        self.running.remove(&id);
        self.withdraw(id)
    }

    /// Withdraws bodies until another one of `size` has room, and then some, so that this is seldom needed.
    fn make_room(&mut self, size: usize) -> Vec<Pieces> {
        if self.bytes + size <= UNREAD_BYTES {
            return Vec::new();
        }
        let excess = self.bytes + size - UNREAD_BYTES + UNREAD_BYTES / 4;
        // A reader that waits for its scrape is not slow.
        let waiting = self.unread.iter().filter_map(|(id, body)| {
            Some(Holding {
                id: *id,
                owner: body.peer,
                size: body.size,
                rank: body.content.ready_since()?,
            })
        });
        let ids = give_up(waiting, excess);
        ids.into_iter().filter_map(|id| self.withdraw(id)).collect()
    }

    fn withdraw(&mut self, id: u64) -> Option<Pieces> {
        self.forget(id).map(|body| body.content.withdraw())
    }

    fn forget(&mut self, id: u64) -> Option<WaitingBody> {
        let body = self.unread.remove(&id)?;
        self.bytes -= body.size;
        Some(body)
    }
}

impl InFlight {
    /// Counts the body of this scrape among those that wait for their readers. A scrape has one body.
    pub(crate) fn count(&self, pieces: Pieces) -> Unread {
        self.slots.count(self.id, self.peer, pieces)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        lock(&self.slots.0).running.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn peer(last: u8) -> Option<Peer> {
        Some(Peer::of(IpAddr::from([127, 0, 0, last])))
    }

    fn chunks(in_flight: &InFlight) -> Unread {
        let (_sender, pieces) = Pieces::chunks();
        in_flight.count(pieces)
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_leaves_an_eighth_to_others() {
        let slots = Slots::default();
        let held: Vec<_> = (0..16).map_while(|_| slots.begin(peer(1), 16)).collect();
        assert_eq!(held.len(), 14);
        let other: Vec<_> = (0..16).map_while(|_| slots.begin(peer(2), 16)).collect();
        assert_eq!(other.len(), 2);
        drop(held);
        assert!(slots.begin(peer(2), 16).is_some());
        // Who is unknown shares with all who are.
        let unknown: Vec<_> = (0..16).map_while(|_| slots.begin(None, 16)).collect();
        assert_eq!(unknown.len(), 14);
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_loses_its_slot_to_another_and_no_earlier() {
        let slots = Slots::default();
        let held: Vec<_> = (0..2).filter_map(|_| slots.begin(peer(1), 2)).collect();
        let bodies: Vec<_> = held.iter().map(chunks).collect();
        assert!(slots.begin(peer(1), 2).is_none());
        assert!(slots.begin(peer(2), 2).is_none());
        tokio::time::advance(PAUSED).await;
        assert!(slots.begin(peer(1), 2).is_none());
        // A peer that has none gets one of two.
        let other = slots.begin(peer(2), 2);
        assert!(other.is_some());
        assert!(slots.begin(peer(2), 2).is_none());
        tokio::time::advance(STALLED).await;
        assert!(slots.begin(peer(2), 2).is_some());
        drop(bodies);
        drop(held);
        assert_eq!(lock(&slots.0).running.len(), 1);
        drop(other);
        let table = lock(&slots.0);
        assert!(table.running.is_empty() && table.unread.is_empty() && table.bytes == 0);
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_that_nobody_reads_are_bounded_and_those_of_others_stay() {
        let slots = Slots::default();
        let body = |of: u8| {
            let in_flight = slots.begin(peer(of), 0).unwrap();
            in_flight.count(Pieces::Whole(vec![b'x'; 1024 * 1024].into()))
        };
        let is_kept = |body: &Unread| body.with(|pieces| matches!(pieces, Pieces::Whole(_)));
        let first = body(2);
        let many: Vec<_> = (0..200).map(|_| body(1)).collect();
        assert!(lock(&slots.0).bytes <= UNREAD_BYTES);
        assert!(is_kept(&first) && is_kept(&many[199]) && !is_kept(&many[0]));
        drop((first, many));
        assert_eq!(lock(&slots.0).bytes, 0);
    }
}
