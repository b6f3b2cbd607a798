use super::stored_in_redis::{Store, run};
use crate::support::sample;

/// A server with a subscriber, two queues, and a slow command.
#[test]
fn redis_server() {
    let Some(store) = Store::start("redis-server") else {
        return;
    };
    let mut connection = store.connection();
    run(
        &mut connection,
        &[
            &["CLIENT", "SETNAME", "shop"],
            &["CONFIG", "SET", "latency-monitor-threshold", "1"],
            &["CONFIG", "SET", "slowlog-log-slower-than", "1000"],
            &["EVAL", "local n = 0 for i = 1, 1e7 do n = n + i end", "0"],
            &["RPUSH", "queue:default", "a", "b", "c"],
            &["RPUSH", "queue:mail", "a"],
            &["SET", "queue:size", "7"],
        ],
    );
    let mut second = store.connection();
    let mut subscriber = second.as_pubsub();
    subscriber.subscribe("news").expect("a subscription");
    let text = store.recipe().samples().join("\n");
    for (series, expected) in [
        ("app_active_sessions{app=\"redis\"}", 3.0),
        ("redis_clients{name=\"shop\",user=\"default\"}", 1.0),
        (
            "redis_clients{name=\"app_exporter\",user=\"exporter\"}",
            1.0,
        ),
        ("redis_clients_limit", 10_000.0),
        ("redis_slow_commands{command=\"EVAL\"}", 1.0),
        ("redis_channels", 1.0),
        ("redis_channel_subscribers{channel=\"news\"}", 1.0),
        ("redis_queue_length{queue=\"queue:default\"}", 3.0),
        ("redis_queue_length{queue=\"queue:mail\"}", 1.0),
    ] {
        assert_eq!(sample(&text, series), Some(expected), "{series} in\n{text}");
    }
    for (series, least, most) in [
        (
            "redis_client_idle_seconds{name=\"shop\",user=\"default\"}",
            0.0,
            60.0,
        ),
        ("redis_slow_command_seconds{command=\"EVAL\"}", 0.001, 60.0),
        ("redis_latency_seconds{event=\"command\"}", 0.001, 60.0),
        ("redis_queue_bytes{queue=\"queue:mail\"}", 20.0, 1000.0),
    ] {
        let found = sample(&text, series).expect(series);
        assert!((least..=most).contains(&found), "{series} {found}");
    }
    assert!(!text.contains("queue:size"), "{text}");
}
