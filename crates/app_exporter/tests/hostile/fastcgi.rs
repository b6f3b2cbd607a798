//! Whoever answers in the place of PHP-FPM.

use super::server::{Case, Step, check};
use Step::{Hang, Hear, Repeat, Say, Trickle};

/// A record with padding.
fn record(kind: u8, content: &[u8], padding: u8) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len())
        .expect("a short one")
        .to_be_bytes();
    let head = [1, kind, 0, 1, high, low, padding, 0];
    [&head[..], content, &vec![0; padding.into()]].concat()
}

#[test]
fn whatever_says_it_is_fastcgi_costs_its_own_source() {
    let long = "more than 1000000 bytes";
    let out = |content: &[u8]| record(6, content, 0);
    let head = out(b"Content-Type: text/plain\n\n");
    let end = record(3, &[0; 8], 0);
    let cases = [
        Case::new("silent", vec![Hang], "timeout", "timeout"),
        Case::new(
            "slow",
            vec![Hear, Trickle(out(&[b'a'; 60_000]))],
            "timeout",
            "timeout",
        ),
        Case::new("closed", vec![Hear], "connect", "the connection ended"),
        Case::new(
            "cut",
            vec![Hear, Say(head[..20].to_vec())],
            "connect",
            "the connection ended",
        ),
        Case::new(
            "no_fastcgi",
            vec![Hear, Say(b"HTTP/1.1 400 Bad\r\n\r\n".to_vec())],
            "connect",
            "begins with the byte",
        ),
        Case::new(
            "endless",
            vec![Hear, Say(head.clone()), Repeat(out(&[b'7'; 60_000]))],
            "limit",
            long,
        ),
        Case::new(
            "endless_errors",
            vec![Hear, Repeat(record(7, &[b'a'; 60_000], 255))],
            "limit",
            long,
        ),
        Case::new(
            "empty_records",
            vec![Hear, Repeat(record(6, &[], 255))],
            "limit",
            long,
        ),
        Case::new(
            "short_end",
            vec![Hear, Say(record(3, &[0; 7], 0)), Hang],
            "connect",
            "7 bytes instead of 8",
        ),
        Case::new(
            "no_head",
            vec![Hear, Say([out(b"{}\n\n"), end.clone()].concat())],
            "connect",
            "has no `:`",
        ),
        Case::new(
            "long_head",
            vec![
                Hear,
                Say([out(&[b'a'; 65_000]).repeat(3), end.clone()].concat()),
            ],
            "connect",
            "no head",
        ),
        Case::new(
            "status",
            vec![Hear, Say([out(b"Status: 2x\n\n"), end].concat())],
            "connect",
            "its status",
        ),
        Case::new(
            "busy",
            vec![Hear, Say(record(3, &[0, 0, 0, 0, 2, 0, 0, 0], 0))],
            "query",
            "overloaded",
        ),
    ];
    check("fastcgi", &cases, |case, address| {
        format!(
            "fastcgi: {{address: '{address}', path: /a, format: number}}\n    \
             metrics: [{{name: app_{}, help: A number.}}]",
            case.name
        )
    });
}
