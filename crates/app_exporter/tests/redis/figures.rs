//! Figures of the server, and sizes of keys, for users with few rights.

use super::server::{say, socket_path};
use super::{Server, once, socket};
use crate::support::{Scratch, assert_lines};

#[test]
fn redis_figures_are_rows_of_named_columns() {
    let scratch = Scratch::new("redis-figures");
    let Some(server) = Server::start(&scratch, "s", &["--requirepass", "hunter2"]) else {
        return;
    };
    let mut connection = server.connection();
    for line in [
        "AUTH hunter2",
        "CONFIG SET latency-monitor-threshold 1",
        "CONFIG SET masterauth hunter3",
        "CONFIG SET slowlog-log-slower-than -1",
        // It may read figures, but not ask about commands.
        "ACL SETUSER reader on >r3ader +client|list +config|get +latency|histogram +latency|history +memory|stats \
         +pubsub|numpat +pubsub|numsub +slowlog|len +slowlog|get",
        "SET a 1",
        "GET a",
        "GET a",
    ] {
        let _: redis::Value = say(&mut connection, line);
    }
    let _: redis::Value = redis::cmd("EVAL")
        .arg("local n = 0 for i = 1, 1e7 do n = n + i end")
        .arg(0)
        .query(&mut connection)
        .expect("a slow command");
    let login = |user: &str, password: &str| {
        let place = socket(&socket_path(&scratch, "s"));
        format!("{place}\n      user: {user}\n      password: {password}")
    };
    // Two sources of one server.
    let sources = [("by_reader", "reader", "r3ader"), ("by_default", "default", "hunter2")].map(
        |(name, user, password)| {
            format!(
                "  {name}:\n    redis:\n      {}\n      queries:\n        \
                   settings: {{command: [CONFIG, GET, max*, '*auth']}}\n        \
                   row: {{command: [config, get, maxclients], as: row}}\n        \
                   histogram: {{command: [LATENCY, HISTOGRAM, get]}}\n        \
                   history: {{command: [LATENCY, HISTORY, command]}}\n        \
                   memory: {{command: [MEMORY, STATS], as: row}}\n        \
                   patterns: {{command: [PUBSUB, NUMPAT]}}\n        \
                   channels: {{command: [PUBSUB, NUMSUB, news, other]}}\n        \
                   slow: {{command: [SLOWLOG, LEN]}}\n        \
                   none: {{command: [SLOWLOG, GET]}}\n        \
                   secret: {{command: [CONFIG, GET, requirepass]}}\n    \
                 metrics:\n      \
                   - {{name: {name}_setting, help: S., from: settings, labels: {{setting: key}}, map: {{noeviction: 0}}}}\n      \
                   - {{name: {name}_limit, help: S., from: row, value: maxclients}}\n      \
                   - {{name: {name}_get_seconds, help: S., type: histogram, from: histogram, bucket: le, value: count, labels: [command]}}\n      \
                   - {{name: {name}_history, help: S., from: history, duplicates: count}}\n      \
                   - {{name: {name}_keys, help: S., from: memory, value: keys.count}}\n      \
                   - {{name: {name}_patterns, help: S., from: patterns}}\n      \
                   - {{name: {name}_channel, help: S., from: channels, labels: {{channel: key}}}}\n      \
                   - {{name: {name}_slow, help: S., from: slow}}\n      \
                   - {{name: {name}_none, help: S., from: none, value: seconds, labels: [command, client, address]}}\n      \
                   - {{name: {name}_secret, help: S., from: secret}}\n",
                login(user, password)
            )
        },
    );
    let text = once(&scratch, &format!("sources:\n{}", sources.concat()), &[]);
    for name in ["by_reader", "by_default"] {
        for line in [
            "_setting{setting=\"maxclients\"} 10000.0",
            "_setting{setting=\"maxmemory-policy\"} 0.0",
            "_limit 10000.0",
            "_get_seconds_bucket{command=\"get\",le=\"+Inf\"} 2",
            "_get_seconds_count{command=\"get\"} 2",
            "_history 1.0",
            "_keys 1.0",
            "_patterns 0.0",
            "_channel{channel=\"other\"} 0.0",
            "_slow 0.0",
        ] {
            assert_lines(&text, &[&format!("{name}{line}")]);
        }
        assert_lines(
            &text,
            &[&format!(
                "app_exporter_source_errors_total{{source=\"{name}\",reason=\"query\"}} 1.0"
            )],
        );
    }
    assert!(
        text.contains("cannot read the setting `requirepass`"),
        "{text}"
    );
    for secret in ["hunter2", "hunter3"] {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(!text.contains("setting=\"masterauth\""), "{text}");
}

#[test]
fn redis_sizes_of_keys_need_no_script() {
    let scratch = Scratch::new("redis-sizes");
    let Some(server) = Server::start(&scratch, "s", &[]) else {
        return;
    };
    let mut connection = server.connection();
    for line in [
        "ACL SETUSER sizes on >s1zes ~k:* -@scripting +scan +type +strlen +hlen +llen +scard +zcard +xlen +memory|usage",
        "SET k:string hello",
        "HSET k:hash a 1 b 2",
        "RPUSH k:list 1 2 3",
        "SADD k:set 1 2 3 4",
        "ZADD k:zset 1 a",
        "XADD k:stream * a 1",
        "PFADD k:visitors a b",
        "SET other 1",
    ] {
        let _: redis::Value = say(&mut connection, line);
    }
    let place = format!(
        "{}\n      user: sizes\n      password: s1zes",
        socket(&socket_path(&scratch, "s"))
    );
    let config = |queries: &str, more: &str| {
        format!(
            "sources:\n  a:\n{more}    redis:\n      {place}\n      queries:\n{queries}    metrics:\n      \
               - {{name: a_size, help: S., from: all, value: size, labels: [key, type]}}\n      \
               - {{name: a_bytes, help: S., from: lists, value: bytes, labels: [key]}}\n"
        )
    };
    let queries = "        all: {key_sizes: 'k:*', batch: 1}\n        lists: {key_sizes: 'k:*', type: list}\n";
    let text = once(&scratch, &config(queries, ""), &[]);
    for (name, kind, size) in [
        ("string", "string", 5),
        ("hash", "hash", 2),
        ("list", "list", 3),
        ("set", "set", 4),
        ("zset", "zset", 1),
        ("stream", "stream", 1),
    ] {
        assert_lines(
            &text,
            &[&format!(
                "a_size{{key=\"k:{name}\",type=\"{kind}\"}} {size}.0"
            )],
        );
    }
    assert!(
        text.contains("a_size{key=\"k:visitors\",type=\"string\"} "),
        "{text}"
    );
    assert!(text.contains("a_bytes{key=\"k:list\"} "), "{text}");
    assert!(!text.contains("a_bytes{key=\"k:set\"}"), "{text}");
    assert!(!text.contains("key=\"other\""), "{text}");

    // Too many keys, and keys that the user may not read.
    let text = once(&scratch, &config(queries, "    max_rows: 3\n"), &[]);
    assert!(text.contains("more than 3 rows"), "{text}");
    let all = queries.replacen("k:*", "*", 1);
    let text = once(&scratch, &config(&all, ""), &[]);
    assert!(text.contains("`TYPE`: NOPERM"), "{text}");
    assert!(text.contains("a_bytes{key=\"k:list\"} "), "{text}");
    let _: redis::Value = redis::cmd("EVAL")
        .arg("for i = 1, 5000 do redis.call('SET', 'k:' .. i, i) end")
        .arg(0)
        .query(&mut connection)
        .expect("many keys");
    let queries = queries.replacen("batch: 1", "budget: 1ms", 1);
    let text = once(&scratch, &config(&queries, ""), &[]);
    assert!(text.contains("no sizes of the keys `k:*`: only "), "{text}");
}
