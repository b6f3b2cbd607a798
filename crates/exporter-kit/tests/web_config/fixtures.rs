//! Every fixture gets its verdict: from the check, and from a server that is to start with it.

use std::fs;
use std::path::Path;

use exporter_kit::toolkit::check_web_config;

use super::authority::Folder;

/// The names of the fixtures that end in `ending`, without that.
fn named(ending: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/web_config/fixtures");
    let files = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = files
        .filter_map(|file| {
            let name = file.unwrap().file_name().into_string().unwrap();
            Some(name.strip_suffix(ending)?.to_owned())
        })
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_good_is_accepted() {
    let folder = Folder::new("good");
    let names = named(".good.yml");
    assert!(names.len() > 25, "{names:?}");
    for name in names {
        let file = folder.take(&format!("{name}.good.yml"));
        let checked = check_web_config(&file);
        assert!(checked.is_ok(), "{name}: {checked:?}");
        assert!(folder.serve_file().is_ok(), "{name}");
    }
}

#[test]
fn what_is_bad_is_refused_with_its_message() {
    let folder = Folder::new("bad");
    let names = named(".bad.yml");
    assert!(names.len() > 40, "{names:?}");
    let here = format!(
        "{}/",
        folder.path("").display().to_string().trim_end_matches('/')
    );
    let mut wrong = Vec::new();
    for name in names {
        let file = folder.take(&format!("{name}.bad.yml"));
        let expected = super::authority::fixture(&format!("{name}.bad.txt"));
        let said = match check_web_config(&file) {
            Ok(_) => "accepted".to_owned(),
            Err(error) => error.to_string().replace(&here, ""),
        };
        if said != expected.trim_end() {
            wrong.push(format!("{name}:\n  {said}\n  {expected}"));
        }
        let refused = folder
            .serve_file()
            .unwrap_err()
            .to_string()
            .replace(&here, "");
        assert_eq!(
            refused,
            format!("cannot use the web configuration: {said}"),
            "{name}"
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = check_web_config("somefile").unwrap_err().to_string();
    assert_eq!(
        error,
        "somefile: open `somefile`: no such file or directory; create the file, or correct its path"
    );
}

#[test]
fn what_is_narrowed_is_told() {
    let folder = Folder::new("narrowed");
    for (name, expected) in [
        ("no_auth", None),
        (
            "all_curves",
            Some("unsupported curves are ignored: `CurveP521`"),
        ),
        ("old_minimum", Some("`TLS10` is raised to `TLS12`")),
        (
            "ciphers_that_go_has_alone",
            Some(
                "`TLS_RSA_WITH_AES_128_CBC_SHA`, `TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA` are ignored",
            ),
        ),
        ("users_without_tls", Some("logins are required without TLS")),
    ] {
        let file = folder.take(&format!("{name}.good.yml"));
        let notices = check_web_config(&file).unwrap().join("\n");
        match expected {
            None => assert_eq!(notices, "", "{name}"),
            Some(expected) => assert!(notices.contains(expected), "{name}: {notices}"),
        }
    }
}

#[test]
fn the_examples_of_the_documentation_are_accepted() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/web-config.md");
    let page = fs::read_to_string(page).unwrap();
    let folder = Folder::new("documentation");
    let examples: Vec<_> = page.split("```yaml\n").skip(1).collect();
    assert!(!examples.is_empty());
    for example in examples {
        let text = example.split("```").next().unwrap();
        let checked = check_web_config(folder.write("web.yml", text));
        assert!(checked.is_ok(), "{text}: {checked:?}");
    }
}
