//! Pages of the documentation, followed to the letter: their files are written, their commands are run, and print what the
//! page says.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use exporter_kit::source::SourceErrorReason;

use crate::program::Running;
use crate::sources::with_extension;
use crate::support::Scratch;

/// A fenced block: what stands behind the fence, and what is in it.
struct Block<'t> {
    info: &'t str,
    text: &'t str,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut pieces = page.split("```");
    pieces.next();
    let mut blocks = Vec::new();
    // Inside and outside take turns.
    while let Some(inside) = pieces.next() {
        let (info, text) = inside.split_once('\n').expect("a line behind the fence");
        blocks.push(Block { info, text });
        pieces.next();
    }
    blocks
}

/// Follows a page from its beginning to its end.
struct Reader {
    scratch: Scratch,
    exporter: Option<(Running, SocketAddr)>,
    /// Output of the last commands.
    printed: String,
}

impl Reader {
    fn follow(&mut self, block: &Block<'_>) {
        match block.info.split_once(' ') {
            Some((_, file)) => drop(self.scratch.write(file, block.text)),
            None if block.info == "sh" => self.run(block.text),
            None if block.info == "text" => self.compare(block.text),
            None => panic!("nobody knows what to do with ```{}", block.info),
        }
    }

    fn run(&mut self, commands: &str) {
        if let Some(arguments) = commands.strip_prefix("app_exporter --config.file ") {
            let file = self.scratch.path().join(arguments.trim());
            let arguments = ["--config.file", &file.to_string_lossy()];
            self.exporter = Some(Running::listening(&arguments));
            return;
        }
        let mut commands = commands.to_owned();
        if let Some((_, address)) = &self.exporter {
            commands = commands.replace("localhost:8000", &address.to_string());
        }
        let program = Path::new(env!("CARGO_BIN_EXE_app_exporter"));
        let path = std::env::var("PATH").unwrap_or_default();
        let folder = program.parent().expect("a folder").display();
        let output = Command::new("sh")
            .args(["-ec", &format!("exec 2>&1\n{commands}")])
            .current_dir(self.scratch.path())
            .env("PATH", format!("{folder}:{path}"))
            .output()
            .expect("a shell");
        self.printed = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(output.status.success(), "{commands}\n{}", self.printed);
    }

    /// The page shows the printed lines, whole. A line `…` stands for any number of lines.
    fn compare(&self, expected: &str) {
        let mut printed = self.printed.lines();
        let mut left_out = false;
        for line in expected.lines() {
            if line == "…" {
                left_out = true;
                continue;
            }
            let found = if left_out {
                printed.any(|it| it == line)
            } else {
                printed.next() == Some(line)
            };
            assert!(found, "no line `{line}` here in:\n{}", self.printed);
            left_out = false;
        }
        let more = printed.next();
        assert!(left_out || more.is_none(), "not on the page: {more:?}");
    }
}

/// Follows `docs/NAME`, and says whether it could.
fn follow(name: &str) -> Option<String> {
    crate::support::require("curl")?;
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let page = std::fs::read_to_string(page.join(name)).expect("the page");
    let mut reader = Reader {
        scratch: Scratch::new(name),
        exporter: None,
        printed: String::new(),
    };
    let blocks = blocks(&page);
    assert!(blocks.len() > 10);
    for block in &blocks {
        reader.follow(block);
    }
    Some(page)
}

#[test]
fn every_step_of_the_tutorial_does_what_it_says() {
    follow("tutorial.md");
}

#[test]
fn every_column_is_derived_as_the_page_shows() {
    follow("columns.md");
}

#[test]
fn every_symptom_is_as_troubleshooting_shows_it() {
    let Some(page) = follow("troubleshooting.md") else {
        return;
    };
    for reason in SourceErrorReason::ALL {
        assert!(page.contains(&format!("\n| `{reason}` | ")), "{reason}");
    }
}

#[test]
fn what_a_configuration_is_refused_for_is_in_troubleshooting_as_it_is_said() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(home.join("../../docs/troubleshooting.md"));
    let page = page.expect("the page");
    let verdicts: String = with_extension(&home.join("tests/config"), "txt")
        .iter()
        .map(|file| std::fs::read_to_string(file).expect("a verdict"))
        .collect();
    let (_, rest) = page
        .split_once("Common mistakes in YAML")
        .expect("a section");
    let (section, _) = rest
        .split_once("**`the environment variable")
        .expect("the next one");
    let mut messages = Vec::new();
    for line in section.lines() {
        let bold = line
            .strip_prefix("**")
            .and_then(|rest| rest.split_once("**"));
        let cell = line
            .strip_prefix("| `")
            .and_then(|rest| rest.split_once(" |"));
        let said = bold.map(|(said, _)| said.to_owned());
        let said = said.or(cell.map(|(said, _)| format!("`{said}")));
        let said = said.unwrap_or_default();
        // What is between each pair of backticks.
        messages.extend(said.split('`').skip(1).step_by(2).map(str::to_owned));
    }
    assert!(messages.len() > 10, "{messages:?}");
    for message in messages {
        assert!(verdicts.contains(&message), "nothing says `{message}`");
    }
}
