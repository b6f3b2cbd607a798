//! Whoever answers in the place of PostgreSQL.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::server::{Case, Script, Step, check};
use Step::{Answer, Hang, Hear, Repeat, Say, Trickle};

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4)
        .expect("a short one")
        .to_be_bytes();
    [&[tag], &length[..], body].concat()
}

fn ready() -> Vec<u8> {
    message(b'Z', b"I")
}

fn welcome() -> Vec<u8> {
    let parts = [
        message(b'R', &[0; 4]),
        message(b'S', b"server_version\x0017.0\0"),
        message(b'K', &[1; 8]),
        ready(),
    ];
    parts.concat()
}

/// The answer to the beginning of a transaction.
fn begun() -> Vec<u8> {
    [message(b'C', b"BEGIN\0"), message(b'C', b"SET\0"), ready()].concat()
}

/// Columns of these types.
fn columns(types: &[u32]) -> Vec<u8> {
    let count = u16::try_from(types.len()).expect("a few").to_be_bytes();
    let fields = types.iter().flat_map(|kind| {
        [
            &b"a\0\0\0\0\0\0\0"[..],
            &kind.to_be_bytes(),
            &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 1],
        ]
        .concat()
    });
    message(b'T', &[count.to_vec(), fields.collect()].concat())
}

/// The answer to a statement to prepare.
fn prepared(parameters: &[u8], types: &[u32]) -> Vec<u8> {
    [
        message(b'1', b""),
        message(b't', parameters),
        columns(types),
        ready(),
    ]
    .concat()
}

fn row(cells: &[&[u8]]) -> Vec<u8> {
    let count = u16::try_from(cells.len()).expect("a few").to_be_bytes();
    let cells = cells.iter().flat_map(|cell| {
        let length = u32::try_from(cell.len())
            .expect("a short one")
            .to_be_bytes();
        [&length[..], cell].concat()
    });
    message(b'D', &[count.to_vec(), cells.collect()].concat())
}

/// A server that knows each type by the type below it, without end.
fn types_within_types() -> Script {
    let next = AtomicU32::new(100_001);
    let answer = move |heard: &[u8]| {
        let asks = |text: &[u8]| heard.windows(text.len()).any(|it| it == text);
        if asks(b"pg_catalog.pg_type") {
            // The type of a parameter, and seven columns.
            return prepared(&[0, 1, 0, 0, 0, 26], &[19, 18, 26, 26, 26, 19, 26]);
        }
        if asks(b"BEGIN") {
            return [begun(), prepared(&[0, 0], &[100_000])].concat();
        }
        let below = next.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let none: &[u8] = &[0; 4];
        let found = row(&[b"a", b"d", none, none, &below, b"b", none]);
        [
            message(b'2', b""),
            found,
            message(b'C', b"SELECT 1\0"),
            ready(),
        ]
        .concat()
    };
    vec![Hear, Say(welcome()), Answer(Arc::new(answer))]
}

/// A server that wants a hash of as many rounds as there can be.
fn many_rounds() -> Script {
    let answer = |heard: &[u8]| {
        let text = String::from_utf8_lossy(heard);
        let nonce = text.split("r=").nth(1).unwrap_or_default();
        let body = format!("r={nonce}a,s=QUFBQUFBQUE=,i=2147483647");
        message(b'R', &[&[0, 0, 0, 11], body.as_bytes()].concat())
    };
    let first = message(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0");
    vec![Hear, Say(first), Answer(Arc::new(answer))]
}

fn after_login(then: Script) -> Script {
    let mut script = vec![Hear, Say(welcome()), Hear];
    script.extend(then);
    script
}

#[test]
fn whatever_says_it_is_postgres_costs_its_own_source() {
    let then = after_login;
    let all = [begun(), prepared(&[0, 0], &[23])].concat();
    let status = message(b'S', &[&b"a\0"[..], &[b'b'; 60_000], &[0]].concat());
    let notice = message(
        b'N',
        &[&b"SNOTICE\0C00000\0M"[..], &[b'b'; 60_000], &[0, 0]].concat(),
    );
    let bound = message(b'2', b"");
    let rows = row(&[&[0, 0, 0, 7]]).repeat(1000);
    let cases = [
        Case::new("silent", vec![Hang], "timeout", "timeout"),
        Case::new(
            "slow",
            vec![Hear, Trickle(message(b'R', &[0; 4000]))],
            "timeout",
            "timeout",
        ),
        Case::new("closed", vec![Hear], "connect", "cannot connect"),
        Case::new(
            "cut",
            vec![Hear, Say(welcome()[..20].to_vec())],
            "connect",
            "cannot connect",
        ),
        Case::new(
            "no_postgres",
            vec![Hear, Say(b"HTTP/1.1 400 Bad\r\n".to_vec())],
            "limit",
            "a message of 1414811695 bytes",
        ),
        Case::new(
            "long",
            vec![Hear, Say(vec![b'R', 0xFF, 0xFF, 0xFF, 0xFF]), Hang],
            "limit",
            "a message of 4294967295 bytes",
        ),
        Case::new(
            "short",
            vec![Hear, Say(vec![b'R', 0, 0, 0, 3]), Hang],
            "connect",
            "invalid message length",
        ),
        Case::new(
            "order",
            vec![Hear, Say(row(&[b"7"])), Hang],
            "connect",
            "unexpected message",
        ),
        Case::new("rounds", many_rounds(), "login", "iteration count"),
        Case::new(
            "statuses",
            vec![Hear, Say(message(b'R', &[0; 4])), Repeat(status.clone())],
            "limit",
            "too many parameters",
        ),
        Case::new(
            "notices",
            vec![Hear, Say(message(b'R', &[0; 4])), Repeat(notice.clone())],
            "limit",
            "too many parameters",
        ),
        Case::new(
            "later_statuses",
            then(vec![Repeat(status)]),
            "limit",
            "too many parameters",
        ),
        Case::new(
            "types",
            types_within_types(),
            "limit",
            "more than 200 new types",
        ),
        Case::new(
            "columns",
            then(vec![
                Say([
                    begun(),
                    message(b'1', b""),
                    message(b't', &[0, 0]),
                    message(b'T', &[0xFF, 0xFF]),
                ]
                .concat()),
                Hang,
            ]),
            "connect",
            "error parsing response",
        ),
        Case::new(
            "endless_rows",
            then(vec![Say(all.clone()), Hear, Say(bound), Repeat(rows)]),
            "limit",
            "rows",
        ),
        Case::new("cut_rows", then(vec![Say(all)]), "connect", "connection"),
    ];
    check("postgres", &cases, |case, address| {
        format!(
            "sql: {{postgres: {{host: 127.0.0.1, port: {}, user: a, password: b}}, query: SELECT 7 AS a}}\n    \
             metrics: [{{name: app_{}, help: A number., value: a}}]",
            address.port(),
            case.name
        )
    });
}
