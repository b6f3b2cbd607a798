//! Variables in values of every type.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;
use crate::config::{At, HiddenTemplate, TargetString};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    name: At<String>,
    labels: BTreeMap<String, String>,
    ports: Vec<At<u16>>,
    ratio: Option<f64>,
    on: bool,
    path: TargetString,
    secret: At<HiddenTemplate>,
}

fn read(text: &str) -> Result<Keys, String> {
    let variables = |name: &str| match name {
        "NAME" => Some("a$b${NAME}".to_owned()),
        "PORT" => Some("80".to_owned()),
        "ON" => Some("true".to_owned()),
        _ => None,
    };
    serde_saphyr::with_deserializer_from_str(text, |yaml| {
        Keys::deserialize(Expanding::new(yaml, &variables))
    })
    .map_err(|error| error.to_string())
}

const TEXT: &str = "name: x${NAME}
labels: {'${NAME}': \"${PORT}$$\", regex: '^a{2}$'}
ports: ['${PORT}', 81, '82']
ratio: ${PORT}
on: ${ON}
path: ${PORT}/${target}
secret: ${NAME}
";

#[test]
fn variables_are_replaced_once_in_every_value_and_in_no_key() {
    let keys = read(TEXT).unwrap();
    assert_eq!(&**keys.name, "xa$b${NAME}");
    assert_eq!((keys.name.place().line, keys.name.place().column), (1, 7));
    let labels = [("${NAME}", "80$"), ("regex", "^a{2}$")];
    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(keys.labels, BTreeMap::from(labels));
    let ports: Vec<u16> = keys.ports.iter().map(|port| **port).collect();
    assert_eq!(
        (ports, keys.ratio, keys.on),
        (vec![80, 81, 82], Some(80.0), true)
    );
    assert_eq!(keys.path.as_str(), "80/${target}");
    let secret = keys.secret.resolved(&|_| Some("y".to_owned())).unwrap();
    assert_eq!(secret, "y");
}

#[test]
fn what_stands_for_nothing_is_an_error_with_its_place() {
    for (from, to, expected) in [
        (
            "x${NAME}",
            "x${GONE}",
            "the environment variable `GONE` is not set",
        ),
        ("x${NAME}", "x${target}", "`${target}` "),
        ("81", "'${ON}'", "`${ON}` is not an integer in range"),
        ("on: ${ON}", "on: ${PORT}", "`${PORT}` is not a boolean"),
    ] {
        let error = read(&TEXT.replace(from, to)).unwrap_err();
        assert!(
            error.contains(expected) && error.contains("line"),
            "{error}"
        );
    }
}
