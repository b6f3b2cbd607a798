//! Counts that take several fetches.

use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use redis::Connection;

use super::server::{say, socket_path};
use super::{Server, sample, socket, source};
use crate::program::Running;
use crate::support::Scratch;

/// Keys of that prefix, from 0.
fn fill(connection: &mut Connection, prefix: &str, keys: usize) {
    for chunk in (0..keys).collect::<Vec<_>>().chunks(1000) {
        let mut pipe = redis::pipe();
        for key in chunk {
            pipe.cmd("SET")
                .arg(format!("{prefix}{key}"))
                .arg("x")
                .ignore();
        }
        pipe.exec(connection).expect("keys");
    }
}

/// The exporter, counting `sess:*` with so little time that no fetch gets far.
fn counting(scratch: &Scratch, query: &str) -> (Running, SocketAddr) {
    let source = source("a", &socket(&socket_path(scratch, "s")), &[("keys", query)]);
    let more = "      - {name: a_complete, help: A number., from: keys, value: complete}\n      \
                - {name: a_so_far, help: A number., from: keys, value: so_far}\n      \
                - {name: a_seconds, help: A number., from: keys, value: seconds}\n";
    let file = scratch.write("config.yml", &format!("sources:\n{source}{more}"));
    Running::listening(&["--config.file", &file.to_string_lossy()])
}

/// Scrapes until a count is complete, and how many scrapes that took.
fn count(address: SocketAddr) -> (f64, usize) {
    for scrapes in 1..10_000 {
        if sample(address, "a_complete") == Some(1.0) {
            // What was just complete is shown until the next one is.
            let number = sample(address, "a_keys").expect("a number");
            return (number, scrapes);
        }
    }
    panic!("it is never complete");
}

#[test]
fn redis_keys_counted_over_several_fetches_are_exact() {
    let scratch = Scratch::new("redis-count");
    let Some(server) = Server::start(&scratch, "s", &[]) else {
        return;
    };
    let mut connection = server.connection();
    fill(&mut connection, "sess:", 6_000);
    fill(&mut connection, "other:", 2_000);
    let (_exporter, address) = counting(&scratch, "{count_keys: 'sess:*', budget: 1ms, batch: 10}");
    // There is no number before the first is complete, and a scrape that says so.
    assert_eq!(sample(address, "a_keys"), None);
    let timeouts = "app_exporter_source_errors_total{source=\"a\",reason=\"timeout\"}";
    assert!(sample(address, timeouts) >= Some(1.0));
    let (keys, scrapes) = count(address);
    assert_eq!(keys, 6_000.0);
    assert!(scrapes > 1);
    // The next one goes on while the last number is shown.
    assert!(sample(address, "a_so_far").is_some());
    fill(&mut connection, "sess:new:", 500);
    // It may see new ones where it has not been yet.
    assert!((6_000.0..=6_500.0).contains(&count(address).0));
    assert_eq!(count(address).0, 6_500.0);
    assert!(sample(address, "a_seconds") > Some(0.0));
}

#[test]
fn redis_keys_that_come_and_go_hide_none_that_stays() {
    let scratch = Scratch::new("redis-coming");
    let Some(server) = Server::start(&scratch, "s", &[]) else {
        return;
    };
    fill(&mut server.connection(), "sess:", 6_000);
    let (_exporter, address) = counting(&scratch, "{count_keys: 'sess:*', budget: 1ms, batch: 10}");
    let (enough, guests) = (AtomicBool::new(false), 300);
    let found = std::thread::scope(|scope| {
        let mut connection = server.connection();
        let enough = &enough;
        let coming = scope.spawn(move || {
            while !enough.load(Ordering::Relaxed) {
                fill(&mut connection, "sess:guest:", guests);
                for guest in 0..guests {
                    let _: redis::Value = say(&mut connection, &format!("DEL sess:guest:{guest}"));
                }
            }
        });
        let found: Vec<f64> = (0..3).map(|_| count(address).0).collect();
        enough.store(true, Ordering::Relaxed);
        coming.join().expect("the other client");
        found
    });
    for keys in found {
        assert!((6_000.0..=6_300.0).contains(&keys), "{keys}");
    }
}

#[test]
fn redis_that_starts_anew_is_counted_anew() {
    let scratch = Scratch::new("redis-count-restart");
    let Some(server) = Server::start(&scratch, "s", &[]) else {
        return;
    };
    fill(&mut server.connection(), "sess:", 6_000);
    let (_exporter, address) = counting(&scratch, "{count_keys: 'sess:*', budget: 1ms, batch: 10}");
    assert_eq!(sample(address, "a_keys"), None);
    drop(server);
    fs::remove_file(socket_path(&scratch, "s")).expect("its socket");
    let Some(server) = Server::start(&scratch, "s", &[]) else {
        return;
    };
    fill(&mut server.connection(), "sess:", 3_000);
    assert_eq!(count(address).0, 3_000.0);
    // Losing the connection alone costs nothing of what is counted.
    let _ = sample(address, "a_keys");
    let _: i64 = server.say("CLIENT KILL TYPE normal SKIPME yes");
    assert_eq!(count(address).0, 3_000.0);
}
