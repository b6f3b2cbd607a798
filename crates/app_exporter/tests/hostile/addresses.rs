//! Numbers that resolvers read as addresses, for each source that has a host.

use crate::probe::probe;
use crate::program::Running;
use crate::support::Scratch;

/// Other ways to write 127.0.0.1.
const NUMBERS: [&str; 8] = [
    "2130706433",
    "0x7f000001",
    "0X7F.1",
    "127.1",
    "127.0.1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
];

const METRICS: &str = "metrics: [{name: app_a, help: A number., value: COLUMN}]";

#[test]
fn no_source_reaches_a_target_that_is_a_number_in_disguise() {
    let scratch = Scratch::new("hostile-addresses");
    let targets = NUMBERS.join("', '");
    let sources = [
        ("http", "http: {url: 'http://${target}:1/'}"),
        ("https", "http: {url: 'https://${target}:1/'}"),
        (
            "proxy",
            "http: {url: 'http://a/', proxy_url: 'http://${target}:1'}",
        ),
        (
            "socks",
            "http: {url: 'http://a/', proxy_url: 'socks5://${target}:1'}",
        ),
        (
            "tokens",
            "http: {url: 'http://a/', oauth2: {client_id: a, client_secret: b, token_url: 'http://${target}:1/'}}",
        ),
        ("fastcgi", "fastcgi: {address: '${target}:1', path: /a}"),
        (
            "redis",
            "redis: {address: '${target}:1', queries: {rows: {command: [DBSIZE]}}}",
        ),
        (
            "cluster",
            "redis: {cluster: ['${target}:1'], queries: {rows: {command: [DBSIZE]}}}",
        ),
        (
            "sentinel",
            "redis: {sentinel: {addresses: ['${target}:1'], master: a}, queries: {rows: {command: [DBSIZE]}}}",
        ),
        (
            "postgres",
            "sql: {postgres: {host: '${target}', port: 1, user: a}, query: SELECT 1 AS value}",
        ),
        (
            "mysql",
            "sql: {mysql: {host: '${target}', port: 1, user: a}, query: SELECT 1 AS value}",
        ),
    ];
    let all = sources.map(|(name, source)| {
        let probe = format!("probe: {{targets: ['localhost', '{targets}']}}");
        let column = match source.starts_with("http") || source.starts_with("fastcgi") {
            true => "status",
            false => "value",
        };
        let metrics = METRICS.replace("COLUMN", column);
        format!("  {name}:\n    {probe}\n    {source}\n    {metrics}\n")
    });
    let file = scratch.write("config.yml", &format!("sources:\n{}", all.concat()));
    let (_running, address) = Running::listening(&["--config.file", &file.to_string_lossy()]);
    for (name, _) in sources {
        for target in NUMBERS {
            let (status, text) = probe(address, name, target);
            assert_eq!(status, 503, "{name} {target}: {text}");
            let said = text.contains("is a number") || text.contains("in an unusual form");
            assert!(said, "{name} {target}: {text}");
        }
    }
}
