//! What the README shows is what a learner sees.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};

use socket2::{Domain, Socket, Type};

use super::learner::target;
use super::stages::AFTER_TODO_1;
use super::{Answer, Learner, SOLUTION, STARTER, root};

fn readme() -> String {
    fs::read_to_string(root().join("exercises/1-exporter/README.md")).unwrap()
}

/// The contents of the fenced blocks of that language, without the indent that lists give them.
fn blocks(readme: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = readme.lines();
    while let Some(line) = lines.next() {
        let indent = line.len() - line.trim_start().len();
        if line.trim_start().strip_prefix("```") == Some(language) {
            let block = lines.by_ref().take_while(|line| line.trim_start() != "```");
            let block: Vec<&str> = block.map(|line| line.get(indent..).unwrap_or("")).collect();
            blocks.push(block.join("\n"));
        }
    }
    blocks
}

/// The block among `blocks` that begins with `first`.
fn block(blocks: &[String], first: &str) -> String {
    let mut found = blocks.iter().filter(|block| block.starts_with(first));
    let block = found
        .next()
        .unwrap_or_else(|| panic!("no block begins with `{first}`"));
    assert!(found.next().is_none(), "two blocks begin with `{first}`");
    block.clone()
}

#[test]
fn what_the_check_says_of_the_starter_is_in_the_readme() {
    let shown = blocks(&readme(), "text");
    let answer = Answer::to(&["exercise", "1"]).text;
    assert!(
        shown.iter().any(|block| block.trim() == answer.trim()),
        "not in the README:\n{answer}"
    );
}

#[test]
fn what_the_check_says_of_the_solution_is_in_the_readme() {
    let answer = Answer::to(&["exercise", "1", "--path", SOLUTION]).text;
    // The learner's is the starter's folder, once it is solved; what comes after is a good end of its own.
    let answer = answer.replacen(SOLUTION, STARTER, 1);
    let (said, _) = answer.split_once("\n\nYou have").unwrap();
    let shown = blocks(&readme(), "text");
    assert!(
        shown.iter().any(|block| block.trim() == said.trim()),
        "not in the README:\n{said}"
    );
}

#[test]
fn curl_shows_what_the_readme_shows() {
    let command = block(&blocks(&readme(), "sh"), "curl");
    let asked = command
        .strip_prefix("curl -s http://localhost:8000")
        .unwrap();
    let (path, pattern) = asked.split_once(" | grep ").unwrap();
    let shown = block(&blocks(&readme(), "text"), "# HELP");

    let solution = Running::start();
    let answer = solution.get(path);
    let found: Vec<&str> = answer
        .lines()
        .filter(|line| line.contains(pattern))
        .collect();
    let without_number = |text: &str| {
        let (rest, number) = text.rsplit_once(' ').unwrap();
        let (whole, fraction) = number.split_once('.').unwrap();
        assert!(
            (10..=100).contains(&whole.parse::<u32>().unwrap()),
            "{text}"
        );
        format!("{rest} N.{fraction}")
    };
    assert_eq!(without_number(&found.join("\n")), without_number(&shown));
}

#[test]
fn the_example_in_background_works() {
    let example = block(&blocks(&readme(), "rust"), "let registry");
    let learner = Learner::copies(STARTER, "example").write(&example, AFTER_TODO_1);
    // It is about another gauge, and gives nothing away.
    learner
        .checked()
        .is_open_at(2, &["would show `room_temperature_celsius`"]);
}

#[test]
fn the_commands_name_packages_that_there_are() {
    let readme = readme();
    let packages = readme.split("cargo run -p ").skip(1).map(|rest| {
        rest.split(|c: char| c.is_whitespace() || c == '`')
            .next()
            .unwrap()
    });
    let manifest = fs::read_to_string(root().join(STARTER).join("Cargo.toml")).unwrap();
    let mut count = 0;
    for package in packages {
        assert!(
            manifest.contains(&format!("name = \"{package}\"")),
            "`{package}`"
        );
        count += 1;
    }
    assert!(count > 0, "the README does not say how to run the starter");
}

/// The task that the README sets is the one that the starter and the check know.
#[test]
fn the_task_is_the_same_everywhere() {
    let source = |of: &str| fs::read_to_string(root().join(of).join("src/main.rs")).unwrap();
    let (readme, starter, solution) = (readme(), source(STARTER), source(SOLUTION));
    for text in [&readme, &starter, &solution] {
        for words in [
            "app_active_sessions",
            "Number of active user sessions",
            "8000",
        ] {
            assert!(text.contains(words), "`{words}` in:\n{text}");
        }
    }
    for todo in [
        "TODO 1: Define a gauge",
        "TODO 2: Set",
        "TODO 3: Start the HTTP server",
    ] {
        assert!(starter.contains(todo), "`{todo}`");
    }
    assert!(solution.lines().count() <= 25);
    assert!(!solution.contains("unwrap") && !solution.contains("expect("));
}

/// The solution, running on a free port; killed when dropped.
struct Running {
    child: Child,
    port: u16,
    _reserved: Socket,
    /// The program ends when this pipe is closed.
    _printed: BufReader<ChildStdout>,
}

impl Running {
    fn start() -> Self {
        let learner = Learner::copies(SOLUTION, "running");
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--manifest-path"])
            .arg(learner.folder().join("Cargo.toml"))
            .env("CARGO_TARGET_DIR", target())
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .status()
            .unwrap();
        assert!(built.success());
        // The system gives it to nobody else while there is this socket, beside which a server may listen.
        let reserved = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        reserved.set_reuse_address(true).unwrap();
        let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        reserved.bind(&any.into()).unwrap();
        let address = reserved.local_addr().unwrap().as_socket();
        let port = address.unwrap().port();
        let mut child = Command::new(target().join("debug/running"))
            .arg(port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut printed = BufReader::new(child.stdout.take().unwrap());
        // It prints where its metrics are once it serves them.
        let mut line = String::new();
        printed.read_line(&mut line).unwrap();
        assert!(line.contains(&format!(":{port}/metrics")), "{line}");
        Self {
            child,
            port,
            _reserved: reserved,
            _printed: printed,
        }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already can be neither killed nor left behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
