//! Wrong passwords by the hundred while an honest client logs in for the first time.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::authority::Folder;
use crate::http::client::{Client, PATIENT, get, until};

/// `alice:alice-secret`
const ALICE: &str = "Authorization: Basic YWxpY2U6YWxpY2Utc2VjcmV0";

/// The clients of the flood, all at one address.
const CLIENTS: usize = 30;

#[test]
fn a_flood_of_wrong_passwords_refuses_no_honest_first_login() {
    let folder = Folder::new("first_login");
    let server = folder.serve("users_without_tls.good.yml");
    let address = server.local_addresses()[0];
    let (ended, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut client = Client::connect(address);
                while !ended.load(Ordering::Relaxed) {
                    // `alice:` and a password that is another one each time.
                    let at = asked.fetch_add(1, Ordering::Relaxed);
                    let wrong = format!("Authorization: Basic YWxpY2U6{at:08}");
                    let status = client.get("/metrics", &[&wrong, PATIENT]).status;
                    assert!(status == 401 || status == 503, "{status}");
                }
            });
        }
        until("all clients ask", || {
            asked.load(Ordering::Relaxed) > 2 * CLIENTS
        });
        let first = get(address, "/metrics", &[ALICE, PATIENT]).status;
        let again = get(address, "/metrics", &[ALICE, PATIENT]).status;
        ended.store(true, Ordering::Relaxed);
        assert_eq!((first, again), (200, 200));
    });
}
