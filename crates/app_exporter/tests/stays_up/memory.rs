//! What the program itself says of its memory.

use std::net::SocketAddr;

use crate::program::get;

/// Its resident bytes.
pub(crate) fn resident(address: SocketAddr) -> f64 {
    let (status, body) = get(address, "/metrics");
    assert_eq!(status, 200, "{body}");
    let line = body
        .lines()
        .find_map(|line| line.strip_prefix("process_resident_memory_bytes "));
    line.expect("the metric").parse().expect("a number")
}
