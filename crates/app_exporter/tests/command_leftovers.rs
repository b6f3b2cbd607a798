//! The source `command`: processes that leave its process group end with it as well, and are reaped.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, test_kill_process};

use crate::program::{Running, end, get};
use crate::support::{Scratch, said, wait_until};

/// Starts a process that leaves the group and holds nothing open, and waits until it has left.
const DETACHED: &str = "setsid sh -c 'echo $$$$ > NAME.new; mv NAME.new NAME; exec sleep 1000' <&- >&- 2>&- & until [ -e NAME ]; do :; done; ";

fn script(scratch: &Scratch, end: &str) -> String {
    let detached = DETACHED.replace("NAME", "detached");
    // A child in the group with closed output, and one whose parent has ended.
    let script = format!(
        "sleep 1000 <&- >&- 2>&- & echo $! > closed; (sleep 1000 <&- >&- 2>&- & echo $! > orphan); {detached}{end}"
    );
    scratch.write("script.sh", &script.replace("$$$$", "$$"));
    "sh, script.sh".to_owned()
}

fn config(argv: &str, more: &str) -> String {
    format!(
        "sources:\n  a:\n    timeout: 600s\n    command: {{argv: [{argv}], format: number}}\n    {more}\n    \
         metrics: [{{name: app_x, help: X.}}]\n"
    )
}

fn id(file: &Path) -> Pid {
    let number = fs::read_to_string(file).expect("the number of a process");
    Pid::from_raw(number.trim().parse().expect("a number")).expect("a process")
}

/// Returns whether the process has ended and was waited for.
fn is_reaped(id: Pid) -> bool {
    test_kill_process(id).is_err()
}

/// Returns whether the process has ended.
fn is_gone(id: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/stat", id.as_raw_nonzero()));
    status.map_or(true, |status| status.contains(") Z "))
}

#[test]
fn all_that_a_command_has_started_ends_with_it_and_is_reaped() {
    let scratch = Scratch::new("command-leftovers");
    let argv = script(&scratch, "echo 7");
    let file = scratch.write("config.yml", &config(&argv, "interval: 1h"));
    let (mut running, address) = Running::listening(&["--config.file", &file.to_string_lossy()]);
    wait_until("the command has run", || {
        get(address, "/metrics").1.contains("\napp_x 7.0\n")
    });
    for name in ["closed", "orphan", "detached"] {
        let id = id(&scratch.path().join(name));
        // The exporter is its parent, and goes on running.
        wait_until("the process is reaped", || is_reaped(id));
    }
    running.signal(Signal::TERM);
    running.wait_for(|line| line.contains("msg=Stopped").then_some(()));
}

#[test]
fn what_has_left_the_group_ends_with_the_exporter() {
    let scratch = Scratch::new("command-leftovers-end");
    let argv = script(&scratch, "touch begun; wait");
    let file = scratch.write("config.yml", &config(&argv, "interval: 1h"));
    let (running, _) = Running::listening(&["--config.file", &file.to_string_lossy()]);
    wait_until("the command has begun", || {
        scratch.path().join("begun").exists()
    });
    running.signal(Signal::TERM);
    let (status, log) = running.end();
    assert_eq!(status.code(), Some(0), "{log:#?}");
    for name in ["closed", "orphan", "detached"] {
        let id = id(&scratch.path().join(name));
        wait_until("the process is gone", || is_gone(id));
    }
}

#[test]
fn processes_of_others_are_not_touched() {
    let scratch = Scratch::new("command-leftovers-others");
    // The shell starts a process, and becomes the exporter: its parent.
    let argv = script(&scratch, "echo 7");
    let file = scratch.write("config.yml", &config(&argv, "interval: 1h"));
    let started = format!(
        "sleep 1000 <&- >&- 2>&- & echo $! > {}; exec \"$0\" --web.listen-address=127.0.0.1:0 --config.file {}",
        scratch.path().join("other").display(),
        file.display()
    );
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &started, env!("CARGO_BIN_EXE_app_exporter")]);
    let mut running = Running::spawn(shell);
    let address = running.address();
    wait_until("the command has run", || {
        get(address, "/metrics").1.contains("\napp_x 7.0\n")
    });
    let detached = id(&scratch.path().join("detached"));
    wait_until("the process is reaped", || is_reaped(detached));
    running.signal(Signal::TERM);
    let (status, log) = running.end();
    assert_eq!(status.code(), Some(0), "{log:#?}");
    let other = id(&scratch.path().join("other"));
    assert!(!is_gone(other));
    rustix::process::kill_process(other, Signal::KILL).expect("it runs");
}

#[test]
fn once_leaves_nothing_behind() {
    let scratch = Scratch::new("command-leftovers-once");
    let argv = script(&scratch, "echo 7");
    let file = scratch.write("config.yml", &config(&argv, "interval: 1h"));
    let output = end(&["once", "--config.file", &file.to_string_lossy()], &[]);
    assert!(said(&output).contains("app_x 7.0\n"), "{}", said(&output));
    for name in ["closed", "orphan", "detached"] {
        let id = id(&scratch.path().join(name));
        wait_until("the process is gone", || is_gone(id));
    }
}
