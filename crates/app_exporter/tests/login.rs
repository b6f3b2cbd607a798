//! The source `login` on a file as utmp(5) describes it, made from text.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use crate::sources::{collect, compare};
use crate::support::{Scratch, run};

/// Content of the file: a line for each record, as `utmpdump` of util-linux writes them.
const RECORDS: &str = "\
[2] [00000] [~~  ] [reboot  ] [~           ] [6.1.0               ] [0.0.0.0        ] [2023-11-14T22:13:20,000000+00:00]
[1] [00053] [~~  ] [runlevel] [~           ] [6.1.0               ] [0.0.0.0        ] [2023-11-14T22:13:21,000000+00:00]
[6] [00700] [tty1] [LOGIN   ] [tty1        ] [                    ] [0.0.0.0        ] [2023-11-14T22:13:22,000000+00:00]
[7] [00800] [tty2] [ada     ] [tty2        ] [                    ] [0.0.0.0        ] [2023-11-14T22:13:23,500000+00:00]
[7] [00900] [ts/0] [ada     ] [pts/0       ] [10.0.0.7            ] [10.0.0.7       ] [2023-11-14T22:15:00,000000+00:00]
[7] [00901] [:0  ] [grace   ] [:0          ] [:0                  ] [0.0.0.0        ] [2023-11-14T22:16:00,000000+00:00]
[8] [00902] [ts/1] [        ] [pts/1       ] [                    ] [0.0.0.0        ] [2023-11-14T22:17:00,000000+00:00]
";

/// The seconds of the records' times since 1970, and their microseconds.
const TIMES: [(u32, i32); 7] = [
    (1_700_000_000, 0),
    (1_700_000_001, 0),
    (1_700_000_002, 0),
    (1_700_000_003, 500_000),
    (1_700_000_100, 0),
    (1_700_000_160, 0),
    (1_700_000_220, 0),
];

/// The records in the form that most systems have them.
fn encode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (line, (seconds, micros)) in text.lines().zip(TIMES) {
        let fields: Vec<&str> = line
            .split('[')
            .skip(1)
            .map(|field| field.split(']').next().expect("a field").trim())
            .collect();
        let mut record = [0; 384];
        let mut put = |at: usize, bytes: &[u8]| record[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &fields[0].parse::<i16>().expect("a kind").to_ne_bytes());
        put(
            4,
            &fields[1].parse::<i32>().expect("a process").to_ne_bytes(),
        );
        put(8, fields[4].as_bytes());
        put(40, fields[2].as_bytes());
        put(44, fields[3].as_bytes());
        put(76, fields[5].as_bytes());
        put(340, &seconds.to_ne_bytes());
        put(344, &micros.to_ne_bytes());
        if let Ok(address) = fields[6].parse::<std::net::Ipv4Addr>() {
            put(348, &address.octets());
        }
        bytes.extend_from_slice(&record);
    }
    bytes
}

const CONFIG: &str = "sources:
  logins:
    login: {utmp: utmp}
    metrics:
      - {name: node_sessions, help: Sessions., duplicates: count}
      - {name: node_sessions_by_user, help: Sessions by user., duplicates: count, labels: [user, remote]}
      - {name: node_session_start_timestamp_seconds, help: Since when., unit: seconds, value: since, labels: {terminal: terminal, host: host}}
  nobody:
    login: {utmp: none}
    metrics:
      - {name: node_nobody, help: Nobody., duplicates: count}
";

#[test]
fn utmp_gives_the_users_who_are_logged_in() {
    let scratch = Scratch::new("login-utmp");
    let mut bytes = encode(RECORDS);
    assert_eq!(bytes.len(), 7 * 384);
    // A record that is just being written.
    bytes.extend_from_slice(&[7; 100]);
    std::fs::write(scratch.path().join("utmp"), bytes).expect("the file");
    let config = scratch.write("config.yml", CONFIG);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/login_utmp.txt");
    compare(&golden, &collect(&config));
}

#[test]
fn util_linux_writes_what_is_read_here() {
    let mut dump = Command::new("utmpdump");
    dump.arg("-r").env("TZ", "UTC");
    match Command::new("utmpdump").arg("--version").output() {
        Ok(_) => (),
        // Not everyone has it.
        Err(error) => return assert_eq!(error.kind(), ErrorKind::NotFound),
    }
    let output = run(&mut dump, RECORDS);
    assert!(output.status.success());
    let scratch = Scratch::new("login-utmpdump");
    std::fs::write(scratch.path().join("utmp"), &output.stdout).expect("the file");
    let config = scratch.write("config.yml", CONFIG);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/login_utmp.txt");
    compare(&golden, &collect(&config));
}
