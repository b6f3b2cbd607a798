//! The source `command`: what it starts ends with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use rustix::process::{Pid, Signal, test_kill_process};

use crate::program::{PATIENCE, Running, end};
use crate::support::{Scratch, said, wait_until};

/// Waits until the process whose number the file has is gone.
fn wait_for_end(file: &Path) {
    let number = fs::read_to_string(file).expect("the number of a process");
    let id = Pid::from_raw(number.trim().parse().expect("a number")).expect("a process");
    // Nobody tells when a process ends that is not one's own child.
    wait_until("the process is gone", || {
        test_kill_process(id).is_err() || is_dead(id)
    });
}

/// One that has ended, whether the process that adopted it has waited for it or not.
fn is_dead(id: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/stat", id.as_raw_nonzero()));
    // Without an entry it is gone since the caller looked.
    status.map_or_else(
        |error| error.kind() != std::io::ErrorKind::PermissionDenied,
        |status| {
            let state = status.rsplit(") ").next();
            state.is_some_and(|rest| rest.starts_with(['Z', 'X']))
        },
    )
}

#[test]
fn at_the_deadline_the_whole_group_is_killed() {
    let scratch = Scratch::new("command-deadline");
    // A child that ignores every polite request and holds the output open.
    let script = "(trap '' TERM HUP INT; echo $$$$ > self; sleep 1000 & echo $! > child; echo all > all; wait) & echo $! > middle; wait";
    let is_there = |name: &str| {
        let content = fs::read_to_string(scratch.path().join(name));
        content.is_ok_and(|content| content.ends_with('\n'))
    };
    // Where the machine stands still for so long that not all of them were started, there is more time.
    for seconds in [1, 2, 4, 8, 16] {
        let file = scratch.write(
            "config.yml",
            &format!(
                "sources:\n  a:\n    timeout: {seconds}s\n    command: {{argv: [sh, -c, \"{script}\"], format: number}}\n    \
                 metrics: [{{name: app_x, help: X.}}]\n"
            ),
        );
        let output = end(&["once", "--config.file", &file.to_string_lossy()], &[]);
        assert!(
            said(&output).contains("a: was not done in time and was stopped"),
            "{}",
            said(&output)
        );
        let started = ["self", "middle", "child"].map(|name| (name, is_there(name)));
        for (name, _) in started.iter().filter(|(_, is_there)| *is_there) {
            wait_for_end(&scratch.path().join(name));
        }
        if is_there("all") && is_there("middle") {
            return;
        }
    }
    panic!("the command never gets far");
}

#[test]
fn who_holds_the_output_open_is_not_waited_for() {
    let scratch = Scratch::new("command-pipes");
    let file = scratch.write(
        "config.yml",
        "sources:\n  a:\n    timeout: 600s\n    command: {argv: [sh, -c, 'sleep 1000 & echo $! > child; echo 7'], format: number}\n    \
         metrics: [{name: app_x, help: X.}]\n",
    );
    let output = end(
        &[
            "once",
            "--timeout=600s",
            "--config.file",
            &file.to_string_lossy(),
        ],
        &[],
    );
    assert!(said(&output).contains("app_x 7.0\n"), "{}", said(&output));
    wait_for_end(&scratch.path().join("child"));
}

/// A configuration whose program does not end, and the file that shows that it has started.
fn endless(scratch: &Scratch) -> (PathBuf, Receiver<String>) {
    let begun = scratch.path().join("begun");
    let made = Command::new("mkfifo").arg(&begun).status();
    assert!(made.expect("mkfifo").success());
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(fs::read_to_string(begun).expect("the pipe")));
    let script = "sleep 1000 & echo $! > child; echo $$$$ > self; echo begun > begun; wait";
    let file = scratch.write(
        "config.yml",
        &format!(
            "sources:\n  a:\n    timeout: 600s\n    interval: 1h\n    command: {{argv: [sh, -c, '{script}'], format: number}}\n    \
             metrics: [{{name: app_x, help: X.}}]\n"
        ),
    );
    (file, receiver)
}

#[test]
fn when_the_exporter_is_told_to_end_the_whole_group_is_killed() {
    let scratch = Scratch::new("command-end");
    let (file, begun) = endless(&scratch);
    let (running, _) = Running::listening(&["--config.file", &file.to_string_lossy()]);
    begun.recv_timeout(PATIENCE).expect("the program begins");
    running.signal(Signal::TERM);
    let (status, log) = running.end();
    assert_eq!(status.code(), Some(0), "{log:#?}");
    for name in ["self", "child"] {
        wait_for_end(&scratch.path().join(name));
    }
}

#[test]
fn when_once_is_interrupted_the_whole_group_is_killed() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let scratch = Scratch::new(&format!("command-once-{code}"));
        let (file, begun) = endless(&scratch);
        let arguments = [
            "once",
            "--timeout=600s",
            "--config.file",
            &file.to_string_lossy(),
        ];
        let running = Running::start(&arguments, &[]);
        begun.recv_timeout(PATIENCE).expect("the program begins");
        running.signal(signal);
        let (status, said) = running.end();
        assert_eq!(status.code(), Some(code), "{said:#?}");
        assert!(
            said[0].ends_with(" before all sources were fetched"),
            "{said:#?}"
        );
        for name in ["self", "child"] {
            wait_for_end(&scratch.path().join(name));
        }
    }
}
