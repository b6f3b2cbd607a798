//! Whoever answers in the place of Redis.

use super::server::{Case, Step, check};
use Step::{Answer, Hang, Hear, Repeat, Say, Trickle};

#[test]
fn whatever_says_it_is_redis_costs_its_own_source() {
    let say = |text: &str| Say(text.as_bytes().to_vec());
    let repeat = |text: &str| Repeat(text.as_bytes().to_vec());
    let broken = "cannot connect";
    let long = "more than 1000000 bytes";
    let cases = [
        Case::new("silent", vec![Hang], "timeout", "no reply in time"),
        Case::new("closed", vec![Hear], "connect", broken),
        Case::new("cut", vec![Hear, say("$10\r\nabc")], "connect", broken),
        Case::new(
            "slow",
            vec![Hear, Trickle(b"+a".to_vec())],
            "timeout",
            "no reply in time",
        ),
        Case::new(
            "no_redis",
            vec![Hear, say("HTTP/1.1 400 Bad\r\n\r\n")],
            "connect",
            broken,
        ),
        Case::new("endless_line", vec![Hear, repeat("+a")], "limit", long),
        Case::new(
            "long_bulk",
            vec![Hear, say("$9223372036854775807\r\n"), repeat("a")],
            "limit",
            long,
        ),
        Case::new(
            "long_array",
            vec![Hear, say("*2147483647\r\n"), repeat("_\r\n")],
            "limit",
            long,
        ),
        Case::new(
            "long_map",
            vec![Hear, say("%4611686018427387904\r\n"), repeat(":1\r\n")],
            "limit",
            long,
        ),
        Case::new(
            "wide_map",
            vec![Hear, say("%9223372036854775807\r\n"), repeat(":1\r\n")],
            "limit",
            long,
        ),
        Case::new(
            "long_attribute",
            vec![Hear, say("|9223372036854775807\r\n"), repeat(":1\r\n")],
            "limit",
            long,
        ),
        Case::new(
            "endless_pushes",
            vec![Hear, repeat(">2\r\n+a\r\n+b\r\n")],
            "limit",
            long,
        ),
        Case::new("deep", vec![Hear, repeat("*1\r\n")], "connect", broken),
        Case::new(
            "wide_and_deep",
            vec![Hear, repeat("*4096\r\n")],
            "connect",
            broken,
        ),
        Case::new(
            "negative_map",
            vec![Hear, say("%-1\r\n")],
            "connect",
            broken,
        ),
        Case::new(
            "negative_text",
            vec![Hear, say("=-1\r\n"), repeat("a")],
            "limit",
            long,
        ),
        // It answers the login, and then says too much.
        Case::new(
            "later",
            vec![Answer(std::sync::Arc::new(|heard| match heard {
                heard if heard.windows(6).any(|it| it == b"DBSIZE") => {
                    [&b"*300000\r\n"[..], &b"_\r\n".repeat(300_000)].concat()
                }
                _ => b"-ERR unknown\r\n".to_vec(),
            }))],
            "limit",
            long,
        ),
    ];
    check("redis", &cases, |case, address| {
        format!(
            "redis: {{address: '{address}', queries: {{rows: {{command: [DBSIZE]}}}}}}\n    \
             metrics: [{{name: app_{}, help: A number., value: value}}]",
            case.name
        )
    });
}
