//! Whoever answers in the place of MySQL.

use super::server::{Case, Script, Step, check};
use Step::{Hang, Hear, Repeat, Say, Trickle};

fn packet(number: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len())
        .expect("a short one")
        .to_le_bytes();
    [&length[..3], &[number], body].concat()
}

fn greeting() -> Vec<u8> {
    let parts: [&[u8]; 8] = [
        b"\x0a8.0.0\0\x07\0\0\0aaaaaaaa\0",
        &[0x00, 0x82, 45, 2, 0, 0x08, 0],
        &[21],
        &[0; 10],
        b"bbbbbbbbbbbb",
        &[0],
        b"mysql_native_password",
        &[0],
    ];
    packet(0, &parts.concat())
}

const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];
const END: &[u8] = &[0xFE, 0, 0, 2, 0];
const COLUMN: &[u8] =
    b"\x03def\x00\x00\x00\x01a\x00\x0c\x2d\x00\x01\x00\x00\x00\x03\x00\x00\x00\x00\x00";

/// Logs in, and answers the two statements before that of the source.
fn after_login(then: Script) -> Script {
    let mut script = vec![
        Say(greeting()),
        Hear,
        Say(packet(2, OK)),
        Hear,
        Say(packet(1, OK)),
        Hear,
        Say(packet(1, OK)),
        Hear,
    ];
    script.extend(then);
    script
}

/// A packet with each number, which can be said again and again.
fn round(from: u8, body: &[u8]) -> Vec<u8> {
    let numbers = (from..=u8::MAX).chain(0..from);
    numbers.flat_map(|number| packet(number, body)).collect()
}

#[test]
fn whatever_says_it_is_mysql_costs_its_own_source() {
    let long = "more than 1000000 bytes";
    let rows = [packet(1, &[1]), packet(2, COLUMN), packet(3, END)].concat();
    let then = after_login;
    let wide = [
        &b"\x03def\x00\x00\x00\xfd\x00\x80\x00"[..],
        &[b'a'; 0x8000],
        &COLUMN[9..],
    ]
    .concat();
    let cases = [
        Case::new("silent", vec![Hang], "timeout", "timeout"),
        Case::new(
            "slow",
            vec![Trickle(vec![0; 4096])],
            "connect",
            "an empty packet",
        ),
        Case::new(
            "trickling",
            vec![Say(vec![0, 16, 0, 0]), Trickle(vec![1])],
            "timeout",
            "timeout",
        ),
        Case::new(
            "closed",
            vec![Say(greeting()[..20].to_vec())],
            "connect",
            "cannot connect",
        ),
        Case::new(
            "no_mysql",
            vec![Say(b"HTTP/1.1 400 Bad\r\n".to_vec())],
            "connect",
            "packets out of order",
        ),
        Case::new(
            "long",
            vec![Say(vec![0xFF, 0xFF, 0xFF, 0]), Repeat(vec![0])],
            "limit",
            long,
        ),
        Case::new(
            "old",
            vec![Say(greeting()), Hear, Say(packet(2, &[0xFE]))],
            "login",
            "mysql_old_password",
        ),
        Case::new(
            "method",
            vec![Say(greeting()), Hear, Say(packet(2, b"\xFEdialog\0"))],
            "login",
            "`dialog`",
        ),
        Case::new(
            "switches",
            vec![
                Say(greeting()),
                Hear,
                Repeat(round(2, b"\xFEmysql_native_password\0a")),
            ],
            "connect",
            "unexpected",
        ),
        Case::new(
            "order",
            then(vec![Say(packet(7, OK))]),
            "connect",
            "packets out of order",
        ),
        Case::new(
            "file",
            then(vec![Say(packet(1, b"\xFB/etc/passwd"))]),
            "connect",
            "a file of this machine",
        ),
        Case::new(
            "many_columns",
            then(vec![Say(packet(1, &[0xFE, 0, 0, 0, 0, 4, 0, 0, 0])), Hang]),
            "limit",
            long,
        ),
        Case::new(
            "wide_columns",
            then(vec![
                Say(packet(1, &[0xFC, 0, 16])),
                Repeat(round(2, &wide)),
            ]),
            "limit",
            long,
        ),
        Case::new(
            "endless_rows",
            then(vec![Say(rows.clone()), Repeat(round(4, b"\x017"))]),
            "limit",
            "rows",
        ),
        Case::new(
            "nulls",
            then(vec![Say(rows.clone()), Repeat(round(4, b"\xFB"))]),
            "limit",
            "rows",
        ),
        Case::new(
            "long_cell",
            then(vec![
                Say(rows.clone()),
                Say(packet(4, b"\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF7")),
                Hang,
            ]),
            "connect",
            "an invalid row",
        ),
        Case::new(
            "cut_rows",
            then(vec![Say(rows)]),
            "connect",
            "connection lost",
        ),
        Case::new(
            "long_error",
            then(vec![
                Say(packet(
                    1,
                    &[b"\xFF\x10\x04#HY000", &b"no "[..].repeat(300_000)[..]].concat(),
                )),
                Hang,
            ]),
            "connect",
            "no no no",
        ),
    ];
    check("mysql", &cases, |case, address| {
        format!(
            "sql: {{mysql: {{host: 127.0.0.1, port: {}, user: a, password: b}}, query: SELECT 7 AS a}}\n    \
             metrics: [{{name: app_{}, help: A number., value: a}}]",
            address.port(),
            case.name
        )
    });
}
