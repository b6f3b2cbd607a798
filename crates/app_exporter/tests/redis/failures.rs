//! Servers that are not there, come back, or hang.

use std::fs;

use rustix::process::Signal;

use super::server::{say, socket_path};
use super::{Server, once, sample, socket, source};
use crate::program::{Running, get};
use crate::support::{Scratch, assert_lines, wait_until};

/// The exporter with a configuration.
fn exporter(scratch: &Scratch, config: &str) -> (Running, std::net::SocketAddr) {
    let file = scratch.write("config.yml", config);
    Running::listening(&["--config.file", &file.to_string_lossy()])
}

#[test]
fn redis_may_come_later_and_start_anew() {
    let scratch = Scratch::new("redis-restart");
    let path = socket_path(&scratch, "s");
    let sessions = [("sessions", "{command: [GET, app:sessions]}")];
    let config = format!("sources:\n{}", source("a", &socket(&path), &sessions));
    let (_exporter, address) = exporter(&scratch, &config);
    assert_eq!(
        sample(address, "app_exporter_source_up{source=\"a\"}"),
        Some(0.0)
    );
    for number in [45.0, 46.0, 47.0] {
        let Some(server) = Server::start(&scratch, "s", &[]) else {
            return;
        };
        let _: redis::Value = server.say(&format!("SET app:sessions {number}"));
        // The connection that it has is to a server that is gone; that costs no scrape.
        assert_eq!(sample(address, "a_sessions"), Some(number));
        assert_eq!(sample(address, "a_sessions"), Some(number));
        let clients: String = server.say("CLIENT LIST TYPE normal");
        let ours = clients
            .lines()
            .filter(|line| line.contains("name=app_exporter"))
            .count();
        assert_eq!(ours, 1, "{clients}");
        drop(server);
        // It is killed, so its socket stays.
        let _ = fs::remove_file(&path);
    }
    assert_eq!(sample(address, "a_sessions"), None);
    let errors = "app_exporter_source_errors_total{source=\"a\",reason=\"connect\"}";
    assert_eq!(sample(address, errors), Some(3.0));
}

#[test]
fn redis_that_keeps_one_question_waiting_answers_the_others() {
    let scratch = Scratch::new("redis-waits");
    let Some(_server) = Server::start(&scratch, "s", &[]) else {
        return;
    };
    let queries = [
        (
            "a",
            "{command: [XREAD, BLOCK, '0', STREAMS, none, '$'], as: pairs}",
        ),
        ("b", "{command: [DBSIZE]}"),
        ("c", "{count_keys: '*'}"),
    ];
    let source = source("s", &socket(&socket_path(&scratch, "s")), &queries);
    // Where the machine stands still for so long that the others were not answered, there is more time.
    let mut texts = [2, 4, 8, 16].into_iter().map(|seconds| {
        let timeout = format!("    timeout: {seconds}s\n    redis:");
        let source = source.replace("    redis:", &timeout);
        once(&scratch, &format!("sources:\n{source}"), &[])
    });
    let is_answered = |text: &String| text.contains("\ns_b ") && text.contains("\ns_c ");
    let text = texts.find(is_answered);
    let text = text.expect("time enough for two questions");
    let timeout = "app_exporter_source_errors_total{source=\"s\",reason=\"timeout\"} 1.0";
    assert_lines(&text, &["s_b 0.0", "s_c 0.0", timeout]);
}

#[test]
fn redis_that_hangs_costs_no_other_source_and_is_left_at_the_deadline() {
    let scratch = Scratch::new("redis-hangs");
    let (Some(hanging), Some(_well)) = (
        Server::start(&scratch, "h", &[]),
        Server::start(&scratch, "w", &[]),
    ) else {
        return;
    };
    // The one that hangs costs its time with each scrape.
    let of = |name: &str, timeout: &str| {
        let queries = [
            ("size", "{command: [DBSIZE]}"),
            ("keys", "{count_keys: '*'}"),
        ];
        let source = source(name, &socket(&socket_path(&scratch, name)), &queries);
        source.replace("    redis:", &format!("    timeout: {timeout}\n    redis:"))
    };
    let config = format!("sources:\n{}{}", of("h", "2s"), of("w", "60s"));
    let (_exporter, address) = exporter(&scratch, &config);
    wait_until("it is well", || sample(address, "h_size") == Some(0.0));
    hanging.running.signal(Signal::STOP);
    for _ in 0..2 {
        let (status, body) = get(address, "/metrics");
        assert_eq!(status, 200);
        assert!(body.contains("\nw_size 0.0\n"), "{body}");
        assert!(!body.contains("\nh_size "), "{body}");
        assert!(
            body.contains("\napp_exporter_source_up{source=\"h\"} 0.0\n"),
            "{body}"
        );
    }
    let timeouts = "app_exporter_source_errors_total{source=\"h\",reason=\"timeout\"}";
    assert!(sample(address, timeouts) >= Some(2.0));
    hanging.running.signal(Signal::CONT);
    for metric in ["h_size", "h_keys"] {
        wait_until("it is well again", || sample(address, metric) == Some(0.0));
    }
    // Connections that were given up are closed.
    let mut connection = hanging.connection();
    wait_until("one connection is left", || {
        let clients: String = say(&mut connection, "CLIENT LIST TYPE normal");
        let others = clients
            .lines()
            .filter(|line| !line.contains("cmd=client|list"))
            .count();
        others == 1
    });
}
