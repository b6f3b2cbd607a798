//! Whoever answers in the place of a web server, a proxy or a server of tokens.

use super::server::{Case, Step, check};
use Step::{Hang, Hear, Repeat, Say, Trickle};

const OK: &str = "HTTP/1.1 200 OK\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

fn say(text: &str) -> Step {
    Say(text.as_bytes().to_vec())
}

fn repeat(text: &str) -> Step {
    Repeat(text.as_bytes().to_vec())
}

#[test]
fn whatever_says_it_is_a_web_server_costs_its_own_source() {
    let long = "more than 1000000 bytes";
    let unread = "cannot read the response";
    let cases = [
        Case::new("silent", vec![Hang], "timeout", "timeout"),
        Case::new(
            "slow",
            vec![Hear, Trickle(OK.as_bytes().to_vec())],
            "timeout",
            "timeout",
        ),
        Case::new(
            "slow_body",
            vec![Hear, say("HTTP/1.1 200 OK\r\n\r\n"), Trickle(b"7".to_vec())],
            "timeout",
            "timeout",
        ),
        Case::new("closed", vec![Hear], "connect", unread),
        Case::new(
            "cut",
            vec![
                Hear,
                say("HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n7"),
            ],
            "connect",
            unread,
        ),
        Case::new(
            "no_http",
            vec![Hear, say("220 mail.example ESMTP\r\n")],
            "connect",
            unread,
        ),
        Case::new(
            "endless_line",
            vec![Hear, say(OK), repeat("a")],
            "connect",
            unread,
        ),
        Case::new(
            "endless_headers",
            vec![Hear, say(OK), repeat("a: b\r\n")],
            "connect",
            unread,
        ),
        Case::new(
            "endless_informing",
            vec![Hear, repeat("HTTP/1.1 103 Early Hints\r\n\r\n")],
            "timeout",
            "timeout",
        ),
        Case::new(
            "endless_body",
            vec![Hear, say("HTTP/1.1 200 OK\r\n\r\n"), repeat("7")],
            "limit",
            long,
        ),
        Case::new(
            "endless_chunks",
            vec![Hear, say(CHUNKED), repeat("10\r\n7777777777777777\r\n")],
            "limit",
            long,
        ),
        Case::new(
            "wide_chunk",
            vec![Hear, say(CHUNKED), say("FFFFFFFFFFFFFFFF\r\n"), repeat("7")],
            "limit",
            long,
        ),
        Case::new(
            "wider_chunk",
            vec![Hear, say(CHUNKED), say("FFFFFFFFFFFFFFFFF\r\n"), Hang],
            "connect",
            unread,
        ),
        Case::new(
            "extensions",
            vec![Hear, say(CHUNKED), say("1;"), repeat("a=b;")],
            "connect",
            unread,
        ),
        Case::new(
            "trailers",
            vec![Hear, say(CHUNKED), say("0\r\n"), repeat("a: b\r\n")],
            "connect",
            unread,
        ),
        Case::new(
            "redirects",
            vec![
                Hear,
                say("HTTP/1.1 302 Found\r\nLocation: /a\r\nConnection: close\r\n\r\n"),
            ],
            "query",
            "more than 3 redirects",
        ),
    ];
    check("http", &cases, |case, address| {
        format!(
            "http: {{url: 'http://{address}/', format: number}}\n    metrics: [{{name: app_{}, help: A number.}}]",
            case.name
        )
    });
}

#[test]
fn whatever_says_it_is_a_proxy_costs_its_own_source() {
    let cases = [
        Case::new("http_silent", vec![Hang], "timeout", "timeout"),
        Case::new(
            "http_endless",
            vec![Hear, say(OK), repeat("a: b\r\n")],
            "connect",
            "through the proxy",
        ),
        Case::new(
            "http_garbage",
            vec![Hear, Say(vec![0; 100])],
            "connect",
            "through the proxy",
        ),
        Case::new(
            "http_late",
            vec![
                Hear,
                say("HTTP/1.1 200 OK\r\n\r\n"),
                Hear,
                Say(vec![22, 3, 3, 16, 0]),
                Trickle(vec![2]),
            ],
            "timeout",
            "timeout",
        ),
        Case::new("socks_silent", vec![Hang], "timeout", "timeout"),
        Case::new(
            "socks_garbage",
            vec![Hear, repeat("a")],
            "connect",
            "through the proxy",
        ),
        Case::new(
            "socks_slow",
            vec![Hear, Say(vec![5, 0]), Hear, Trickle(vec![5, 0, 0, 3, 255])],
            "timeout",
            "timeout",
        ),
        Case::new(
            "socks_long",
            vec![
                Hear,
                Say(vec![5, 0]),
                Hear,
                Say(vec![5, 0, 0, 3, 255]),
                Repeat(vec![0]),
            ],
            "connect",
            "cannot",
        ),
        Case::new(
            "socks_refuses",
            vec![Hear, Say(vec![5, 255])],
            "connect",
            "through the proxy",
        ),
    ];
    check("proxy", &cases, |case, address| {
        let (kind, _) = case.name.split_once('_').expect("a kind");
        let (scheme, proxy) = match kind {
            "http" => ("https", "http"),
            _ => ("http", "socks5h"),
        };
        format!(
            "http: {{url: '{scheme}://a.example/', proxy_url: '{proxy}://{address}', format: number}}\n    \
             metrics: [{{name: app_{}, help: A number.}}]",
            case.name
        )
    });
}

#[test]
fn whatever_gives_tokens_costs_its_own_source() {
    let answer = |body: &str| {
        let length = body.len();
        vec![
            Hear,
            say(&format!(
                "{OK}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )),
        ]
    };
    let (long, unread) = (
        "more than 65536 bytes",
        "is not JSON with an `access_token`",
    );
    let cases = [
        Case::new("silent", vec![Hang], "timeout", "timeout"),
        Case::new(
            "endless",
            vec![
                Hear,
                say("HTTP/1.1 200 OK\r\n\r\n"),
                repeat("{\"access_token\": \""),
            ],
            "limit",
            long,
        ),
        Case::new("deep", answer(&"[".repeat(60_000)), "login", unread),
        Case::new("nothing", answer("{}"), "login", unread),
        // A token for ever, and one that no header can hold; the same server is asked with it, and says no number.
        Case::new(
            "ages",
            answer("{\"access_token\": \"a\", \"expires_in\": 1e308}"),
            "decode",
            "number",
        ),
        Case::new(
            "never",
            answer("{\"access_token\": \"a\", \"expires_in\": \"-1e999\"}"),
            "decode",
            "number",
        ),
        Case::new(
            "lines",
            answer("{\"access_token\": \"a\\nb: c\"}"),
            "login",
            "token",
        ),
    ];
    check("tokens", &cases, |case, address| {
        format!(
            "http: {{url: 'http://{address}/', format: number, \
             oauth2: {{client_id: a, client_secret: b, token_url: 'http://{address}/'}}}}\n    \
             metrics: [{{name: app_{}, help: A number.}}]",
            case.name
        )
    });
}
