//! Every flag and its twin in the environment, and the messages about unusable ones.

use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::process::Output;

use crate::program::{Running, command, end, get, sessions};

#[test]
fn several_addresses_can_be_listened_on() {
    let two = [
        "--web.listen-address=127.0.0.1:0",
        "--web.listen-address=127.0.0.1:0",
    ];
    let comma = [("APP_EXPORTER_WEB_LISTEN_ADDRESS", "127.0.0.1:0,localhost:0")];
    for mut running in [Running::start(&two, &[]), Running::start(&[], &comma)] {
        let addresses = [running.address(), running.address()];
        assert_ne!(addresses[0], addresses[1]);
        for address in addresses {
            assert_eq!(get(address, "/metrics").0, 200);
        }
    }
}

#[test]
fn no_host_is_every_address_of_the_machine() {
    let mut running = Running::start(&["--web.listen-address=:0"], &[]);
    let port = running.address().port();
    assert_eq!(
        get(SocketAddr::from(([127, 0, 0, 1], port)), "/metrics").0,
        200
    );
    // Where the machine has IPv6.
    if TcpListener::bind("[::1]:0").is_ok() {
        let loopback = format!("[::1]:{port}").parse().expect("an address");
        assert_eq!(get(loopback, "/metrics").0, 200);
    }
}

#[test]
fn the_links_in_the_log_are_where_the_metrics_are() {
    for (host, shown) in [("", "localhost"), ("127.0.0.1", "127.0.0.1")] {
        let mut running = Running::start(
            &[
                &format!("--web.listen-address={host}:0"),
                "--web.telemetry-path=/a/b",
            ],
            &[],
        );
        let url = running.wait_for(|line| {
            let (_, url) = line.split_once("msg=\"Serving metrics\" url=")?;
            Some(url.to_owned())
        });
        let (authority, path) = url
            .strip_prefix("http://")
            .and_then(|rest| rest.split_once('/'))
            .unwrap_or_else(|| panic!("{url}"));
        assert_eq!(path, "a/b");
        let port = authority
            .strip_prefix(shown)
            .and_then(|it| it.strip_prefix(':'));
        let port = port
            .unwrap_or_else(|| panic!("{url}"))
            .parse()
            .expect("a port");
        assert_eq!(get(SocketAddr::from(([127, 0, 0, 1], port)), "/a/b").0, 200);
        assert_eq!(
            get(SocketAddr::from(([127, 0, 0, 1], port)), "/metrics").0,
            404
        );
    }
}

#[test]
fn the_environment_says_what_flags_say_and_flags_win() {
    let variables = [
        ("APP_EXPORTER_WEB_LISTEN_ADDRESS", "127.0.0.1:0"),
        ("APP_EXPORTER_WEB_TELEMETRY_PATH", "/numbers"),
        ("APP_EXPORTER_LOG_LEVEL", "debug"),
        ("APP_EXPORTER_LOG_FORMAT", "logfmt"),
        ("APP_EXPORTER_SIMULATE_SEED", "7"),
        ("APP_EXPORTER_SIMULATE_MINIMUM", "5"),
        ("APP_EXPORTER_SIMULATE_MAXIMUM", "6"),
        ("APP_EXPORTER_SIMULATE_INTERVAL", "1ms"),
    ];
    let mut running = Running::start(&["--simulate.minimum=6"], &variables);
    let address = running.address();
    let (status, body) = get(address, "/numbers");
    assert_eq!(status, 200);
    assert!(body.contains("app_active_sessions 6.0"), "{body}");
    // Told of at the level debug.
    running.wait_for(|line| line.contains("number=6").then_some(()));
    assert_eq!(get(address, "/metrics").0, 404);
}

#[test]
fn the_seed_can_be_in_the_environment() {
    let flag = [
        "--simulate.interval=1day",
        "--simulate.seed=99",
        "--simulate.maximum=4000000000",
    ];
    let (_one, by_flag) = Running::listening(&flag);
    let variables = [
        ("APP_EXPORTER_SIMULATE_SEED", "99"),
        ("APP_EXPORTER_SIMULATE_MAXIMUM", "4000000000"),
        ("APP_EXPORTER_WEB_LISTEN_ADDRESS", "127.0.0.1:0"),
    ];
    let mut two = Running::start(&["--simulate.interval=1day"], &variables);
    assert_eq!(sessions(by_flag), sessions(two.address()));
}

const ADDRESS: &str =
    "`:8000`, `127.0.0.1:8000`, `[::1]:8000` or `localhost:8000`, with a port from 0 to 65535";
const PATH: &str = "a path begins with `/`, such as /metrics";
const URL: &str = "write `https://example.org/exporter` or its path `/exporter`";
const SEED: &str = "a seed is an integer from 0 to 18446744073709551615";
const SESSIONS: &str = "sessions are an integer from 0 to 4294967295";
const DURATION: &str = "not a duration; write a number with its unit, such as 200ms, 5s or 1m30s";
const WATCH_INTERVAL: &str = "an interval is between 10ms and 1day, or 0s";
const INTERVAL: &str = "an interval is between 1ms and 1day";

/// An unusable flag, its value, and the part of the message about valid values.
const UNUSABLE: [(&str, &str, &str); 31] = [
    ("--web.listen-address", "8000", ADDRESS),
    ("--web.listen-address", ":80000", ADDRESS),
    ("--web.listen-address", ":http", ADDRESS),
    ("--web.listen-address", "::1:8000", ADDRESS),
    ("--web.telemetry-path", "metrics", PATH),
    (
        "--web.telemetry-path",
        "/a?b",
        "a path contains no query, fragment or white space",
    ),
    (
        "--web.listen-address",
        "unix:run/sock",
        "write the whole path: `unix:/run/exporter.sock`",
    ),
    (
        "--web.listen-address",
        "unix:/run/sock?mode=rw",
        "write three octal digits: `unix:/run/exporter.sock?mode=0660`",
    ),
    (
        "--web.listen-address",
        "vsock://:9100",
        "a VM socket, which is not supported",
    ),
    ("--web.route-prefix", "shop", PATH),
    ("--web.route-prefix", "", PATH),
    ("--web.external-url", "shop", URL),
    (
        "--web.max-requests",
        "-1",
        "write an integer from 0; 0 disables the limit",
    ),
    (
        "--timeout-offset",
        "-0.5",
        "write a number of seconds from 0, such as 0.5",
    ),
    (
        "--timeout-offset",
        "1s",
        "write a number of seconds from 0, such as 0.5",
    ),
    ("--web.external-url", "ftp://example.org", URL),
    ("--web.external-url", "https://example.org/?a", URL),
    (
        "--log.level",
        "loud",
        "[possible values: debug, info, warn, error]",
    ),
    ("--log.format", "xml", "[possible values: logfmt, json]"),
    ("--simulate.seed", "-1", SEED),
    ("--simulate.seed", "x", SEED),
    ("--simulate.minimum", "-1", SESSIONS),
    ("--simulate.minimum", "1.5", SESSIONS),
    ("--simulate.maximum", "4294967296", SESSIONS),
    ("--simulate.interval", "5", DURATION),
    ("--simulate.interval", "5 parsecs", DURATION),
    ("--simulate.interval", "0s", INTERVAL),
    ("--simulate.interval", "2days", INTERVAL),
    ("--config.watch-interval", "2", DURATION),
    ("--config.watch-interval", "1ms", WATCH_INTERVAL),
    ("--config.watch-interval", "2days", WATCH_INTERVAL),
];

#[test]
fn an_unusable_flag_is_named_with_its_value_and_what_is_accepted() {
    for (flag, value, accepted) in UNUSABLE {
        let said = refused(&end(&[&format!("{flag}={value}")], &[]));
        assert!(said.starts_with("error: "), "{said}");
        assert!(said.contains(&format!("'{flag} <")), "{said}");
        assert!(said.contains(&format!("'{value}'")), "{said}");
        assert!(said.contains(accepted), "{said}");
    }
}

#[test]
fn an_unusable_variable_is_named_with_its_value_and_what_is_accepted() {
    for (flag, value, accepted) in UNUSABLE {
        let twin = twin(flag);
        let said = refused(&end(&[], &[(&twin, value)]));
        assert!(said.contains(&format!("'{twin}'")), "{said}");
        assert!(!said.contains(&format!("{flag} <")), "{said}");
        assert!(said.contains(&format!("'{value}'")), "{said}");
        assert!(said.contains(accepted), "{said}");
        // Another flag does not take the blame away from the variable, the same flag does.
        let other = if flag == "--log.level" {
            "--log.format=json"
        } else {
            "--log.level=info"
        };
        let said = refused(&end(&[other], &[(&twin, value)]));
        assert!(said.contains(&format!("'{twin}'")), "{said}");
        let said = refused(&end(&[&format!("{flag}={value}")], &[(&twin, value)]));
        assert!(said.contains(&format!("'{flag} <")), "{said}");
    }
}

#[test]
fn a_switch_has_no_value_and_its_variable_is_true_or_false() {
    for flag in [
        "--web.systemd-socket",
        "--web.enable-lifecycle",
        "--web.disable-exporter-metrics",
    ] {
        let twin = twin(flag);
        let said = refused(&end(&[], &[(&twin, "maybe")]));
        assert!(said.contains(&format!("'{twin}'")), "{said}");
        assert!(said.contains("'maybe'"), "{said}");
        assert!(said.contains("[possible values: true, false]"), "{said}");
        let said = refused(&end(&[&format!("{flag}=true")], &[]));
        assert!(said.contains(&format!("'{flag}'")), "{said}");
    }
}

#[test]
fn metrics_about_the_exporter_itself_can_be_left_out() {
    let (_running, address) = Running::listening(&["--web.disable-exporter-metrics"]);
    let (_, body) = get(address, "/metrics");
    assert!(!body.contains("process_"), "{body}");
    assert!(body.contains("\napp_exporter_build_info{"), "{body}");
    assert!(body.contains("\napp_active_sessions "), "{body}");
}

#[test]
fn everything_is_below_the_prefix_and_links_are_what_browsers_see() {
    let flags = ["--web.external-url=https://example.org/shop"];
    let (_running, address) = Running::listening(&flags);
    assert_eq!(get(address, "/shop/metrics").0, 200);
    assert_eq!(get(address, "/shop/-/ready").0, 200);
    assert_eq!(get(address, "/metrics").0, 404);
    assert_eq!(get(address, "/").0, 302);
    let variables = [
        ("APP_EXPORTER_WEB_ROUTE_PREFIX", "/"),
        ("APP_EXPORTER_WEB_LISTEN_ADDRESS", "127.0.0.1:0"),
    ];
    let mut stripped = Running::start(&flags, &variables);
    let address = stripped.address();
    let url = stripped.wait_for(|line| {
        let (_, url) = line.split_once("msg=\"Serving metrics\" url=")?;
        Some(url.to_owned())
    });
    assert_eq!(url, format!("http://{address}/metrics"));
    let (status, page) = get(address, "/");
    assert_eq!(status, 200);
    assert!(page.contains("\"/shop/metrics\""), "{page}");
}

#[cfg(unix)]
#[test]
fn what_is_not_utf8_is_named() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let mut by_flag = command(&[], &[]);
    by_flag.arg(OsStr::from_bytes(b"--web.telemetry-path=/\xff"));
    let said = refused(&by_flag.output().expect("it starts"));
    assert!(
        said.contains("the argument `--web.telemetry-path=/\u{fffd}` is not UTF-8"),
        "{said}"
    );

    let mut by_variable = command(&[], &[]);
    by_variable.env(
        "APP_EXPORTER_WEB_TELEMETRY_PATH",
        OsStr::from_bytes(b"/\xff"),
    );
    let said = refused(&by_variable.output().expect("it starts"));
    assert!(
        said.contains("`/\u{fffd}` in APP_EXPORTER_WEB_TELEMETRY_PATH is not UTF-8"),
        "{said}"
    );
}

#[test]
fn a_minimum_above_the_maximum_is_refused() {
    let said = refused(&end(
        &["--simulate.minimum=50", "--simulate.maximum=49"],
        &[],
    ));
    assert!(
        said.starts_with("error: the minimum `50` is greater than the maximum `49`; "),
        "{said}"
    );
    assert!(
        said.contains("--simulate.minimum or --simulate.maximum"),
        "{said}"
    );
}

#[test]
fn an_unknown_flag_is_answered_with_the_one_that_was_meant() {
    let said = refused(&end(&["--web.listen-adress=:0"], &[]));
    assert!(said.contains("'--web.listen-adress'"), "{said}");
    assert!(
        said.contains("a similar argument exists: '--web.listen-address'"),
        "{said}"
    );
    let said = refused(&end(&["metrics"], &[]));
    assert!(said.contains("'metrics'"), "{said}");
    let said = refused(&end(&["--log.level"], &[]));
    assert!(
        said.contains("a value is required for '--log.level <LEVEL>'"),
        "{said}"
    );
    let said = refused(&end(&["--log.level=info", "--log.level=info"], &[]));
    assert!(
        said.contains("'--log.level <LEVEL>' cannot be used multiple times"),
        "{said}"
    );
}

#[test]
fn a_port_that_is_taken_ends_it_with_one_line_that_says_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address");
    let output = end(
        &[
            &format!("--web.listen-address={address}"),
            "--log.level=error",
        ],
        &[],
    );
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("level=ERROR"), "{said}");
    assert!(said.contains(&format!("`{address}`")), "{said}");
    assert!(said.contains("the port is in use"), "{said}");
    assert!(said.contains("--web.listen-address"), "{said}");
    // Also when the other address is free.
    let both = format!("--web.listen-address=127.0.0.1:0,{address}");
    assert_eq!(end(&[&both], &[]).status.code(), Some(1));
}

#[test]
fn an_address_that_is_not_this_machines_ends_it_with_one_line() {
    // From the networks that are for documentation only.
    let output = end(
        &["--web.listen-address=192.0.2.1:0", "--log.level=error"],
        &[],
    );
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("`192.0.2.1:0`"), "{said}");
}

#[test]
fn version_says_what_it_was_built_from() {
    let output = end(&["--version"], &[]);
    assert!(output.status.success());
    let expected = format!(
        "app_exporter, version {} (branch: {}, revision: {})\n  \
           rust version:     {}\n  \
           platform:         {}/{}\n",
        env!("CARGO_PKG_VERSION"),
        env!("APP_EXPORTER_BUILD_BRANCH"),
        env!("APP_EXPORTER_BUILD_REVISION"),
        env!("APP_EXPORTER_BUILD_RUST_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    assert_eq!(String::from_utf8_lossy(&end(&["-V"], &[]).stdout), expected);
}

#[test]
fn help_is_the_golden_text() {
    let help = end(&["--help"], &[]);
    assert!(help.status.success());
    let help = String::from_utf8(help.stdout).expect("UTF-8");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/help.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &help).expect("the golden file");
    }
    let golden = std::fs::read_to_string(path).expect("the golden file");
    assert_eq!(
        help, golden,
        "with UPDATE_GOLDEN=1 this test writes the golden file anew"
    );
    for line in help.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn a_reader_that_went_away_is_no_reason_to_panic() {
    for flag in ["--help", "--version", "--unknown"] {
        let mut command = command(&[flag], &[]);
        let mut child = command.spawn().expect("it starts");
        drop(child.stdout.take());
        let mut said = String::new();
        let mut stderr = child.stderr.take().expect("a pipe");
        stderr.read_to_string(&mut said).expect("UTF-8");
        let status = child.wait().expect("it ends");
        let expected = if flag == "--unknown" { 2 } else { 0 };
        assert_eq!(status.code(), Some(expected), "{flag}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

/// Output of a program with an unusable command line.
fn refused(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(output.stdout.is_empty());
    said
}

/// The variable in the environment that says the same as a flag.
fn twin(flag: &str) -> String {
    let name = flag
        .trim_start_matches('-')
        .to_uppercase()
        .replace(['.', '-'], "_");
    format!("APP_EXPORTER_{name}")
}
