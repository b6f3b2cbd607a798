//! A master, its replica, and a sentinel that makes one the other.

use super::server::{say, try_say};
use super::{Server, once, sample, source};
use crate::program::Running;
use crate::support::{Scratch, assert_lines, wait_until};

#[test]
fn redis_is_followed_through_a_failover() {
    let scratches =
        ["master", "replica", "sentinel"].map(|name| Scratch::new(&format!("redis-{name}")));
    let node = |scratch: &Scratch, more: &str| {
        let more: Vec<String> = more.split_whitespace().map(str::to_owned).collect();
        Server::listening(scratch, |port, _| {
            let port = ["--bind", "127.0.0.1", "--port", &port.to_string()].map(str::to_owned);
            [port.to_vec(), more.clone()].concat()
        })
    };
    let Some(master) = node(&scratches[0], "--requirepass hunter2 --masterauth hunter2") else {
        return;
    };
    let following = format!(
        "--requirepass hunter2 --masterauth hunter2 --replicaof 127.0.0.1 {} --repl-diskless-sync-delay 0",
        master.port()
    );
    let Some(replica) = node(&scratches[1], &following) else {
        return;
    };
    let mut on_replica = replica.connection();
    let _: redis::Value = say(&mut on_replica, "AUTH hunter2");
    wait_until("the replica follows", || {
        say::<String>(&mut on_replica, "INFO replication").contains("master_link_status:up")
    });
    let sentinel = Server::listening(&scratches[2], |port, _| {
        let config = format!(
            "port {port}\nbind 127.0.0.1\nrequirepass s3ntinel\nsentinel monitor shop 127.0.0.1 {} 1\nsentinel auth-pass shop \
             hunter2\n",
            master.port()
        );
        let file = scratches[2].write(&format!("sentinel-{port}.conf"), &config);
        vec![file.to_string_lossy().into_owned(), "--sentinel".to_owned()]
    })
    .expect("a sentinel");
    let mut on_sentinel = sentinel.connection();
    let _: redis::Value = say(&mut on_sentinel, "AUTH s3ntinel");
    wait_until("the sentinel knows the replica", || {
        let replicas: Vec<redis::Value> = say(&mut on_sentinel, "SENTINEL REPLICAS shop");
        replicas.len() == 1
    });

    let place = |master: &str, password: &str| {
        format!(
            "sentinel: {{addresses: ['127.0.0.1:1', '127.0.0.1:{}'], master: {master}, password: {password}}}\n      \
             password: hunter2",
            sentinel.port()
        )
    };
    let more = "      - {name: a_port, help: A number., from: server, value: tcp_port}\n";
    let watched = source("a", &place("shop", "s3ntinel"), &[]);
    let watched = watched.replace(
        "      queries:\n",
        "      queries:\n        server: {info: [server]}\n",
    );
    let config = format!("sources:\n{watched}{more}");
    let file = scratches[2].write("config.yml", &config);
    let (_exporter, address) = Running::listening(&["--config.file", &file.to_string_lossy()]);
    assert_eq!(sample(address, "a_port"), Some(f64::from(master.port())));

    wait_until("the sentinel has seen that the replica is good", || {
        try_say::<redis::Value>(&mut on_sentinel, "SENTINEL FAILOVER shop").is_ok()
    });
    wait_until("the replica is the master", || {
        let named: Vec<String> = say(&mut on_sentinel, "SENTINEL GET-MASTER-ADDR-BY-NAME shop");
        named.last() == Some(&replica.port().to_string())
    });
    assert_eq!(sample(address, "a_port"), Some(f64::from(replica.port())));

    // Without a sentinel the last master stands.
    drop(sentinel);
    assert_eq!(sample(address, "a_port"), Some(f64::from(replica.port())));
    drop(replica);
    assert_eq!(sample(address, "a_port"), None);
    assert_eq!(
        sample(address, "app_exporter_source_up{source=\"a\"}"),
        Some(0.0)
    );

    let unknown = once(
        &scratches[2],
        &config.replace("master: shop", "master: nobody"),
        &[],
    );
    assert_lines(
        &unknown,
        &["app_exporter_source_errors_total{source=\"a\",reason=\"connect\"} 1.0"],
    );
    assert!(
        !unknown.contains("s3ntinel") && !unknown.contains("hunter2"),
        "{unknown}"
    );
}
