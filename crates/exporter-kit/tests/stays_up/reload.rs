//! A configuration that changes while everybody asks.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::http::client::until;
use crate::web_config::authority::{Folder, fixture};
use crate::web_config::client::Speaks;

const ALICE: &str = "Authorization: Basic YWxpY2U6YWxpY2Utc2VjcmV0";

/// Every request is answered with 200, before, during and after each of the changes, which all take effect.
#[test]
fn reload_under_load_fails_no_request() {
    let folder = Folder::new("load");
    let server = folder.serve("users.good.yml");
    let address = server.local_addresses()[0];
    let done = AtomicBool::new(false);
    let answered = AtomicUsize::new(0);
    let ask = || {
        let answer = Speaks::default().get(&folder, address, &[ALICE]).unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text);
        answered.fetch_add(1, Ordering::Relaxed);
        answer.text
    };
    thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    ask();
                }
            });
        }
        let with_headers = fixture("users.good.yml") + &fixture("headers.good.yml");
        for _ in 0..2 {
            folder.write("web.yml", &with_headers);
            until("the headers are there", || {
                ask().contains("x-frame-options: deny")
            });
            folder.write("web.yml", &fixture("users.good.yml"));
            until("the headers are gone", || {
                !ask().contains("x-frame-options: deny")
            });
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(answered.load(Ordering::Relaxed) > 20);
}
