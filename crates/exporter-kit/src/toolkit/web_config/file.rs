//! The format of a web configuration file. Parsing opens no other file and builds nothing.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Error, Location, Spanned};

use super::error::{Place, Problem};
use super::suggestion::{listed, remedy};

/// Text with its place.
pub(super) type Text = Spanned<String>;

/// The whole file. Without `Debug`, because it contains secrets.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub(super) tls_server_config: Option<Spanned<Option<TlsServerConfig>>>,
    pub(super) http_server_config: Option<HttpServerConfig>,
    pub(super) basic_auth_users: Option<BTreeMap<String, Text>>,
    pub(super) rate_limit: Option<RateLimitSection>,
    pub(super) exporter_kit: Option<ExporterKit>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TlsServerConfig {
    pub(super) cert: Option<Text>,
    pub(super) cert_file: Option<Text>,
    pub(super) key: Option<Text>,
    pub(super) key_file: Option<Text>,
    pub(super) client_ca: Option<Text>,
    pub(super) client_ca_file: Option<Text>,
    pub(super) client_auth_type: Option<Text>,
    pub(super) client_allowed_sans: Option<Vec<Text>>,
    pub(super) min_version: Option<Text>,
    pub(super) max_version: Option<Text>,
    pub(super) cipher_suites: Option<Vec<Text>>,
    pub(super) prefer_server_cipher_suites: Option<bool>,
    pub(super) curve_preferences: Option<Vec<Text>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HttpServerConfig {
    pub(super) http2: Option<bool>,
    pub(super) headers: Option<BTreeMap<String, Text>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RateLimitSection {
    pub(super) interval: Option<Text>,
    pub(super) burst: Option<Spanned<i64>>,
}

/// The section of this library, beside those that all exporters share.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ExporterKit {
    pub(super) open_paths: Option<Vec<Text>>,
    pub(super) bearer_tokens: Option<BTreeMap<String, Spanned<BearerToken>>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BearerToken {
    pub(super) sha256: Option<Text>,
    pub(super) file: Option<Text>,
}

/// The keys of each section; `""` is the top level.
const SECTIONS: [(&str, &[&str]); 5] = [
    (
        "",
        &[
            "tls_server_config",
            "http_server_config",
            "basic_auth_users",
            "rate_limit",
            "exporter_kit",
        ],
    ),
    (
        "tls_server_config",
        &[
            "cert",
            "cert_file",
            "key",
            "key_file",
            "client_ca",
            "client_ca_file",
            "client_auth_type",
            "client_allowed_sans",
            "min_version",
            "max_version",
            "cipher_suites",
            "prefer_server_cipher_suites",
            "curve_preferences",
        ],
    ),
    ("http_server_config", &["http2", "headers"]),
    ("rate_limit", &["interval", "burst"]),
    ("exporter_kit", &["open_paths", "bearer_tokens"]),
];

impl File {
    /// Parses the text of a file, which may be empty.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        // A Windows editor may write a byte order mark, which the operator does not see.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if is_blank(text) {
            return Ok(Self::default());
        }
        let options = serde_saphyr::options! {
            duplicate_keys: DuplicateKeyPolicy::Error,
            with_snippet: false,
        };
        serde_saphyr::from_str_with_options::<Option<Self>>(text, options)
            .map(Option::unwrap_or_default)
            .map_err(|error| problem(&error))
    }
}

/// Returns whether the text has only comments and document markers.
fn is_blank(text: &str) -> bool {
    text.lines().all(|line| {
        let line = line.trim();
        line.is_empty() || line.starts_with('#') || line == "---" || line == "..."
    })
}

pub(super) fn place(location: Location) -> Option<Place> {
    (location != Location::UNKNOWN).then(|| Place {
        line: location.line(),
        column: location.column(),
    })
}

/// The place of a value.
pub(super) fn place_of<T>(value: &Spanned<T>) -> Option<Place> {
    place(value.referenced)
}

/// The problem with the YAML. The message contains no value, which may be a secret.
fn problem(error: &Error) -> Problem {
    let error = error.without_snippet();
    let message = match error {
        Error::SerdeUnknownField {
            field, expected, ..
        } => unknown_key(field, expected),
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("yaml: the key `{key}` occurs twice; remove or rename one of them")
        }
        Error::SerdeInvalidType { expected, .. } | Error::SerdeInvalidValue { expected, .. } => {
            format!(
                "yaml: cannot unmarshal this value; write {}",
                plainly(expected)
            )
        }
        Error::NullIntoString { .. } => {
            "yaml: the value is missing; write a string, or remove the key".to_owned()
        }
        Error::InvalidScalar { ty, .. } => {
            format!("yaml: cannot unmarshal this value; write {}", plainly(ty))
        }
        Error::AliasError { error, .. } => problem(error).message().to_owned(),
        Error::Unexpected { expected, .. } => {
            format!(
                "yaml: cannot unmarshal this value; write {}",
                plainly(expected)
            )
        }
        other => {
            let text = other.render_with_options(serde_saphyr::render_options! {
                formatter: &serde_saphyr::UserMessageFormatter,
                snippets: serde_saphyr::SnippetMode::Off,
            });
            // The place stands before the message.
            let text = text.split(" at line ").next().unwrap_or(&text);
            with_remedy(text)
        }
    };
    Problem::new(message).at(error.location().and_then(place))
}

/// The expected type in words.
fn plainly(expected: &str) -> &str {
    match expected {
        ty if INTEGERS.contains(&ty) => "an integer, such as `100`",
        "bool" | "boolean" | "a boolean" => "`true` or `false`",
        "string scalar" | "a string" | "string" => "a string",
        "sequence start" | "a sequence" => "a list: `[a, b]`, or one `- ` line for each item",
        "mapping start" | "a map" => "indented `key: value` lines",
        other => other,
    }
}

/// The integer types, as the parser names them.
const INTEGERS: [&str; 6] = ["i32", "i64", "u32", "u64", "usize", "integer"];

/// A message of the parser, with the remedy for its most frequent cause.
fn with_remedy(message: &str) -> String {
    /// A part of the parser's message, and the remedy.
    const REMEDIES: [(&str, &str); 12] = [
        ("tab", "indent with spaces"),
        ("did not find expected key", ALIGN),
        ("did not find expected '-' indicator", ALIGN),
        ("invalid indentation", ALIGN),
        ("did not find expected ',' or '}'", SEPARATE),
        ("expected ',' or ']'", SEPARATE),
        (
            "mapping values are not allowed",
            "quote a value that contains `: `",
        ),
        (
            "unexpected character",
            "quote a value that begins with this character",
        ),
        (
            "simple key expected ':'",
            "write `:` and a space after the key",
        ),
        ("unclosed quote", "add the closing quote"),
        ("unclosed bracket", "add the closing bracket"),
        (
            "unknown escape",
            "write `\\\\` for a `\\`, or use single quotes",
        ),
    ];
    const ALIGN: &str = "indent lines of one section by the same number of spaces";
    const SEPARATE: &str = "separate items by `,`, and quote a value with special characters";
    let remedy = REMEDIES.iter().find(|(part, _)| message.contains(part));
    match remedy {
        Some((_, remedy)) if !message.contains(';') => format!("yaml: {message}; {remedy}"),
        _ => format!("yaml: {message}"),
    }
}

fn unknown_key(field: &str, expected: &[&str]) -> String {
    let elsewhere = SECTIONS
        .iter()
        .find(|(_, keys)| keys.contains(&field) && !expected.contains(&field));
    let remedy = match elsewhere {
        Some(("", _)) => "move it to the top level, without indentation".to_owned(),
        Some((section, _)) => format!("move it below `{section}`"),
        None if expected.is_empty() => "remove it".to_owned(),
        None => remedy(field, expected),
    };
    format!("yaml: unmarshal errors: field `{field}` not found; {remedy}")
}

/// The items of a list; a missing list is empty.
pub(super) fn items(list: &Option<Vec<Text>>) -> &[Text] {
    list.as_deref().unwrap_or_default()
}

/// Text that is not empty: `""` counts as missing, as in Go.
pub(super) fn said(text: &Option<Text>) -> Option<&Text> {
    text.as_ref().filter(|text| !text.value.is_empty())
}

/// The problem of a name that is not in a list.
pub(super) fn unknown(what: &str, name: &Text, known: &[&str]) -> Problem {
    let value = &name.value;
    let remedy = match super::suggestion::nearest(value, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("write one of {}", listed(known)),
    };
    Problem::new(format!("{what}: `{value}`; {remedy}")).at(place_of(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        let error = match File::parse(text) {
            Ok(_) => panic!("accepted: {text}"),
            Err(problem) => super::super::WebConfigError::new("w".as_ref(), problem),
        };
        error.to_string()
    }

    #[test]
    fn nothing_is_no_mistake() {
        for text in [
            "",
            "\n",
            "# only a comment\n",
            "---\n",
            "\u{feff}",
            "{}",
            "null",
            "tls_server_config:\n",
        ] {
            assert!(File::parse(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn the_sections_are_those_of_the_model() {
        for (section, keys) in SECTIONS {
            let text = match section {
                "" => "\u{21}x: 1".replace('!', ""),
                section => format!("{section}:\n  x: 1\n"),
            };
            let Err(Error::SerdeUnknownField { expected, .. }) =
                serde_saphyr::from_str::<File>(&text)
                    .map(drop)
                    .map_err(|error| match error {
                        Error::WithSnippet { error, .. } => *error,
                        error => error,
                    })
            else {
                panic!("`{section}` takes any key");
            };
            assert_eq!(expected, keys, "{section}");
        }
    }

    #[test]
    fn keys_that_are_wrong_are_told_with_their_place_and_a_remedy() {
        for (text, expected) in [
            (
                "tls_sever_config:\n  a: 1\n",
                "w:1:1: yaml: unmarshal errors: field `tls_sever_config` not found; did you mean `tls_server_config`?",
            ),
            (
                "x: 1\ntls_server_config:\n",
                "w:1:1: yaml: unmarshal errors: field `x` not found; write one of `tls_server_config`, ",
            ),
            (
                "tls_server_config:\n  cert-file: a\n",
                "w:2:3: yaml: unmarshal errors: field `cert-file` not found; did you mean `cert_file`?",
            ),
            (
                "cert_file: a\n",
                "w:1:1: yaml: unmarshal errors: field `cert_file` not found; move it below `tls_server_config`",
            ),
            (
                "tls_server_config:\n  rate_limit: a\n",
                "w:2:3: yaml: unmarshal errors: field `rate_limit` not found; move it to the top level",
            ),
            (
                "basic_auth_users:\n  a: x\n  a: y\n",
                "w:3:3: yaml: the key `a` occurs twice",
            ),
            (
                "rate_limit:\n  burst: many\n",
                "w:2:10: yaml: cannot unmarshal this value; write an integer, such as `100`",
            ),
            ("http_server_config:\n  http2: perhaps\n", "w:2:10: yaml: "),
            ("tls_server_config: [\n", "w:"),
            ("a: b: c\n", "w:1:"),
        ] {
            let said = refusal(text);
            assert!(said.starts_with(expected), "{text:?}: {said}");
        }
    }

    #[test]
    fn faults_of_the_syntax_have_a_remedy() {
        for (text, remedy) in [
            (
                "basic_auth_users:\n  a: b: c\n",
                "quote a value that contains `: `",
            ),
            ("rate_limit:\n\tburst: 1\n", "indent with spaces"),
            (
                "rate_limit:\n  burst: 1\n interval: 1s\n",
                "indent lines of one section by the same number of spaces",
            ),
            ("basic_auth_users: {a: \"x\n", "add the closing quote"),
            ("http_server_config\n", "write indented `key: value` lines"),
        ] {
            let said = refusal(text);
            assert!(said.contains(&format!("; {remedy}")), "{text:?}: {said}");
        }
    }

    #[test]
    fn no_value_is_told() {
        for text in [
            "basic_auth_users: sEcReT\n",
            "basic_auth_users:\n  a: [sEcReT]\n",
            "tls_server_config:\n  key: {a: sEcReT}\n",
            "tls_server_config: sEcReT\n",
            "http_server_config:\n  http2: sEcReT\n",
            "rate_limit:\n  burst: sEcReT\n",
            "sEcReT\n",
            "basic_auth_users:\n  a: \"sEcReT\n",
            "basic_auth_users:\n  a: !t sEcReT\n  b: *sEcReT\n",
        ] {
            let said = refusal(text);
            assert!(!said.contains("sEcReT"), "{text:?}: {said}");
        }
    }
}
