//! A configuration of several files: a folder, a pattern, and includes.

use std::fs;
use std::path::Path;

use crate::program::end;
#[cfg(unix)]
use crate::program::{Running, get};
#[cfg(unix)]
use crate::support::wait_until;
use crate::support::{Scratch, assert_lines};

/// A file with one source, which reads a number from a file beside it.
fn source(name: &str) -> String {
    format!(
        "sources:\n  {name}:\n    file: {{path: {name}.txt, format: number}}\n    \
         metrics: [{{name: app_shop{name}, help: A number.}}]\n"
    )
}

/// Writes the files.
fn write(scratch: &Scratch, files: &[(&str, &str)]) {
    for (name, content) in files {
        scratch.write(name, content);
    }
}

/// The exit code and the output of a command, in which the folder of the test is `DIR`.
fn run(scratch: &Scratch, arguments: &[&str]) -> (Option<i32>, String) {
    let output = end(arguments, &[("PART", "a")]);
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).expect("UTF-8");
    let folder = scratch.path().to_string_lossy().into_owned();
    (output.status.code(), said.replace(&folder, "DIR"))
}

fn at(scratch: &Scratch, path: &str) -> String {
    scratch.path().join(path).to_string_lossy().into_owned()
}

#[test]
fn a_folder_a_pattern_and_includes_are_one_configuration() {
    let scratch = Scratch::new("several-files");
    write(
        &scratch,
        &[
            ("conf.d/a.yml", &source("a")),
            ("conf.d/a.txt", "1"),
            ("conf.d/b.yaml", &source("b")),
            ("conf.d/b.txt", "2"),
            // Leftovers of editors and packages, and what is something else.
            ("conf.d/a.yml~", "broken: {"),
            ("conf.d/.a.yml.swp", "broken: {"),
            ("conf.d/.hidden.yml", "broken: {"),
            ("conf.d/#a.yml#", "broken: {"),
            ("conf.d/a.yml.dpkg-old", "broken: {"),
            ("conf.d/a.yml.bak", "broken: {"),
            ("conf.d/README", "broken: {"),
            ("conf.d/sub.yml/c.yml", "broken: {"),
            // One file in each way: by name, by folder, by pattern, and from within.
            (
                "main.yml",
                "include:\n- conf.d/a.yml\n- conf.d\n- 'conf.d/*'\n- shops/*/shop.yml\n- '${PART}.yml'\n- m*.yml\n",
            ),
            ("a.yml", "x-nothing: 1\nsources: {}\n"),
            (
                "shops/north/shop.yml",
                &format!("include: [../../main.yml]\n{}", source("north")),
            ),
            ("shops/north/north.txt", "3"),
            ("shops/south/shop.yml", &source("south")),
            ("shops/south/south.txt", "4"),
        ],
    );
    for (path, count, found) in [
        ("conf.d", "2 files, 2 sources, 2 metrics", "app_shopb 2.0"),
        ("conf.d/*", "2 files, 2 sources, 2 metrics", "app_shopa 1.0"),
        ("conf.d/?.yaml", "1 source, 1 metric", "app_shopb 2.0"),
        (
            "main.yml",
            "6 files, 4 sources, 4 metrics",
            "app_shopnorth 3.0",
        ),
        (
            "shops/*/shop.yml",
            "6 files, 4 sources, 4 metrics",
            "app_shopsouth 4.0",
        ),
    ] {
        let file = at(&scratch, path);
        let (code, said) = run(&scratch, &["check-config", &file]);
        assert_eq!(
            (code, said),
            (Some(0), format!("DIR/{path}: OK: {count}\n")),
            "{path}"
        );
        let (code, text) = run(&scratch, &["once", "--config.file", &file]);
        assert_eq!(code, Some(0), "{path}: {text}");
        assert_lines(&text, &[found]);
    }
    // A file may have the name of a pattern.
    write(
        &scratch,
        &[("odd[1].yml", &source("odd")), ("odd.txt", "5")],
    );
    let (_, text) = run(
        &scratch,
        &["once", "--config.file", &at(&scratch, "odd[1].yml")],
    );
    assert_lines(&text, &["app_shopodd 5.0"]);
}

#[test]
fn each_mistake_names_its_file() {
    let help = |help: &str| {
        source("b")
            .replace("A number.", help)
            .replace("app_shopb", "app_shopa")
    };
    let (other_help, unknown) = (help("Another."), source("b").replace("file:", "fil:"));
    let no_number = source("b").replace("format: number", "format: {json: {row: 1}}");
    for (path, files, expected) in [
        (
            "d",
            &[("d/a.yml", source("a")), ("d/b.yml", source("a"))][..],
            "DIR/d/b.yml:2:3: duplicate source `a`, which DIR/d/a.yml:2:3 has too; remove or rename one of the two\n",
        ),
        (
            "d",
            &[("d/a.yml", source("a")), ("d/b.yml", other_help)],
            "DIR/d/b.yml:4:22: the metric `app_shopa` has another `help` in DIR/d/a.yml:4:22; use the same in both\n",
        ),
        (
            "d",
            &[
                ("d/a.yml", unknown),
                ("d/b.yml", no_number),
                ("d/c.yml", source("c")),
            ],
            "DIR/d/a.yml:3:5: unknown key `fil`, did you mean `file`?\nDIR/d/b.yml:3:41: unknown key `row`, did you mean `rows`?\n",
        ),
        (
            "a.yml",
            &[
                ("a.yml", "include: [b.yml, b.yml]\n".to_owned()),
                ("b.yml", source("b")),
            ],
            "DIR/a.yml:1:18: duplicate include `b.yml`, which line 1 has too; remove one of the two\n",
        ),
        (
            "a.yml",
            &[
                (
                    "a.yml",
                    "sources: {}\ninclude: [b.yml, 'd/*.yml', 'e/*.yml', e]\n".to_owned(),
                ),
                ("d/b.yml", source("b")),
                ("e/b.yml~", source("b")),
            ],
            "DIR/a.yml:2:11: cannot include `b.yml`: No such file or directory (os error 2); check its path and permissions\n\
             DIR/a.yml:2:29: cannot include `e/*.yml`: no file that ends in `.yml` or `.yaml` matches; add one, or change the pattern\n\
             DIR/a.yml:2:40: cannot include `e`: no file of this folder ends in `.yml` or `.yaml`; add one, or name another folder\n",
        ),
        (
            "a.yml",
            &[("a.yml", "include: ['f/*.yml', 'f/[.yml', '']\n".to_owned())],
            "DIR/a.yml:1:11: cannot include `f/*.yml`: `DIR/f`: cannot read: No such file or directory (os error 2); check the path and its permissions\n\
             DIR/a.yml:1:22: cannot include `f/[.yml`: invalid pattern `f/[.yml`: invalid range pattern at character 3; write one such as /tmp/sess_*\n\
             DIR/a.yml:1:33: cannot include ``: the path is empty; write one\n",
        ),
        (
            "a.yml",
            &[("a.yml", "include: b.yml\n".to_owned())],
            "DIR/a.yml:1:10: `include`: expected a list, found a string; write items after `- `, or as in `[a, b]`\n",
        ),
        (
            "a.yml",
            &[("a.yml", "include: ['${NOT_SET}.yml']\n".to_owned())],
            "DIR/a.yml:1:11: the environment variable `NOT_SET` is not set; set it, or write `$${NOT_SET}` for the string itself\n",
        ),
        (
            "a.yml",
            &[
                ("a.yml", "include: [b.yml]\n".to_owned()),
                ("b.yml", "x: 1\n".to_owned()),
            ],
            "DIR/b.yml:1:1: unknown key `x`; there are `sources`, `include`\n",
        ),
        (
            "d",
            &[("d/b.yml.swp", source("b"))],
            "DIR/d: cannot read the configuration: no file of this folder ends in `.yml` or `.yaml`; add one, or name another folder\n",
        ),
        (
            "d/*.yml",
            &[("d/b.conf", source("b"))],
            "DIR/d/*.yml: cannot read the configuration: no file that ends in `.yml` or `.yaml` matches; add one, or change the pattern\n",
        ),
        (
            "d.yml",
            &[],
            "DIR/d.yml: cannot read the file: No such file or directory (os error 2); check its path and permissions\n",
        ),
    ] {
        let scratch = Scratch::new("several-files-mistakes");
        for (name, content) in files {
            scratch.write(name, content);
        }
        let (code, said) = run(&scratch, &["check-config", &at(&scratch, path)]);
        assert_eq!(said, expected);
        assert_eq!(code, Some(1));
    }
}

#[test]
fn a_finding_about_a_name_has_its_file() {
    let scratch = Scratch::new("several-files-names");
    let odd = source("b").replace("app_shopb", "app_milliseconds");
    write(&scratch, &[("d/a.yml", &source("a")), ("d/b.yml", &odd)]);
    let (code, said) = run(&scratch, &["check-config", &at(&scratch, "d")]);
    assert_eq!(code, Some(3));
    assert!(
        said.contains("DIR/d/b.yml:4:22: app_milliseconds: "),
        "{said}"
    );
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_named() {
    let scratch = Scratch::new("several-files-link");
    write(&scratch, &[("d/a.yml", &source("a"))]);
    let link = scratch.path().join("d/b.yml");
    std::os::unix::fs::symlink("gone.yml", link).expect("a link");
    let (code, said) = run(&scratch, &["check-config", &at(&scratch, "d")]);
    assert_eq!(code, Some(1));
    assert!(
        said.starts_with("DIR/d/b.yml: cannot read the file: "),
        "{said}"
    );
}

#[cfg(unix)]
#[test]
fn files_may_appear_change_break_and_disappear() {
    let scratch = Scratch::new("several-files-watch");
    let shown = |name: &str, number: u32| {
        format!(
            "sources:\n  {name}:\n    simulate: {{steps: {{values: [{number}], every: 1h}}}}\n    \
             metrics: [{{name: app_{name}, help: A number.}}]\n"
        )
    };
    write(
        &scratch,
        &[
            (
                "d/a.yml",
                &format!("include: [../more/*.yml]\n{}", shown("a", 1)),
            ),
            ("more/b.yml", &shown("b", 2)),
            ("more/moving.yml", &source("moving")),
            ("more/moving.txt", "3"),
            ("other/moving.txt", "4"),
        ],
    );
    let folder = at(&scratch, "d");
    let (mut running, address) =
        Running::listening(&["--config.file", &folder, "--config.watch-interval=20ms"]);
    let wait_for = |line: &str| {
        wait_until(line, || {
            let (_, metrics) = get(address, "/metrics");
            metrics.lines().any(|found| found == line)
        });
    };
    wait_for("app_b 2.0");
    wait_for("app_shopmoving 3.0");
    // A file appears beside each.
    scratch.write("d/c.yml", &shown("c", 3));
    wait_for("app_c 3.0");
    scratch.write("more/d.yml", &shown("d", 4));
    wait_for("app_d 4.0");
    let (_, page) = get(address, "/config");
    for part in ["d/a.yml", "more/b.yml", "app_b", "app_d"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // One breaks, which changes nothing.
    scratch.write("more/d.yml", "sources: {d: {simulat: {}}}\n");
    let (path, line) = (
        at(&scratch, "d/../more/d.yml"),
        ":1:15: unknown key `simulat`",
    );
    running.wait_for(|log| log.contains(&format!("{path}{line}")).then_some(()));
    wait_for("app_exporter_config_last_reload_successful 0.0");
    wait_for("app_d 4.0");
    // The folder of its relative path is part of a source.
    fs::create_dir_all(scratch.path().join("other")).expect("a folder");
    let rename = |from: &str, to: &str| {
        fs::rename(scratch.path().join(from), scratch.path().join(to)).expect("moved");
    };
    scratch.write("more/d.yml", "include: [../other/*.yml]\n");
    rename("more/moving.yml", "other/moving.yml");
    wait_for("app_shopmoving 4.0");
    wait_for("app_exporter_config_last_reload_successful 1.0");
    let gone = |name: &str| {
        wait_until(name, || {
            let (_, metrics) = get(address, "/metrics");
            !metrics.contains(name)
        });
    };
    gone("app_d ");
    rename("d/c.yml", "d/c.yml.off");
    gone("app_c ");
    // The last file of a pattern.
    fs::remove_file(Path::new(&at(&scratch, "other/moving.yml"))).expect("it is there");
    wait_for("app_exporter_config_last_reload_successful 0.0");
    wait_for("app_shopmoving 4.0");
}
