//! Every kind of question, and what is not asked.

use super::server::{say, socket_path};
use super::{Server, once, socket, source};
use crate::program::{Running, get};
use crate::support::{Scratch, assert_lines};

#[test]
fn redis_answers_every_question() {
    let scratch = Scratch::new("redis-queries");
    let Some(server) = Server::start(&scratch, "s", &[]) else {
        return;
    };
    let mut connection = server.connection();
    let now = exporter_kit::Timestamp::now().seconds();
    for line in [
        "SET app:sessions 45",
        r#"SET status {"shops":[{"name":"a","open":true},{"name":"b","open":false}]}"#,
        "HSET logins ada 3 bob 4",
        "RPUSH queue 7 8",
        "ZADD ranks 1.5 ada 2 bob",
        "PFADD visitors a b c",
        "SADD carts x y",
        "SET sess:1 a",
        "SET sess:2 b",
        "HSET sess:3 a b",
        "SELECT 3",
        "SET sess:other a",
        "SELECT 0",
        &format!("ZADD online {now} ada {} bob {} eve", now - 100, now - 1000),
        &format!("ZADD online_ms {now}000 ada {}000 bob", now - 1000),
    ] {
        let _: redis::Value = say(&mut connection, line);
    }
    let path = socket_path(&scratch, "s");
    let one = source(
        "one",
        &socket(&path),
        &[
            ("sessions", "{command: [GET, app:sessions]}"),
            ("missing", "{command: [GET, no-such-key]}"),
            ("visitors", "{command: [PFCOUNT, visitors]}"),
            ("carts", "{command: [SCARD, carts]}"),
            ("size", "{command: [DBSIZE]}"),
            ("bytes", "{command: [MEMORY, USAGE, queue]}"),
            ("online", "{count_members: online, within: 5m}"),
            (
                "online_ms",
                "{count_members: online_ms, within: 5m, score: milliseconds}",
            ),
            ("nobody", "{count_members: nobody, within: 5m}"),
            ("keys", "{count_keys: 'sess:*'}"),
            ("hashes", "{count_keys: 'sess:*', type: hash}"),
            ("none", "{count_keys: 'nothing:*'}"),
        ],
    );
    let shaped = format!(
        "  shaped:\n    redis:\n      {}\n      queries:\n        \
           logins: {{command: [hgetall, logins]}}\n        \
           row: {{command: [HGETALL, logins], as: row}}\n        \
           pairs: {{command: [ZRANGE, ranks, '0', '-1', WITHSCORES], as: pairs}}\n        \
           list: {{command: [LRANGE, queue, '0', '-1']}}\n        \
           several: {{command: [MGET, app:sessions, no-such-key]}}\n        \
           shops: {{command: [GET, status], format: {{json: {{rows: '$.shops[*]'}}}}}}\n        \
           server: {{info: [clients, keyspace]}}\n    \
         metrics:\n      \
           - {{name: logins, help: L., from: logins, labels: {{user: key}}}}\n      \
           - {{name: ada_logins, help: L., from: row, value: ada}}\n      \
           - {{name: rank, help: L., from: pairs, labels: [key]}}\n      \
           - {{name: queue, help: L., from: list, labels: [index]}}\n      \
           - {{name: several, help: L., from: several, labels: [index]}}\n      \
           - {{name: open, help: L., from: shops, value: open, labels: [name]}}\n      \
           - {{name: clients, help: L., from: server, value: connected_clients}}\n      \
           - {{name: db3_keys, help: L., from: server, value: db3_keys}}\n",
        socket(&path)
    );
    let text = once(&scratch, &format!("sources:\n{one}{shaped}"), &[]);
    assert_lines(
        &text,
        &[
            "one_sessions 45.0",
            "one_visitors 3.0",
            "one_carts 2.0",
            "one_size 12.0",
            "one_online 2.0",
            "one_online_ms 1.0",
            "one_nobody 0.0",
            "one_keys 3.0",
            "one_hashes 1.0",
            "one_none 0.0",
            "logins{user=\"ada\"} 3.0",
            "ada_logins 3.0",
            "rank{key=\"ada\"} 1.5",
            "queue{index=\"1\"} 8.0",
            "several{index=\"0\"} 45.0",
            "open{name=\"a\"} 1.0",
            "open{name=\"b\"} 0.0",
            "db3_keys 1.0",
            "app_exporter_source_up{source=\"one\"} 1.0",
            "app_exporter_source_up{source=\"shaped\"} 1.0",
        ],
    );
    assert!(
        text.lines().any(|line| line.starts_with("one_bytes ")),
        "{text}"
    );
    assert!(
        !text.lines().any(|line| line.starts_with("one_missing ")),
        "{text}"
    );
    assert!(!text.contains("several{index=\"1\"}"), "{text}");

    let other = source(
        "other",
        &format!("database: 3\n      {}", socket(&path)),
        &[("keys", "{count_keys: '*'}")],
    );
    let text = once(&scratch, &format!("sources:\n{other}"), &[]);
    assert_lines(&text, &["other_keys 1.0"]);
}

#[test]
fn redis_is_only_read_and_one_question_that_fails_costs_only_itself() {
    let scratch = Scratch::new("redis-writes");
    let Some(server) = Server::start(&scratch, "s", &[]) else {
        return;
    };
    let mut connection = server.connection();
    let _: redis::Value = say(&mut connection, "SET app:sessions 45");
    let refused = [
        "[NO_SUCH_COMMAND]",
        "[LLEN, app:sessions]",
        "[SET, app:sessions, '1']",
        "[incr, app:sessions]",
        "[GETDEL, app:sessions]",
        "[GETEX, app:sessions, EX, '1']",
        "[EVAL, 'return redis.call(\"DEL\", KEYS[1])', '1', app:sessions]",
        "[EVAL_RO, 'return redis.call(\"DEL\", KEYS[1])', '1', app:sessions]",
        "[FLUSHALL]",
        "[CONFIG, SET, maxmemory, '1']",
        "[CONFIG, GET, requirepass]",
        "[CONFIG, GET, '*pass']",
        "[CONFIG, RESETSTAT]",
        "[CONFIG, REWRITE]",
        "[SLOWLOG, RESET]",
        "[LATENCY, RESET]",
        "[MEMORY, PURGE]",
        "[CLIENT]",
        "[CLIENT, KILL, TYPE, normal]",
        "[CLIENT, PAUSE, '1']",
        "[CLIENT, NO-EVICT, 'on']",
        "[ACL, SETUSER, eve]",
        "[PUBLISH, news, a]",
        "[PSUBSCRIBE, '*']",
        "[SSUBSCRIBE, news]",
        "[REPLICAOF, 'NO', ONE]",
        "[SCRIPT, FLUSH]",
        "[SUBSCRIBE, news]",
        "[MONITOR]",
        "[DEBUG, SLEEP, '60']",
        "[SHUTDOWN, NOSAVE]",
        "[GET]",
    ];
    let names: Vec<String> = (0..refused.len()).map(|at| format!("q{at}")).collect();
    let questions: Vec<String> = refused
        .iter()
        .map(|it| format!("{{command: {it}}}"))
        .collect();
    let mut queries: Vec<(&str, &str)> = names
        .iter()
        .map(String::as_str)
        .zip(questions.iter().map(String::as_str))
        .collect();
    queries.push(("sessions", "{command: [GET, app:sessions]}"));
    let config = source("a", &socket(&socket_path(&scratch, "s")), &queries);
    let text = once(&scratch, &format!("sources:\n{config}"), &[]);
    assert_lines(
        &text,
        &[
            "a_sessions 45.0",
            "app_exporter_source_up{source=\"a\"} 1.0",
            &format!(
                "app_exporter_source_errors_total{{source=\"a\",reason=\"query\"}} {}.0",
                refused.len()
            ),
        ],
    );
    assert_eq!(say::<String>(&mut connection, "GET app:sessions"), "45");
    assert_eq!(say::<i64>(&mut connection, "TTL app:sessions"), -1);
    assert!(text.contains("unknown command `no_such_command`"), "{text}");
    assert!(text.contains("WRONGTYPE"), "{text}");
}

#[test]
fn redis_replies_have_limits() {
    let scratch = Scratch::new("redis-limits");
    let Some(server) = Server::start(&scratch, "s", &[]) else {
        return;
    };
    let mut connection = server.connection();
    let _: redis::Value = say(&mut connection, &format!("SET long {}", "9".repeat(5000)));
    let _: redis::Value = say(&mut connection, "RPUSH many 1 2 3 4 5");
    let _: redis::Value = say(&mut connection, "SET few 1");
    let path = socket_path(&scratch, "s");
    let config = source(
        "a",
        &socket(&path),
        &[
            ("few", "{command: [GET, few]}"),
            ("long", "{command: [GET, long]}"),
            ("many", "{command: [LRANGE, many, '0', '-1']}"),
            ("more", "{command: [GET, few]}"),
        ],
    )
    .replace("  a:\n", "  a:\n    max_bytes: 4999\n    max_rows: 4\n");
    let text = once(&scratch, &format!("sources:\n{config}"), &[]);
    assert_lines(
        &text,
        &[
            "a_few 1.0",
            "a_more 1.0",
            "app_exporter_source_errors_total{source=\"a\",reason=\"limit\"} 2.0",
        ],
    );
    assert!(
        text.contains("the reply to `GET long`: more than 4999 bytes"),
        "{text}"
    );
    assert!(text.contains("more than 4 rows"), "{text}");
}

#[test]
fn redis_may_be_the_target_of_a_request() {
    let scratch = Scratch::new("redis-probe");
    let started = Server::listening(&scratch, |port, _| {
        ["--bind", "127.0.0.1", "--port", &port.to_string()]
            .map(str::to_owned)
            .to_vec()
    });
    let Some(server) = started else { return };
    let target = format!("127.0.0.1:{}", server.port());
    let config = source(
        "a",
        "address: ${target}",
        &[("size", "{command: [DBSIZE]}")],
    );
    let probe = format!("  a:\n    probe: {{targets: ['{target}']}}\n");
    let config = config.replace("  a:\n", &probe);
    let file = scratch.write("config.yml", &format!("sources:\n{config}"));
    let (_exporter, address) = Running::listening(&["--config.file", &file.to_string_lossy()]);
    let (status, body) = get(address, &format!("/probe?source=a&target={target}"));
    assert_eq!(status, 200, "{body}");
    assert_lines(&body, &["a_size 0.0"]);
    let (status, body) = get(address, "/probe?source=a&target=127.0.0.1:1");
    assert_eq!(status, 403, "{body}");
}
