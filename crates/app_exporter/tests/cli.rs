//! Subcommands: their spellings, their output, and `check-config --connect`.

use std::io::ErrorKind;
use std::process::Command;

use crate::program::end;
use crate::support::{Port, Scratch, run, said};

fn printed(arguments: &[&str]) -> String {
    let output = end(arguments, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(output.stderr.is_empty(), "{}", said(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The flags and subcommands that there are, as `--help` has them.
fn words() -> Vec<String> {
    let help = printed(&["--help"]);
    let first = |line: &str| line.trim().split([' ', '=']).next().map(str::to_owned);
    let flags = help.lines().filter(|line| line.trim().starts_with("--"));
    let flags: Vec<_> = flags.filter_map(first).collect();
    assert!(flags.len() > 15, "{flags:?}");
    flags
}

const SUBCOMMANDS: [&str; 8] = [
    "check-metrics",
    "check-web-config",
    "check-config",
    "once",
    "sources",
    "schema",
    "completions",
    "man",
];

#[test]
fn every_shell_gets_a_script_that_knows_every_flag() {
    let words = words();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = printed(&["completions", shell]);
        for word in words.iter().map(String::as_str).chain(SUBCOMMANDS) {
            // Fish names a long option without its dashes.
            let word = if shell == "fish" {
                word.trim_start_matches('-')
            } else {
                word
            };
            assert!(script.contains(word), "{word} in {shell}'s");
        }
    }
    let refused = end(&["completions", "cmd"], &[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("bash, elvish, fish, powershell, zsh"));
}

#[test]
fn shells_find_nothing_wrong_with_their_scripts() {
    for shell in ["bash", "zsh", "fish"] {
        let script = printed(&["completions", shell]);
        let scratch = Scratch::new(&format!("completions-{shell}"));
        let file = scratch.write("script", &script);
        let mut check = Command::new(shell);
        check.arg("-n").arg(&file);
        match check.output() {
            Ok(output) => assert!(output.status.success(), "{shell}: {}", said(&output)),
            // Not everyone has them all.
            Err(error) => assert!(shell != "bash" && error.kind() == ErrorKind::NotFound),
        }
    }
}

#[test]
fn bash_completes_a_flag() {
    let script = printed(&["completions", "bash"]);
    let ask = "\nCOMP_WORDS=(app_exporter --config.w); COMP_CWORD=1\n\
               _app_exporter app_exporter --config.w app_exporter\necho \"${COMPREPLY[*]}\"\n";
    let output = run(&mut Command::new("bash"), &format!("{script}{ask}"));
    assert_eq!(said(&output).trim(), "--config.watch-interval");
}

#[test]
fn once_asks_one_source_or_a_template_about_an_allowed_target() {
    let scratch = Scratch::new("once-target");
    scratch.write("shop-a.txt", "7\n");
    let file = scratch.write(
        "config.yml",
        "sources:
  shop:
    probe: {targets: [main, 'shop-*']}
    file: {path: '${target}.txt', format: number}
    metrics: [{name: app_shop, help: A number.}]
  host:
    probe: {targets: ['*']}
    http: {url: 'http://${target}/', format: number}
    metrics: [{name: app_host, help: A number.}]
  plain:
    simulate: {steps: {values: [3]}}
    metrics: [{name: app_plain, help: A number.}]
",
    );
    let file = file.to_string_lossy();
    let once = |arguments: &[&str]| {
        let output = end(
            &[&["once", "--config.file", &file], arguments].concat(),
            &[],
        );
        let shown = String::from_utf8(output.stdout).expect("UTF-8");
        let shown = shown.lines().filter(|line| !line.starts_with('#'));
        let shown: Vec<_> = shown
            .filter(|line| !line.contains("_source_"))
            .map(str::to_owned)
            .collect();
        let failed = String::from_utf8(output.stderr).expect("UTF-8");
        (output.status.code(), shown.join("\n"), failed)
    };
    let fine = |line: &str| (Some(0), line.to_owned(), String::new());
    assert_eq!(once(&[]), fine("app_plain 3.0"));
    assert_eq!(once(&["--source=plain"]), fine("app_plain 3.0"));
    assert_eq!(
        once(&["--source=shop", "--target=shop-a"]),
        fine("app_shop 7.0")
    );
    for (arguments, message) in [
        (&["--source=shop", "--target=shop-b"][..], "shop: `"),
        (
            &["--source=shop", "--target=../shop-a"],
            "`../shop-a` is not one of the `targets` of the source `shop`; there are `main`, `shop-*`\n",
        ),
        (
            &["--source=host", "--target=2130706433"],
            "the source `host`: cannot use the target `2130706433`: ",
        ),
        (
            &["--target=shop-a"],
            "--target without a template; name one with --source; there are `host`, `shop`\n",
        ),
        (
            &["--source=host"],
            "the source `host` is a template; name a target with --target; there is `*`\n",
        ),
        (
            &["--source=plain", "--target=a"],
            "the source `plain` is not a template; ",
        ),
        (
            &["--source=shp"],
            "unknown source `shp`, did you mean `shop`?\n",
        ),
    ] {
        let (code, shown, failed) = once(arguments);
        assert_eq!((code, shown.as_str()), (Some(1), ""), "{failed}");
        assert!(failed.starts_with(message), "{arguments:?}: {failed}");
    }
}

#[test]
fn the_manual_page_is_one_and_has_every_flag() {
    let page = printed(&["man"]);
    assert!(page.contains(".TH app_exporter 1 "), "{page}");
    for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "SUBCOMMANDS"] {
        assert!(
            page.contains(&format!(".SH {section}\n")),
            "{section} in {page}"
        );
    }
    let plain = page.replace("\\-", "-");
    for word in words().iter().map(String::as_str).chain(SUBCOMMANDS) {
        assert!(plain.contains(word), "{word} in {page}");
    }
    assert!(plain.contains("APP_EXPORTER_CONFIG_FILE"), "{page}");
    let page = printed(&["man", "check-config"]);
    assert!(page.contains(".TH app_exporter-check-config 1 "), "{page}");
    assert!(page.replace("\\-", "-").contains("--connect"));
    let refused = end(&["man", "onse"], &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(
        said(&refused),
        "no subcommand `onse`, did you mean `once`?\n"
    );
}

#[test]
fn man_finds_nothing_wrong_with_the_page() {
    let scratch = Scratch::new("man");
    let file = scratch.write("app_exporter.1", &printed(&["man"]));
    let mut man = Command::new("man");
    man.args(["--warnings", "-E", "UTF-8", "-l", "-Tutf8"])
        .arg(&file);
    man.env("MANWIDTH", "80").env("LC_ALL", "C.UTF-8");
    match man.output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", said(&output));
            assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound),
    }
}

#[test]
fn check_config_connects_if_asked_and_says_of_each_source_how_that_went() {
    let scratch = Scratch::new("check-config-connect");
    // Nobody listens there.
    let port = Port::reserve();
    let closed = port.address;
    // Three rows of numbers, and the one of the file.
    scratch.write("rows.csv", "a\n1\n2\n3\n");
    let good = "sources:
  rows:
    file: {path: rows.csv, format: {csv: {}}}
    metrics: [{name: app_rows, help: Rows., duplicates: count}]
  template:
    probe: {targets: [a]}
    file: {path: '${target}', format: number}
    metrics: [{name: app_template, help: A number.}]
";
    let check = |text: &str, arguments: &[&str]| {
        let file = scratch.write("config.yml", text);
        let name = file.to_string_lossy().into_owned();
        let output = end(&[&["check-config", &name], arguments].concat(), &[]);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&name, "FILE");
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    let (code, told, failed) = check(good, &["--connect"]);
    assert_eq!((code, failed.as_str()), (Some(0), ""));
    assert_eq!(
        told,
        "FILE: OK: 2 sources, 2 metrics\nrows: OK, rows: 3\n\
         template: skipped, as it is a template; try it with `once --config.file FILE --source template --target …`\n"
    );
    let bad = format!(
        "{good}  down:
    http: {{url: 'http://{closed}/', format: number}}
    metrics: [{{name: app_down, help: A number.}}]
  part:
    file: {{path: rows.csv, format: {{csv: {{}}}}}}
    metrics: [{{name: app_part, help: A number., value: a}}]
  hangs:
    command: {{argv: [sleep, '60'], format: number}}
    metrics: [{{name: app_wait_milliseconds, help: A number.}}]
"
    );
    // Without being told to it asks nobody.
    assert_eq!(check(&bad, &[]).0, Some(3));
    // Where the machine stands still for so long that not even a file was read, there is more time.
    let (told, failed) = [1, 2, 4, 8, 16]
        .into_iter()
        .map(|seconds| {
            let (code, told, failed) =
                check(&bad, &["--connect", &format!("--timeout={seconds}s")]);
            assert_eq!(code, Some(4), "{told}{failed}");
            (told, failed)
        })
        .find(|(told, failed)| {
            let is_done = told.contains("\nrows: OK, rows: 3\n");
            is_done && failed.contains("part: only a part, rows: 3: ")
        })
        .expect("time enough for two files");
    for line in [
        "down: failed: ",
        "part: only a part, rows: 3: ",
        "hangs: failed: ",
        "FILE:",
    ] {
        let found = failed.lines().any(|it| it.starts_with(line));
        assert!(found, "{line} in {failed}");
    }
    assert!(!format!("{told}{failed}").contains("# TYPE"));
}

/// One source with one metric, and the folder of the file.
fn one_source(test: &str, text: &str) -> (Scratch, String) {
    let scratch = Scratch::new(test);
    let file = scratch.write("config.yml", text);
    let name = file.to_string_lossy().into_owned();
    (scratch, name)
}

const SEVEN: &str =
    "sources: {a: {simulate: {steps: {values: [7]}}, metrics: [{name: app_a, help: A number.}]}}\n";

#[test]
fn every_spelling_names_the_configuration_file() {
    let (_scratch, file) = one_source("spellings", SEVEN);
    let (flag, wrong) = (format!("--config.file={file}"), "--config.file=/dev/null/x");
    let variable = [("APP_EXPORTER_CONFIG_FILE", file.as_str())];
    let wrong_variable = [("APP_EXPORTER_CONFIG_FILE", "/dev/null/x")];
    let none: &[(&str, &str)] = &[];
    for (arguments, variables) in [
        (&["once", &flag][..], none),
        (&["once", "--config.file", &file], none),
        (&[&flag, "once"], none),
        (&["--config.file", &file, "once", "--timeout=60s"], none),
        (&["once"], &variable),
        // A flag wins over the variable, and what is nearer to the command wins over what is before it.
        (&["once", &flag], &wrong_variable),
        (&[&flag, "once"], &wrong_variable),
        (&[wrong, "once", &flag], none),
    ] {
        let output = end(arguments, variables);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {text}");
        assert!(text.contains("\napp_a 7.0\n"), "{arguments:?}: {text}");
    }
    let ok = format!("{file}: OK: 1 source, 1 metric\n");
    for (arguments, variables) in [
        (&["check-config", &file][..], none),
        (&["check-config", &flag], none),
        (&[&flag, "check-config"], none),
        (&["check-config"], &variable),
        (&["check-config", &file], &wrong_variable),
        (&[wrong, "check-config", &file], none),
    ] {
        let output = end(arguments, variables);
        assert_eq!(said(&output), ok, "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
    let ok = format!("{file}: OK\n");
    std::fs::write(&file, "{}\n").expect("the file");
    let flag = format!("--web.config.file={file}");
    let variable = [("APP_EXPORTER_WEB_CONFIG_FILE", file.as_str())];
    for (arguments, variables) in [
        (&["check-web-config", &file][..], none),
        (&["check-web-config", &flag], none),
        (&[&flag, "check-web-config"], none),
        (&["check-web-config"], &variable),
    ] {
        let output = end(arguments, variables);
        assert_eq!(said(&output), ok, "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn a_command_without_its_file_names_the_flag_and_the_variable() {
    for (command, flag, variable) in [
        ("once", "--config.file", "APP_EXPORTER_CONFIG_FILE"),
        ("check-config", "--config.file", "APP_EXPORTER_CONFIG_FILE"),
        (
            "check-web-config",
            "--web.config.file",
            "APP_EXPORTER_WEB_CONFIG_FILE",
        ),
    ] {
        let output = end(&[command], &[]);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.starts_with("error: no "), "{text}");
        assert!(text.contains(flag) && text.contains(variable), "{text}");
    }
    // The help of a command lists them too, with their variables.
    for command in ["once", "check-config"] {
        let help = printed(&[command, "--help"]);
        assert!(help.contains("--config.file <FILE>"), "{help}");
        assert!(help.contains("[env: APP_EXPORTER_CONFIG_FILE]"), "{help}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_an_error_unless_the_reader_closed_the_pipe() {
    use std::fs::File;
    use std::process::Stdio;

    use crate::program::command;

    let (scratch, file) = one_source("full", SEVEN);
    let web = scratch.write("web.yml", "{}\n");
    let web = web.to_string_lossy();
    let flag = format!("--config.file={file}");
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["once", "--help"],
        &["once", &flag],
        &["check-config", &file],
        &["check-config", "--connect", &file],
        &["check-web-config", &web],
        &["sources"],
        &["schema"],
        &["reference"],
        &["completions", "bash"],
        &["man"],
        &["man", "once"],
    ] {
        let full = File::options().write(true).open("/dev/full").expect("it");
        let mut program = command(arguments, &[]);
        let output = program.stdout(full).output().expect("it starts");
        assert_eq!(
            said(&output),
            "standard output: cannot write: No space left on device (os error 28)\n",
            "{arguments:?}"
        );
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");

        // The reading end is closed before the program starts.
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut program = command(arguments, &[]);
        let output = program.stdout(Stdio::from(writer)).output();
        let output = output.expect("it starts");
        assert_eq!(said(&output), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn sources_that_match_nothing_are_reported() {
    let (scratch, file) = one_source(
        "empty",
        "sources:
  path:
    file: {path: numbers.json, format: {json: {rows: '$.sesions[*]'}}}
    metrics: [{name: app_path, help: A number., value: n}]
  glob:
    file: {path: 'none-*.json', format: {json: {}}}
    metrics: [{name: app_glob, help: A number., value: n}]
  some:
    file: {path: numbers.json, format: {json: {rows: '$.sessions[*]'}}}
    metrics: [{name: app_some, help: A number., value: n}]
",
    );
    scratch.write("numbers.json", "{\"sessions\": [{\"n\": 5}]}\n");
    let empty = |name: &str| {
        format!(
            "{name}: no rows, so its metrics have no samples; check its path, pattern or query\n"
        )
    };
    let output = end(&["once", "--config.file", &file], &[]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("\napp_some 5.0\n"), "{text}");
    for name in ["path", "glob"] {
        let rows = format!("app_exporter_source_rows{{source=\"{name}\"}} 0.0\n");
        assert!(text.contains(&rows), "{text}");
    }
    let notes = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{notes}");
    assert_eq!(notes, empty("glob") + &empty("path"));

    let report = printed(&["check-config", "--connect", &file]);
    for line in [&*empty("glob"), &empty("path"), "some: OK, rows: 1\n"] {
        assert!(report.contains(line), "{report}");
    }
}
