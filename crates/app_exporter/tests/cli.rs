//! Output of the program about itself, and of `check-config --connect`.

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
        (
            &["--source=shop", "--target=shop-b"][..],
            "shop: can't read `",
        ),
        (
            &["--source=shop", "--target=../shop-a"],
            "`../shop-a` is none of the `targets` of the source `shop`; there are `main`, `shop-*`\n",
        ),
        (
            &["--source=host", "--target=2130706433"],
            "the source `host` can't be asked about `2130706433`: ",
        ),
        (
            &["--target=shop-a"],
            "say by --source which template to ask; there are `host`, `shop`\n",
        ),
        (
            &["--source=host"],
            "the source `host` is a template; say by --target what to ask it about; there is `*`\n",
        ),
        (
            &["--source=plain", "--target=a"],
            "the source `plain` is asked about no target; ",
        ),
        (
            &["--source=shp"],
            "no source named `shp`, did you mean `shop`?\n",
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
        "FILE: can be used: sources: 2, metrics: 2\nrows: ok: rows: 3\n\
         template: a template, not asked; `once --config.file FILE --source template --target …` does\n"
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
            let is_done = told.contains("\nrows: ok: rows: 3\n");
            is_done && failed.contains("part: rows: 3, but")
        })
        .expect("time enough for two files");
    for line in [
        "down: failed: ",
        "part: rows: 3, but only a part: ",
        "hangs: failed: ",
        "FILE:",
    ] {
        let found = failed.lines().any(|it| it.starts_with(line));
        assert!(found, "{line} in {failed}");
    }
    assert!(!format!("{told}{failed}").contains("# TYPE"));
}
