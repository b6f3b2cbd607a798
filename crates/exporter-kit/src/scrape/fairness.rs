//! Fair sharing: who gives something up when there is not enough for all.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::Hash;

/// One thing that an owner holds.
pub(crate) struct Holding<K, R> {
    pub(crate) id: u64,
    pub(crate) owner: K,
    pub(crate) size: usize,
    /// Of one owner, the smallest rank is given up first.
    pub(crate) rank: R,
}

/// Selects holdings of at least `excess` in total, or all: one after the other, of the owner that then holds the most.
/// Among owners that hold as much, the smallest rank is first; among equal ranks of an owner, the smallest id.
pub(crate) fn give_up<K: Eq + Hash, R: Ord + Copy>(
    holdings: impl Iterator<Item = Holding<K, R>>,
    excess: usize,
) -> Vec<u64> {
    let mut owners: HashMap<K, (usize, Vec<_>)> = HashMap::new();
    for holding in holdings {
        let (total, held) = owners.entry(holding.owner).or_default();
        *total += holding.size;
        held.push((Reverse(holding.rank), Reverse(holding.id), holding.size));
    }
    let mut heap: BinaryHeap<_> = owners
        .into_values()
        .filter_map(|(total, mut held)| {
            held.sort_unstable();
            let (rank, ..) = *held.last()?;
            Some((total, rank, held))
        })
        .collect();
    let mut given = 0;
    let mut ids = Vec::new();
    while given < excess
        && let Some((total, _, mut held)) = heap.pop()
    {
        let Some((_, Reverse(id), size)) = held.pop() else {
            continue;
        };
        ids.push(id);
        given += size;
        if let Some((rank, ..)) = held.last() {
            heap.push((total.saturating_sub(size), *rank, held));
        }
    }
    ids
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Holdings by owner and size; the rank is the position.
    fn holdings(list: &[(u8, usize)]) -> impl Iterator<Item = Holding<u8, u64>> {
        let numbered = (0..).zip(list);
        numbered.map(|(id, (owner, size))| Holding {
            id,
            owner: *owner,
            size: *size,
            rank: id,
        })
    }

    #[test]
    fn who_holds_the_most_gives_up_its_first() {
        let list = [(1, 1), (2, 1), (2, 1), (2, 1), (1, 1)];
        assert_eq!(give_up(holdings(&list), 0), []);
        assert_eq!(give_up(holdings(&list), 1), [1]);
        assert_eq!(give_up(holdings(&list), 2), [1, 0]);
        assert_eq!(give_up(holdings(&list), 9).len(), 5);
    }

    proptest! {
        #[test]
        fn no_owner_gives_up_while_another_keeps_more(
            list in prop::collection::vec((0_u8..4, 1_usize..9), 0..30),
            excess in 0_usize..60,
        ) {
            let ids = give_up(holdings(&list), excess);
            let size = |id: &u64| list[*id as usize].1;
            let all: usize = list.iter().map(|(_, size)| size).sum();
            let given: usize = ids.iter().map(size).sum();
            prop_assert!(given >= excess.min(all));
            if let Some((last, before)) = ids.split_last() {
                prop_assert!(before.iter().map(size).sum::<usize>() < excess);
                let kept = |owner: u8| -> usize {
                    (0..).zip(&list)
                        .filter(|(id, (of, _))| *of == owner && !before.contains(id))
                        .map(|(_, (_, size))| size)
                        .sum()
                };
                let owner = list[*last as usize].0;
                prop_assert!((0..4).all(|other| kept(other) <= kept(owner)));
            }
        }
    }
}
