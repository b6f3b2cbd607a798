//! The steps, in the order in which a learner takes them.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::exercise::arguments::Arguments;
use crate::exercise::exporter::{
    DESCRIPTION, Exporter, NAME, does_not_compile, look, shows_nothing,
};
use crate::exercise::exposition::{Shown, names};
use crate::exercise::http;
use crate::exercise::program::{Built, Program, build, is_free};
use crate::exercise::report::{Advice, PATIENCE, Report};
use crate::run::{Failure, Outcome};

/// The gauge's name, as a counter would have it.
const COUNTER: &str = "app_active_sessions_total";
const LEAST: f64 = 10.0;
const MOST: f64 = 100.0;
const PATH: &str = "/metrics";
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Five intervals. A random number is the last one again once in 91 times, and never five times in a row.
const FIVE_INTERVALS: Duration = Duration::from_secs(26);
/// Eleven intervals. Numbers from 10 on that are added up leave the range before; random ones fall long before.
const ELEVEN_INTERVALS: Duration = Duration::from_secs(56);
/// A server answers at once, and Ctrl-C ends at once, on a machine that has other things to do as well.
const AT_ONCE: Duration = Duration::from_secs(10);

/// A step: what it says, and what finds out.
struct Step {
    says: &'static str,
    check: fn(&mut Exporter) -> Result<(), Advice>,
}

/// What follows once the program is built, which is step 1.
const STEPS: &[Step] = &[
    Step {
        says: "The gauge is defined, with its name, type and description",
        check: gauge_is_defined,
    },
    Step {
        says: "Its value is set, from 10 to 100",
        check: value_is_set,
    },
    Step {
        says: "The value changes after 5 seconds",
        check: value_changes,
    },
    Step {
        says: "The server answers on the port, at /metrics",
        check: server_answers,
    },
    Step {
        says: "Ctrl-C ends the program and frees the port",
        check: ctrl_c_frees_the_port,
    },
];
const COMPILES: &str = "It compiles";

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let arguments = Arguments::read(arguments)?;
    let source = arguments.folder.join("src/main.rs");
    println!("Exercise 1: create a basic exporter");
    println!("Checking {}\n", source.display());

    let report = Report::new();
    match check(&arguments.folder, &report)? {
        None => {
            println!("{}", congratulation());
            Ok(())
        }
        Some(passed) => {
            let steps = STEPS.len() + 1;
            println!(
                "{passed} of {steps} steps passed. When you have changed something, run this again:"
            );
            println!("  {}", arguments.again);
            Err(Failure::told())
        }
    }
}

/// Checks step after step; gives how many passed before the one that is open.
fn check(folder: &Path, report: &Report) -> Result<Option<usize>, Failure> {
    report.checking(1, COMPILES);
    let built = match build_patiently(folder, report)? {
        Ok(built) => built,
        Err(messages) => {
            report.open(1, COMPILES, &does_not_compile(&messages));
            return Ok(Some(0));
        }
    };
    report.passed(1, COMPILES);

    // What cannot be read holds nothing that advice could name.
    let source = fs::read_to_string(folder.join("src/main.rs")).unwrap_or_default();
    let mut exporter = Exporter::new(built, source)?;
    for (step, number) in STEPS.iter().zip(2..) {
        report.checking(number, step.says);
        let outcome = (step.check)(&mut exporter);
        if let Err(advice) = outcome {
            report.open(number, step.says, &advice);
            return Ok(Some(number - 1));
        }
        report.passed(number, step.says);
    }
    Ok(None)
}

/// Builds the program, and shows that it takes time when it does.
fn build_patiently(folder: &Path, report: &Report) -> Result<Result<Built, String>, Failure> {
    let begun = Instant::now();
    thread::scope(|scope| {
        let building = scope.spawn(|| build(folder, report.colours()));
        let mut shown = 0;
        while !building.is_finished() {
            let seconds = begun.elapsed().as_secs();
            if seconds >= PATIENCE && seconds != shown {
                shown = seconds;
                let why = "building; the first time, this builds the library too and takes a minute or two";
                report.waiting(1, COMPILES, why, seconds);
            }
            thread::sleep(Duration::from_millis(100));
        }
        let panicked = |_| Err(Failure::new("the build panicked"));
        building.join().unwrap_or_else(panicked)
    })
}

fn gauge_is_defined(exporter: &mut Exporter) -> Result<(), Advice> {
    let Some(text) = exporter.metrics() else {
        let advice = shows_nothing(exporter);
        return Err(exporter.unless_ended(advice));
    };
    let todo = "Look at TODO 1";
    let Some(shown) = Shown::find(&text, NAME) else {
        return Err(exporter.unless_ended(match *names(&text) {
            [] => Advice::new(
                "Your program runs, but a scrape of it would show no metric yet.",
                format!(
                    "{todo}. A scrape shows what the registry holds, and the registry makes a gauge when\n\
                     it is told a name and a description. The README shows how, with another gauge, in\n\
                     `Background`."
                ),
            ),
            ref others if others.contains(&COUNTER) => Advice::new(
                format!("A scrape would show the counter `{COUNTER}`, and not the gauge `{NAME}`."),
                not_a_gauge(),
            ),
            ref others => Advice::new(
                format!("A scrape would show `{}`, and not `{NAME}`.", others.join("`, `")),
                format!("{todo}, and compare the names letter by letter."),
            ),
        }));
    };
    if shown.kind != Some("gauge") {
        let kind = shown.kind.unwrap_or("metric without type");
        return Err(Advice::new(
            format!("`{NAME}` is a {kind}, not a gauge."),
            not_a_gauge(),
        ));
    }
    if shown.value.is_none() {
        let labels = shown.labels.unwrap_or("no series yet");
        return Err(Advice::new(
            format!("`{NAME}` has labels, and the task asks for a gauge without any: {labels}."),
            format!("{todo}. One number is asked for. Labels divide a metric into several."),
        ));
    }
    if shown.description != Some(DESCRIPTION) {
        return Err(Advice::new(
            format!(
                "`{NAME}` is there, but the description that a reader of its metrics sees is another:\n  \
                 yours:  {}\n  wanted: {DESCRIPTION}",
                shown.description.unwrap_or("(none)")
            ),
            format!("{todo}, and compare the two letter by letter."),
        ));
    }
    Ok(())
}

fn not_a_gauge() -> &'static str {
    "Look at TODO 1. Users come and go, so the number goes up and down; the README says in\n\
     `Background` which type that is."
}

fn value_is_set(exporter: &mut Exporter) -> Result<(), Advice> {
    let text = exporter.metrics().unwrap_or_default();
    in_range(&text).map(drop)
}

/// The gauge's value, if it is one that the task allows.
fn in_range(text: &str) -> Result<f64, Advice> {
    let value = Shown::find(text, NAME).and_then(|shown| shown.value);
    match value {
        Some(value) if (LEAST..=MOST).contains(&value) => Ok(value),
        None => Err(Advice::new(
            format!("A scrape shows no number for `{NAME}`."),
            "Look at TODO 1 and TODO 2: the gauge that is set has no labels, and stays registered.",
        )),
        Some(0.0) => Err(Advice::new(
            "The gauge is there and its value is 0.0, the value of a gauge that was not set.",
            "Look at TODO 2, inside `collect_metrics`. A gauge has a method for every way to change it;\n\
             `cargo doc -p exporter-kit --open` lists them under `Gauge`.",
        )),
        Some(value) => Err(Advice::new(
            format!("The gauge's value is {value}, and that is not from {LEAST} to {MOST}."),
            "Look at TODO 2: which numbers can it give? `1..=6` ends with 6, and `1..6` with 5.",
        )),
    }
}

fn value_changes(exporter: &mut Exporter) -> Result<(), Advice> {
    let prints = exporter.prints;
    let value = |program: &Program| {
        let text = look(program, prints)?;
        Shown::find(&text, NAME)?.value.map(|value| (value, text))
    };
    let Some((first, _)) = value(&exporter.program) else {
        return Err(exporter.unless_ended(Advice::new(
            "The gauge is not there any more.",
            "Look at what happens to the registry between TODO 1 and the loop.",
        )));
    };
    let changed = exporter.program.watch(FIVE_INTERVALS, |program| {
        value(program).filter(|(value, _)| *value != first)
    });
    if changed.is_none() {
        return Err(exporter.unless_ended(Advice::new(
            format!("The value was {first} at first, and still is five intervals of 5 seconds later."),
            "Look at TODO 2. `collect_metrics` is called every 5 seconds, and what stands between its\n\
             braces is done each time; what stands before it is done once.",
        )));
    }
    // A number that is added each time may stay in the range for a while. One that is set falls, too.
    let mut last = first;
    let mut seen = vec![first];
    let fallen_or_out = exporter.program.watch(ELEVEN_INTERVALS, |program| {
        let (now, text) = value(program)?;
        if now == last {
            return None;
        }
        seen.push(now);
        let falls = now < last;
        last = now;
        (falls || in_range(&text).is_err()).then_some(text)
    });
    let Some(text) = fallen_or_out else {
        return Err(exporter.unless_ended(grows(&seen)));
    };
    match in_range(&text) {
        Ok(_) => Ok(()),
        Err(_) if seen.is_sorted() => Err(grows(&seen)),
        Err(advice) => Err(advice),
    }
}

/// Advice for a gauge that a number is added to at each interval.
fn grows(seen: &[f64]) -> Advice {
    let seen: Vec<String> = seen.iter().map(f64::to_string).collect();
    Advice::new(
        format!(
            "The value only grows: {}. It is to be a new number from {LEAST} to {MOST} each time.",
            seen.join(", ")
        ),
        "Look at TODO 2: a gauge has methods that add to its value, and one that replaces it.",
    )
}

fn server_answers(exporter: &mut Exporter) -> Result<(), Advice> {
    let port = exporter.program.port;
    let todo = "Look at TODO 3";
    let answer = exporter
        .program
        .watch(AT_ONCE, |program| http::get(program.port, PATH).ok());
    let Some(answer) = answer else {
        return Err(exporter.unless_ended(Advice::new(
            format!(
                "Nothing answers on port {port}, which the check gave your program as its argument."
            ),
            format!(
                "{todo}.\n\
                 - The server has to use the given `port`, and to be started before the loop begins.\n\
                 - It stops when what starting it gave you is dropped, and that is at once if the value\n  \
                   has no name. The name `_` is none; `_server` is one."
            ),
        )));
    };
    if !answer.is_ok() || answer.content_type != CONTENT_TYPE {
        return Err(Advice::new(
            format!(
                "A server answers on port {port}, but not with metrics at {PATH}: it says `{}`, and \
                 that\nit sends `{}`.",
                answer.status(),
                answer.content_type
            ),
            format!("{todo}. The library has a function that starts a server which does all that."),
        ));
    }
    match Shown::find(&answer.body, NAME) {
        Some(shown) if shown.kind == Some("gauge") => {
            in_range(&answer.body)?;
            port_in_use_is_an_error(exporter)
        }
        _ => Err(Advice::new(
            format!("The server answers, but `{NAME}` is not among what it shows."),
            format!("{todo}. A server shows one registry: is it the one that made the gauge?"),
        )),
    }
}

/// A second program on the same port cannot listen, and has to end with the error.
fn port_in_use_is_an_error(exporter: &Exporter) -> Result<(), Advice> {
    let port = exporter.program.port;
    let second = Program::start_on(&exporter.path, port);
    let ended = second.is_ok_and(|mut second| {
        let _: Option<()> = second.watch(AT_ONCE, |_| None);
        second.ended().is_some_and(|status| !status.success())
    });
    if ended {
        return Ok(());
    }
    Err(Advice::new(
        format!(
            "Started a second time, on port {port} as well, your program goes on without a server\n\
             and without an error."
        ),
        "Look at TODO 3: starting a server can fail, and gives a `Result`. A name for the result keeps\n\
         the error in it; `?` hands it on.",
    ))
}

fn ctrl_c_frees_the_port(exporter: &mut Exporter) -> Result<(), Advice> {
    let given = "Without a line of yours, Ctrl-C ends the program, and its end frees the port. Look at what \
                 in\nyour program goes on running, or catches the signal.";
    if let Err(err) = exporter.program.press_ctrl_c() {
        return Err(exporter.unless_ended(Advice::new(
            format!("Ctrl-C could not be tried: {err}."),
            "Run your program yourself and press Ctrl-C in its terminal.",
        )));
    }
    let _: Option<()> = exporter.program.watch(AT_ONCE, |_| None);
    if exporter.program.ended().is_none() {
        return Err(Advice::new(
            "Ten seconds after Ctrl-C your program still runs.",
            given,
        ));
    }
    let port = exporter.program.port;
    if !is_free(port) {
        return Err(Advice::new(
            format!("Your program ended, but port {port} is still in use."),
            given,
        ));
    }
    Ok(())
}

fn congratulation() -> String {
    format!(
        "
All {} steps passed: this is an exporter that Prometheus can scrape. Well done!

You have
  - defined a gauge, the type for a number that goes up and down, with a name and a description
    by which others find and understand it;
  - kept its value up to date in one place, apart from whoever asks for it;
  - served it in the format that Prometheus reads.

What next
  - See the same metric from a finished exporter, with nothing to write:  cargo run --release
    and then, in another terminal:  curl http://localhost:8000/metrics
  - Read what else there is to measure with:  cargo doc -p exporter-kit --open
  - Compare with one way to solve it:  exercises/1-exporter/solution/src/main.rs",
        STEPS.len() + 1
    )
}
