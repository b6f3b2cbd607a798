//! Memory of the program by its own metrics, and its growth.

use std::net::SocketAddr;

use crate::program::get;
use crate::support::sample;

/// Its resident bytes.
pub(crate) fn resident(address: SocketAddr) -> f64 {
    let (status, body) = get(address, "/metrics");
    assert_eq!(status, 200, "{body}");
    sample(&body, "process_resident_memory_bytes").expect("the metric")
}

/// Growth of a round that is not a leak, in bytes: the allocator takes 128 KiB at once, and finds out in the first rounds
/// what it needs.
pub(crate) const NO_LEAK: f64 = 256.0 * 1024.0;

/// Growth of the program's memory in a typical round of `work`, in bytes, once it has done `settling` rounds.
///
/// A leak grows in every round. What an allocator takes from the system it takes rarely and much at once: a pool for a thread
/// that never needed one before is megabytes, comes when chance has it, and would be taken for a leak if one end were compared
/// with the other. So of all the rounds it is the median.
pub(crate) fn growth_of_a_round(
    address: SocketAddr,
    settling: usize,
    rounds: usize,
    mut work: impl FnMut(),
) -> f64 {
    for _ in 0..settling {
        work();
    }
    let mut before = resident(address);
    let mut growths: Vec<_> = (0..rounds)
        .map(|_| {
            work();
            let after = resident(address);
            after - std::mem::replace(&mut before, after)
        })
        .collect();
    growths.sort_by(f64::total_cmp);
    growths[rounds / 2]
}
