//! The report: a line for each step, and advice for the first step that is open.

use std::io::{self, IsTerminal as _, Write as _};

/// Seconds after which a reader wonders what happens.
pub(super) const PATIENCE: u64 = 3;

/// Prints the steps as they are checked.
pub(super) struct Report {
    colours: bool,
    terminal: bool,
}

impl Report {
    pub(super) fn new() -> Self {
        let terminal = io::stdout().is_terminal();
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            colours: terminal && wanted,
            terminal,
        }
    }

    /// Returns whether other programs may colour their output, too.
    pub(super) fn colours(&self) -> bool {
        self.colours
    }

    /// Shows that a step is being checked, where a line can be replaced afterwards.
    pub(super) fn checking(&self, number: usize, step: &str) {
        if self.terminal {
            print!("  · {number}. {step} ...");
            // A line that is not seen in time is no reason to stop.
            let _ = io::stdout().flush();
        }
    }

    /// Shows that a step takes long, and for how many seconds it has; `why` is for the reader.
    pub(super) fn waiting(&self, number: usize, step: &str, why: &str, seconds: u64) {
        if self.terminal {
            print!("\r\x1b[K  · {number}. {step} ... {why}: {seconds} s");
            // A line that is not seen in time is no reason to stop.
            let _ = io::stdout().flush();
        } else if seconds == PATIENCE {
            eprintln!("{number}. {step} ... {why}");
        }
    }

    pub(super) fn passed(&self, number: usize, step: &str) {
        self.line("32", "✓", number, step);
    }

    /// Shows that a step is open, and why.
    pub(super) fn open(&self, number: usize, step: &str, advice: &Advice) {
        self.line("31", "✗", number, step);
        println!();
        for part in [&advice.found, &advice.look_at] {
            for line in part.lines() {
                println!("{}", format!("     {line}").trim_end());
            }
            println!();
        }
    }

    fn line(&self, colour: &str, mark: &str, number: usize, step: &str) {
        if self.terminal {
            print!("\r\x1b[K");
        }
        if self.colours {
            println!("  \x1b[{colour}m{mark}\x1b[0m {number}. {step}");
        } else {
            println!("  {mark} {number}. {step}");
        }
    }
}

/// Advice about an open step.
#[derive(Debug)]
pub(super) struct Advice {
    /// The fault that the check saw.
    found: String,
    /// The place where the learner finds out more.
    look_at: String,
}

impl Advice {
    pub(super) fn new(found: impl Into<String>, look_at: impl Into<String>) -> Self {
        Self {
            found: found.into(),
            look_at: look_at.into(),
        }
    }
}
