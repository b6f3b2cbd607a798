//! Three nodes with a third of the keys each.

use super::server::say;
use super::{Server, once, source};
use crate::support::{Scratch, assert_lines, wait_until};

/// A cluster, each node in a folder of its own. None if the server is missing.
fn cluster(scratches: &[Scratch]) -> Option<Vec<Server>> {
    let mut nodes = Vec::new();
    for scratch in scratches {
        let node = Server::listening(scratch, |port, bus| {
            let port = port.to_string();
            let bus = bus.to_string();
            [
                "--bind",
                "127.0.0.1",
                "--port",
                &port,
                "--cluster-port",
                &bus,
                "--cluster-enabled",
                "yes",
                "--cluster-config-file",
                &format!("nodes-{port}.conf"),
                "--cluster-require-full-coverage",
                "no",
            ]
            .map(str::to_owned)
            .to_vec()
        })?;
        nodes.push(node);
    }
    let bus = |node: &Server| {
        let nodes: String = node.say("CLUSTER NODES");
        let (_, rest) = nodes.split_once('@').expect("its port for nodes");
        rest.split([',', ' ']).next().expect("a port").to_owned()
    };
    let shares = [(0, 5460), (5461, 10922), (10923, 16383)];
    for (at, (node, (from, to))) in nodes.iter().zip(shares).enumerate() {
        let _: redis::Value = node.say(&format!("CLUSTER ADDSLOTSRANGE {from} {to}"));
        let _: redis::Value = node.say(&format!("CLUSTER SET-CONFIG-EPOCH {}", at + 1));
    }
    // Only now: one that has met another takes no epoch any more.
    for node in &nodes {
        for other in &nodes {
            let _: redis::Value = node.say(&format!(
                "CLUSTER MEET 127.0.0.1 {} {}",
                other.port(),
                bus(other)
            ));
        }
    }
    for node in &nodes {
        let mut connection = node.connection();
        wait_until("the nodes know each other", || {
            let info: String = say(&mut connection, "CLUSTER INFO");
            [
                "cluster_state:ok",
                "cluster_known_nodes:3",
                "cluster_slots_assigned:16384",
            ]
            .iter()
            .all(|line| info.contains(line))
        });
    }
    Some(nodes)
}

#[test]
fn redis_cluster_is_asked_as_one() {
    let scratches = ["a", "b", "c"].map(|name| Scratch::new(&format!("redis-cluster-{name}")));
    let Some(mut nodes) = cluster(&scratches) else {
        return;
    };
    // Each node takes the keys of its slots and says of others where they belong.
    let mut connections: Vec<_> = nodes.iter().map(Server::connection).collect();
    let mut put = |words: &[&str]| {
        let mut cmd = redis::Cmd::new();
        cmd.arg(words);
        let taken = connections
            .iter_mut()
            .map(|connection| cmd.exec(connection).is_ok());
        assert_eq!(taken.filter(|taken| *taken).count(), 1, "{words:?}");
    };
    for key in 0..600 {
        put(&["SET", &format!("sess:{key}"), "x"]);
    }
    for key in ["one", "two", "three", "four", "five"] {
        put(&["SET", key, "7"]);
    }
    put(&["ZADD", "online", "99999999999", "ada"]);
    let seeds = format!("cluster: ['127.0.0.1:1', '127.0.0.1:{}']", nodes[1].port());
    let queries = [
        ("keys", "{count_keys: 'sess:*', batch: 10}"),
        ("one", "{command: [GET, one]}"),
        ("two", "{command: [GET, two]}"),
        ("three", "{command: [GET, three]}"),
        ("four", "{command: [GET, four]}"),
        ("five", "{command: [GET, five]}"),
        ("online", "{count_members: online, within: 5m}"),
    ];
    let more = "      - {name: size, help: A number., from: size, duplicates: sum}\n      \
                - {name: node_size, help: A number., from: size, labels: [node]}\n      \
                - {name: clients, help: A number., from: info, value: connected_clients, labels: [node]}\n";
    let config = format!("sources:\n{}{more}", source("a", &seeds, &queries)).replace(
        "      queries:\n",
        "      queries:\n        size: {command: [DBSIZE]}\n        info: {info: [clients]}\n",
    );
    let text = once(&scratches[0], &config, &[]);
    assert_lines(
        &text,
        &[
            "a_keys 600.0",
            "a_one 7.0",
            "a_two 7.0",
            "a_three 7.0",
            "a_four 7.0",
            "a_five 7.0",
            "a_online 1.0",
            "size 606.0",
        ],
    );
    for node in &nodes {
        let of_node = format!("node_size{{node=\"127.0.0.1:{}\"}}", node.port());
        assert!(text.contains(&of_node), "{of_node}: {text}");
    }
    assert_eq!(text.matches("\nclients{node=").count(), 3, "{text}");

    let lost = |text: &str| {
        assert_lines(text, &["app_exporter_source_up{source=\"a\"} 1.0"]);
        for lost in ["a_keys ", "size "] {
            let shown = text.lines().any(|line| line.starts_with(lost));
            assert!(!shown, "{lost}: {text}");
        }
        let mut kept = text
            .lines()
            .filter(|line| line.ends_with(" 7.0") && line.starts_with("a_"));
        assert!(kept.next().is_some(), "{text}");
        assert!(kept.count() < 4, "{text}");
    };
    // One that hangs costs its keys and some time, and the others nothing.
    nodes[0].running.signal(rustix::process::Signal::STOP);
    lost(&once(&scratches[0], &config, &[]));
    nodes[0].running.signal(rustix::process::Signal::CONT);

    // A number of two nodes of three would be wrong, so there is none; keys that are elsewhere are still had.
    drop(nodes.remove(0));
    lost(&once(&scratches[0], &config, &[]));

    // A node alone says where to look.
    let alone = source(
        "b",
        &format!("address: 127.0.0.1:{}", nodes[0].port()),
        &queries[1..6],
    );
    let text = once(&scratches[0], &format!("sources:\n{alone}"), &[]);
    assert!(
        text.contains("write `cluster` instead of `address`"),
        "{text}"
    );
}
