//! Property tests: a decoder never panics and never exceeds its limits.

use std::path::Path;

use proptest::prelude::*;

use crate::decode::law::{self, FORMATS};
use crate::decode::{Format, Limits, Wanted};
use crate::setup::{Config, Files};

/// Texts that are nearly right, and bytes that are not even text.
fn any_text() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        "\"a\"",
        ":",
        ",",
        "1",
        "-1e3",
        "null",
        "true",
        "\n",
        "=",
        ";",
        "key",
        "value",
        " ",
        "# TYPE a counter\n",
        "a_total{c=\"1\"} 3\n",
        "\"",
        "\\",
        "é",
        "# EOF\n",
        "<a>",
        "</a>",
        "<a value='1'/>",
        "&amp;",
        "[key]\n",
    ]);
    prop_oneof![
        prop::collection::vec(pieces, 0..40).prop_map(|all| all.concat().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..60),
    ]
}

proptest! {
    #[test]
    fn any_text_is_decoded_or_refused(text in any_text()) {
        for format in FORMATS {
            let format: Format = serde_saphyr::from_str(format).unwrap();
            let mut wanted = Wanted::default();
            for part in format.parts().names() {
                for column in ["key", "value", "1", "a"] {
                    wanted.add(part, column);
                }
            }
            law::decode(&format, wanted, Limits { bytes: 100, rows: 5 }, &text);
        }
    }

    #[test]
    fn a_configuration_with_a_slip_is_read_or_refused(at in any::<prop::sample::Index>(), slip in "\\PC?|[\\[\\]{}:$'\"\n -]") {
        let example = include_str!("../../config.example.yml");
        let places: Vec<usize> = example.char_indices().map(|(at, _)| at).collect();
        let at = places[at.index(places.len())];
        let (before, after) = example.split_at(at);
        let kept = after.chars().next().map_or(0, char::len_utf8);
        let text = format!("{before}{slip}{}", &after[kept..]);
        if let Err(error) = Config::parse(&Files::of_text(Path::new("a.yml"), &text), &|_| None) {
            let error = error.to_string();
            prop_assert!(error.starts_with("a.yml:"), "{}", error);
        }
    }
}
