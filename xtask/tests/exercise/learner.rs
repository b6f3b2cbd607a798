//! A learner's copy of the starter, edited, and what the check says of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) const STARTER: &str = "exercises/1-exporter/starter";
pub(crate) const SOLUTION: &str = "exercises/1-exporter/solution";

/// The steps that the check knows.
const STEPS: usize = 6;

/// This repository.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A crate in a folder of its own; removed when dropped.
pub(crate) struct Learner {
    folder: PathBuf,
    source: String,
}

impl Learner {
    /// A copy of the crate in `original`; `name` keeps the copies of tests that run at once apart.
    pub(crate) fn copies(original: &str, name: &str) -> Self {
        let folder = format!("exercise-{name}-{}", std::process::id());
        // A folder around it, for a test that makes that a workspace.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(folder)
            .join("copy");
        fs::create_dir_all(folder.join("src")).unwrap();
        let read = |file: &str| fs::read_to_string(root().join(file)).unwrap();
        // The copy has this workspace's lock file and the package's own name, so that cargo finds every
        // version decided and asks nobody. Its program has another name: all share a target folder.
        let library = root().join("crates/exporter-kit").display().to_string();
        let manifest = read(&format!("{original}/Cargo.toml"));
        assert!(manifest.contains("\"../../../crates/exporter-kit\""));
        let manifest = manifest.replace("../../../crates/exporter-kit", &library);
        let program =
            format!("[[bin]]\nname = \"{name}\"\npath = \"src/main.rs\"\n\n[workspace]\n");
        fs::write(folder.join("Cargo.toml"), format!("{manifest}\n{program}")).unwrap();
        fs::write(folder.join("Cargo.lock"), read("Cargo.lock")).unwrap();
        let source = read(&format!("{original}/src/main.rs"));
        Self { folder, source }
    }

    /// Leaves out the table that makes the copy a workspace of its own.
    pub(crate) fn inside_a_workspace(self) -> Self {
        let manifest = self.folder.join("Cargo.toml");
        let text = fs::read_to_string(&manifest).unwrap();
        fs::write(&manifest, text.replace("[workspace]\n", "")).unwrap();
        let outer = "[workspace]\nresolver = \"3\"\nmembers = []\n";
        fs::write(self.folder.parent().unwrap().join("Cargo.toml"), outer).unwrap();
        self
    }

    /// Writes `line` before the line that begins with `before`, of which there is exactly one.
    pub(crate) fn write(self, line: &str, before: &str) -> Self {
        let indent = self.indent(before);
        self.edit(
            &format!("\n{indent}{before}"),
            &format!("\n{indent}{line}\n{indent}{before}"),
        )
    }

    /// Changes the one place where `from` stands.
    pub(crate) fn edit(mut self, from: &str, to: &str) -> Self {
        assert_eq!(
            self.source.matches(from).count(),
            1,
            "`{from}` in:\n{}",
            self.source
        );
        self.source = self.source.replace(from, to);
        self
    }

    fn indent(&self, before: &str) -> String {
        let mut lines = self.source.lines();
        let line = lines
            .find(|line| line.trim_start().starts_with(before))
            .unwrap_or_else(|| panic!("no line begins with `{before}`"));
        " ".repeat(line.len() - line.trim_start().len())
    }

    pub(crate) fn folder(&self) -> &Path {
        fs::write(self.folder.join("src/main.rs"), &self.source).unwrap();
        &self.folder
    }

    /// Runs `cargo xtask exercise 1` on it.
    pub(crate) fn checked(&self) -> Answer {
        Answer::to(&[
            "exercise",
            "1",
            "--path",
            &self.folder().display().to_string(),
        ])
    }
}

impl Drop for Learner {
    fn drop(&mut self) {
        // A folder that stays is below the target folder, where it does no harm.
        let _ = self.folder.parent().map(fs::remove_dir_all);
    }
}

/// Target folder of all copies, so that the library is built for the first only.
pub(crate) fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("../exercise-check")
}

/// Output of the check.
pub(crate) struct Answer {
    pub(crate) text: String,
    code: Option<i32>,
}

impl Answer {
    pub(crate) fn to(arguments: &[&str]) -> Self {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(arguments)
            .current_dir(root())
            .env("CARGO_TARGET_DIR", target())
            // Nobody debugs these, and they build sooner without.
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        // The first build of the library takes so long that the check says why.
        let others = said
            .lines()
            .filter(|line| !line.contains("this builds the library"));
        assert_eq!(
            others.count(),
            0,
            "a learner reads one text, not two: {said}"
        );
        Self {
            text: String::from_utf8(output.stdout).unwrap(),
            code: output.status.code(),
        }
    }

    /// Asserts that every step before `step` passed, `step` is open, and its advice has each of `words`.
    #[track_caller]
    pub(crate) fn is_open_at(&self, step: usize, words: &[&str]) {
        let text = &self.text;
        assert_eq!(self.code, Some(1), "{text}");
        assert_eq!(
            self.marks(),
            (1..=step).map(|n| (n, n < step)).collect::<Vec<_>>(),
            "{text}"
        );
        for word in words {
            assert!(text.contains(word), "`{word}` in:\n{text}");
        }
        assert!(
            text.contains(&format!("{} of {STEPS} steps passed", step - 1)),
            "{text}"
        );
        for solution in [
            "registry.gauge(",
            "active_sessions.set(",
            "exporter_kit::serve(",
        ] {
            // What the compiler quotes is the learner's own.
            assert!(
                step == 1 || !text.contains(solution),
                "gives away `{solution}`:\n{text}"
            );
        }
    }

    /// Asserts that every step passed.
    #[track_caller]
    pub(crate) fn passed(&self) {
        let text = &self.text;
        assert_eq!(self.code, Some(0), "{text}");
        assert_eq!(
            self.marks(),
            (1..=STEPS).map(|n| (n, true)).collect::<Vec<_>>(),
            "{text}"
        );
        assert!(text.contains("Well done!"), "{text}");
    }

    /// The steps in the order of the output, and whether they passed.
    fn marks(&self) -> Vec<(usize, bool)> {
        let marked = self.text.lines().filter_map(|line| {
            let line = line.strip_prefix("  ")?;
            let (passed, rest) = match line.strip_prefix("✓ ") {
                Some(rest) => (true, rest),
                None => (false, line.strip_prefix("✗ ")?),
            };
            Some((rest.split_once('.')?.0.parse().ok()?, passed))
        });
        marked.collect()
    }
}
