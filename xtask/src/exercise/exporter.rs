//! The learner's exporter as its user sees it, and advice on one of which nothing is seen.

use std::path::PathBuf;
use std::time::Duration;

use crate::exercise::program::{Built, Program, ROUND};
use crate::exercise::report::Advice;
use crate::run::Failure;

/// The gauge that the task asks for, and its description.
pub(super) const NAME: &str = "app_active_sessions";
pub(super) const DESCRIPTION: &str = "Number of active user sessions";

/// A program collects before it prints, and that is soon; one that prints nothing has also done so after this.
const FIRST_ROUND: Duration = Duration::from_secs(6);

/// The learner's exporter while it runs, and where its metrics are seen.
pub(super) struct Exporter {
    pub(super) program: Program,
    pub(super) path: PathBuf,
    source: String,
    warnings: String,
    /// True if the program prints its metrics, as the given code does; otherwise the check scrapes them.
    pub(super) prints: bool,
}

impl Exporter {
    pub(super) fn new(built: Built, source: String) -> Result<Self, Failure> {
        let mut program = Program::start(&built.path)?;
        let printed = program.watch(FIRST_ROUND, Program::printed);
        Ok(Self {
            prints: printed.is_some(),
            program,
            path: built.path,
            source,
            warnings: built.warnings,
        })
    }

    pub(super) fn metrics(&self) -> Option<String> {
        look(&self.program, self.prints)
    }

    /// Advice for a program that is not running any more, else `advice`.
    pub(super) fn unless_ended(&mut self, advice: Advice) -> Advice {
        let Some(status) = self.program.ended() else {
            return advice;
        };
        let said = self.program.errors();
        let quoted = match said.trim() {
            "" => "It printed no reason.".to_owned(),
            said => format!("It printed:\n{}", indented(said)),
        };
        let found = format!("Your program ended by itself ({status}). {quoted}");
        Advice::new(found, reason_to_end(&said))
    }
}

/// Advice about a program that printed `said` and ended.
fn reason_to_end(said: &str) -> &'static str {
    let panicked = said.contains("panicked at");
    if panicked && said.contains("already") && said.contains(NAME) {
        return "The program panicked: a metric was made a second time. `collect_metrics` is called every\n\
                5 seconds, and what stands between its braces is done each time. Make the gauge once,\n\
                before it: that is TODO 1.";
    }
    if panicked {
        return "The program panicked, at the line of your file that is named after `panicked at`. Look at\n\
                what can fail there; `unwrap` and `expect` panic when something did.";
    }
    if !said.starts_with("Error") {
        return "`main` came to its end, or something ended the program. The loop at the end of `main` is to\n\
                run until Ctrl-C.";
    }
    if said.contains("counter's name") {
        return "Look at TODO 1: this is the rule for a counter, a number that only ever grows. Users come\n\
                and go, so the number goes down as well; the README says in `Background` which type that is.\n\
                The name is right without `_total`.";
    }
    if said.contains(DESCRIPTION) {
        return "Look at TODO 1: the description stands where the name belongs. The name comes first, the\n\
                description second; the example in the README's `Background` shows it.";
    }
    if said.contains("in use") {
        return "Another program uses the port, perhaps one that yours has started. A program can listen on\n\
                a port once.";
    }
    "The message says what is wrong. `?` handed it on, which ended `main` and the program. A name has\n\
     lower-case letters, digits and `_` in it, nothing else; compare it with TODO 1 letter by letter."
}

pub(super) fn look(program: &Program, prints: bool) -> Option<String> {
    if prints {
        program.printed()
    } else {
        program.served()
    }
}

fn indented(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("  {line}")).collect();
    lines.join("\n")
}

pub(super) fn does_not_compile(messages: &str) -> Advice {
    if messages.contains("believes it's in a workspace") {
        return Advice::new(
            "Your crate is inside another cargo workspace, and not a part of it.",
            "Move its folder out of this repository, or add a line `[workspace]` to the end of its\n\
             Cargo.toml. The path of `exporter-kit` in that file has to lead to the library.",
        );
    }
    if messages.contains("failed to load manifest for dependency `exporter-kit`") {
        return Advice::new(
            "cargo does not find the library.",
            "The path of `exporter-kit` in your Cargo.toml has to lead to crates/exporter-kit of this\n\
             repository, from the folder that the Cargo.toml is in.",
        );
    }
    Advice::new(
        messages.trim(),
        "Begin with the first message; the later ones often follow from it. The line with `-->` says\n\
         where in your file it is, and a line with `help:` often what to change.",
    )
}

/// Advice for a program that runs, and of which nothing is seen.
pub(super) fn shows_nothing(exporter: &Exporter) -> Advice {
    let code = exporter.source.lines().map(str::trim_start);
    let mut code = code.filter(|line| !line.starts_with("//"));
    if !code.any(|line| line.contains(ROUND)) {
        return Advice::new(
            "Your program runs, but neither prints its metrics nor serves any.",
            format!("Keep the given line that prints `{ROUND}`; the check reads it, too."),
        );
    }
    let unreachable = match exporter.warnings.split_once("warning: unreachable") {
        Some((_, rest)) => {
            let warning = rest.split("\n\n").next().unwrap_or_default();
            format!(
                " The compiler warns of it:\n{}",
                indented(&format!("warning: unreachable{warning}"))
            )
        }
        None => String::new(),
    };
    Advice::new(
        format!(
            "Your program runs, but never comes to the line that prints `{ROUND}`.{unreachable}"
        ),
        "Something before that line does not come to an end. A `loop` of your own is not needed: the\n\
         given one, at the end of `main`, calls `collect_metrics` every 5 seconds.",
    )
}
