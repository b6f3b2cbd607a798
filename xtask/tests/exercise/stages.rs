//! Every stage of the work, and the mistakes that are made on the way.

use super::{Learner, SOLUTION, STARTER};

/// A learner's lines, and the lines of the starter that they stand before.
const GAUGE: &str = r#"let active_sessions = registry.gauge("app_active_sessions", "Number of active user sessions")?;"#;
pub(crate) const AFTER_TODO_1: &str = "// Given: `collect_metrics()` finds out";
const SET: &str = "active_sessions.set(fastrand::u32(10..=100));";
/// The end of the closure.
const TODO_2: &str = "    };\n\n    // Given: collect once";
const SERVE: &str = "let _server = exporter_kit::serve(([0, 0, 0, 0], port), &registry)?;";
const AFTER_TODO_3: &str = "println!(\"With TODO 3";

fn starter(name: &str) -> Learner {
    Learner::copies(STARTER, name)
}

fn at_todo_2(line: &str) -> String {
    format!("        {line}\n{TODO_2}")
}

fn with_gauge(name: &str) -> Learner {
    starter(name).write(GAUGE, AFTER_TODO_1)
}

fn with_value(name: &str) -> Learner {
    with_gauge(name).edit(TODO_2, &at_todo_2(SET))
}

fn with_server(name: &str) -> Learner {
    with_value(name).write(SERVE, AFTER_TODO_3)
}

#[test]
fn the_starter_is_open_at_its_first_todo() {
    let answer = starter("starter").checked();
    answer.is_open_at(2, &["no metric yet", "TODO 1", "`Background`"]);
}

#[test]
fn a_gauge_that_is_not_set_is_open_at_the_value() {
    let answer = with_gauge("gauge").checked();
    answer.is_open_at(3, &["is 0.0", "TODO 2"]);
}

#[test]
fn a_value_that_stays_is_open_at_the_change() {
    let answer = with_gauge("stays").edit(TODO_2, &at_todo_2("active_sessions.set(45);"));
    answer
        .checked()
        .is_open_at(4, &["45", "TODO 2", "every 5 seconds"]);
}

#[test]
fn without_a_server_the_server_is_open() {
    let answer = with_value("value").checked();
    answer.is_open_at(5, &["Nothing answers on port", "TODO 3"]);
}

#[test]
fn all_three_todos_are_all_there_is_to_do() {
    with_server("done").checked().passed();
}

#[test]
fn the_solution_passes() {
    Learner::copies(SOLUTION, "solution").checked().passed();
}

#[test]
fn a_program_that_does_not_compile_is_shown_what_the_compiler_says() {
    let answer = with_gauge("typo")
        .edit("registry.gauge(", "registry.guage(")
        .checked();
    answer.is_open_at(
        1,
        &[
            "no method named `guage`",
            "--> src/main.rs",
            "first message",
        ],
    );
}

#[test]
fn a_gauge_that_differs_is_told_how() {
    let name = with_value("name").edit("(\"app_active_sessions\"", "(\"active_sessions\"");
    name.checked()
        .is_open_at(2, &["`active_sessions`", "TODO 1", "letter by letter"]);

    let description = with_value("description").edit("active user sessions\")", "users\")");
    let wanted = [
        "yours:  Number of users",
        "wanted: Number of active user sessions",
    ];
    description.checked().is_open_at(2, &wanted);

    let counter = starter("counter")
        .write("let define = exporter_kit::Counter::define;", AFTER_TODO_1)
        .write(
            "registry.add(define(\"app_active_sessions_total\", \"x\"))?;",
            AFTER_TODO_1,
        );
    counter
        .checked()
        .is_open_at(2, &["counter `app_active_sessions_total`", "down"]);

    // What is no gauge and has the name all the same.
    let shown = "\"# TYPE app_active_sessions histogram\\n\"";
    let histogram = starter("histogram").edit("registry.to_text()", shown);
    histogram
        .checked()
        .is_open_at(2, &["is a histogram, not a gauge", "`Background`"]);
}

#[test]
fn a_counter_is_the_wrong_type() {
    let counter = with_gauge("type").edit("registry.gauge(", "registry.counter(");
    counter.checked().is_open_at(
        2,
        &[
            "ended by itself",
            "rule for a counter",
            "goes down",
            "right without `_total`",
        ],
    );
}

#[test]
fn swapped_arguments_are_seen_by_the_name() {
    let swapped = with_gauge("swapped").edit(
        r#""app_active_sessions", "Number of active user sessions""#,
        r#""Number of active user sessions", "app_active_sessions""#,
    );
    swapped
        .checked()
        .is_open_at(2, &["description stands where the name belongs"]);
}

const WITH_LABEL: &str = "let active_sessions = registry.add(exporter_kit::Gauge::define(\
     \"app_active_sessions\", \"Number of active user sessions\").labels([LABEL]))?;";

#[test]
fn a_label_is_named_and_its_value_is_not_taken_for_zero() {
    let line = WITH_LABEL.replace("LABEL", "\"app\"");
    let labelled = starter("label").write(&line, AFTER_TODO_1).edit(
        TODO_2,
        &at_todo_2("active_sessions.with([\"web\"]).set(fastrand::u32(10..=100));"),
    );
    labelled.checked().is_open_at(
        2,
        &["has labels", "{app=\"web\"}", "One number is asked for"],
    );

    let line = WITH_LABEL.replace("LABEL", "\"a-b\"");
    let bad = starter("bad-label").write(&line, AFTER_TODO_1);
    bad.checked()
        .is_open_at(2, &["`a-b`", "message says what is wrong"]);
}

#[test]
fn a_loop_before_the_printing_is_named_with_the_compilers_warning() {
    let own = "loop { thread::sleep(Duration::from_secs(5)); collect_metrics(); }";
    let looping = with_value("looping").write(own, "// TODO 3: Start the HTTP server.");
    looping.checked().is_open_at(
        2,
        &[
            "never comes to the line",
            "warning: unreachable",
            "`loop` of your own is not needed",
        ],
    );

    let printing = "        println!(\"A scrape now shows:\\n{}\", registry.to_text());\n";
    let silent = with_value("no-printing").edit(printing, "");
    silent
        .checked()
        .is_open_at(2, &["neither prints", "Keep the given line"]);
}

#[test]
fn a_panic_is_not_taken_for_an_error_of_a_question_mark() {
    let panics = with_gauge("panics").edit(TODO_2, &at_todo_2("panic!(\"no sessions\");"));
    panics
        .checked()
        .is_open_at(2, &["no sessions", "The program panicked, at the line"]);

    let gauge = GAUGE.replace(")?;", ").unwrap();");
    let inside = format!("{gauge}\n        {SET}");
    let inside = starter("inside").edit(TODO_2, &at_todo_2(&inside));
    inside
        .checked()
        .is_open_at(4, &["made a second time", "Make the gauge once"]);
}

#[test]
fn numbers_that_are_added_up_do_not_pass_by_luck() {
    let adds = "active_sessions.inc_by(fastrand::u32(30..=40));";
    let adds = with_gauge("adds").edit(TODO_2, &at_todo_2(adds));
    adds.checked()
        .is_open_at(4, &["The value only grows: 3", "one that replaces it"]);
}

#[test]
fn an_error_of_the_server_that_is_kept_is_found() {
    let swallows = with_server("swallows").edit("&registry)?;", "&registry);");
    swallows
        .checked()
        .is_open_at(5, &["without an error", "gives a `Result`"]);
}

#[test]
fn a_copy_inside_a_workspace_is_told_to_move() {
    let copy = starter("copied").inside_a_workspace();
    copy.checked()
        .is_open_at(1, &["inside another cargo workspace", "`[workspace]`"]);
}

#[test]
fn a_value_that_is_out_of_range_is_told() {
    let answer = with_gauge("range").edit(TODO_2, &at_todo_2("active_sessions.set(5);"));
    answer
        .checked()
        .is_open_at(3, &["is 5, and that is not from 10 to 100", "TODO 2"]);
}

#[test]
fn a_program_that_ends_by_itself_is_quoted() {
    let answer = with_gauge("ends").edit("(\"app_active_sessions\"", "(\"app-active-sessions\"");
    answer
        .checked()
        .is_open_at(2, &["ended by itself", "app-active-sessions"]);
}

#[test]
fn a_server_that_is_dropped_at_once_is_told_about_names() {
    let answer = with_server("dropped").edit("let _server = exporter_kit", "let _ = exporter_kit");
    answer
        .checked()
        .is_open_at(5, &["Nothing answers", "dropped", "`_server` is one"]);
}

#[test]
fn a_server_of_another_registry_is_told_which() {
    let answer = with_server("another").edit("&registry)?;", "&Registry::new())?;");
    answer.checked().is_open_at(
        5,
        &[
            "`app_active_sessions` is not among",
            "the one that made the gauge",
        ],
    );
}

/// The program starts itself a second time, and that one serves. Ctrl-C without a terminal does not reach it; it ends when
/// its standard output is closed.
#[test]
fn a_port_that_ctrl_c_does_not_free_is_told() {
    let start = "if std::env::args().nth(2).is_none() { \
         let arguments = [port.to_string(), \"second\".to_owned()]; \
         let second = std::process::Command::new(std::env::current_exe()?).args(arguments).status()?; \
         return Err(second.to_string().into()); }";
    let answer = with_server("second").write(start, "// Given: the registry.");
    answer
        .checked()
        .is_open_at(6, &["is still in use", "goes on running"]);
}

#[test]
fn whoever_takes_the_printing_out_is_asked_over_http() {
    let printing = "        println!(\"A scrape now shows:\\n{}\", registry.to_text());\n";
    with_server("silent").edit(printing, "").checked().passed();
}

#[test]
fn an_exercise_that_is_not_there_is_a_usage_error() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["exercise", "2"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("no exercise `2`"), "{said}");
}
