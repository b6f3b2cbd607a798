//! Laws: an independent decoder returns the text, whatever the encoder learned from other texts before.

use std::io::Read;

use proptest::prelude::*;
use proptest::sample::Index;

use crate::codes::{Codes, Frequencies};
use crate::{Encoder, Learned, Structure};

fn gunzip(coded: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut decoder = flate2::read::GzDecoder::new(coded);
    decoder.read_to_end(&mut text).unwrap();
    assert!(decoder.into_inner().is_empty(), "bytes follow the body");
    text
}

/// Encodes one body in pieces of about `piece` bytes, of whole lines or not.
fn code(
    mut encoder: Encoder,
    text: &[u8],
    piece: usize,
    lines: bool,
) -> (Vec<u8>, Option<Learned>) {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut end = piece.clamp(1, rest.len());
        if lines {
            let line_feed = rest[end - 1..].iter().position(|byte| *byte == b'\n');
            end = line_feed.map_or(rest.len(), |found| end + found);
        }
        encoder.encode(&mut rest[..end].to_vec(), &mut out);
        rest = &rest[end..];
    }
    let learned = encoder.finish(&mut out);
    (out, learned)
}

/// The structure after `text`.
fn learn(text: &[u8]) -> Structure {
    let encoder = Encoder::new(Structure::new());
    code(encoder, text, 1 << 16, true).1.unwrap().structure
}

/// Encodes texts one after the other, each with the structure of the previous one, and checks the bodies.
fn follow(texts: &[Vec<u8>], piece: usize, lines: bool) {
    let mut structure = Structure::new();
    for (i, text) in texts.iter().enumerate() {
        let encoder = Encoder::new(structure.clone());
        let encoder = if i % 2 == 0 {
            encoder.renew_codes()
        } else {
            encoder
        };
        let (coded, learned) = code(encoder, text, piece, lines);
        assert_eq!(gunzip(&coded), *text, "text {i}");
        if let Some(learned) = learned {
            structure = learned.structure;
        }
    }
}

fn line(number: usize, value: &str) -> String {
    format!("requests_total{{path=\"/api/v1/items/{number}\",method=\"GET\"}} {value}\n")
}

fn lines(number: impl Iterator<Item = usize>, value: &str) -> Vec<u8> {
    let header = "# HELP requests_total Requests.\n# TYPE requests_total counter\n";
    let lines: String = number.map(|number| line(number, value)).collect();
    format!("{header}{lines}# EOF\n").into_bytes()
}

#[test]
fn what_stays_is_neither_searched_nor_recorded_again() {
    let structure = learn(&lines(0..5000, "1.0"));
    for value in ["1.0", "27.5", "18446744073709551615.0", "NaN"] {
        let text = lines(0..5000, value);
        for piece in [1 << 16, 100_000, 1 << 30] {
            let encoder = Encoder::new(structure.clone());
            let (coded, learned) = code(encoder, &text, piece, true);
            assert_eq!(gunzip(&coded), text);
            let learned = learned.unwrap();
            // The first lines of a piece lose matches that a longer value has moved out of the window.
            assert!(learned.searched == 0, "{value}: {}", learned.searched);
            assert!(!learned.changed);
        }
    }
}

#[test]
fn lines_that_come_and_go_cost_themselves_and_little_more() {
    let structure = learn(&lines((0..5000).filter(|i| i % 100 != 7), "1.0"));
    let cases: [(&str, Vec<usize>); 5] = [
        ("gone", (0..5000).filter(|i| i % 50 != 7).collect()),
        ("come", (0..5000).collect()),
        ("many gone", (0..1000).chain(4000..5000).collect()),
        ("last gone", (0..4990).filter(|i| i % 100 != 7).collect()),
        ("turned", (2500..5000).chain(0..2500).collect()),
    ];
    for (case, number) in cases {
        let count = number.len();
        let text = lines(number.into_iter(), "2.0");
        let encoder = Encoder::new(structure.clone());
        let (coded, learned) = code(encoder, &text, 1 << 16, true);
        assert_eq!(gunzip(&coded), text, "{case}");
        let learned = learned.unwrap();
        assert_eq!(learned.lines, count + 3);
        assert!(learned.changed, "{case}");
        // A window full of lines, where the text was cut.
        assert!(learned.searched < 500, "{case}: {}", learned.searched);
        let again = Encoder::new(learned.structure);
        let (coded, learned) = code(again, &text, 1 << 16, true);
        assert_eq!(gunzip(&coded), text, "{case}");
        let learned = learned.unwrap();
        assert_eq!((learned.searched, learned.changed), (0, false), "{case}");
    }
}

/// Matches near the end of the window when found are beyond it once values have grown.
#[test]
fn values_may_grow_until_nothing_is_in_reach() {
    let texts: Vec<Vec<u8>> = [1, 7, 25, 300, 2, 1000, 1]
        .iter()
        .map(|width| lines((0..400).chain(1000..1010), &"1".repeat(*width)))
        .collect();
    follow(&texts, 1 << 16, true);
    let texts = [1, 20_000, 33_000, 1, 70_000].map(|width| lines(0..8, &"1".repeat(width)));
    follow(&texts, 1 << 16, true);
    // Heads that one match can't cover, and that don't fit into the window.
    for width in [100, 300, 5000, 40_000] {
        let texts: Vec<Vec<u8>> = (0..4)
            .map(|round| {
                let long = "long".repeat(width / 4);
                let heads = (0..20).map(|i| format!("a{{b=\"{long}{i}{long}\"}} {round}\n"));
                heads.collect::<String>().into_bytes()
            })
            .collect();
        follow(&texts, 1 << 16, true);
    }
}

#[test]
fn empty_and_strange_texts() {
    let strange: Vec<Vec<u8>> = [
        "",
        "\n",
        "\n\n\na",
        "a",
        "#",
        "a{\"\\",
        " ",
        "a 1\n",
        "a 1\na 1\na 1\n",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    follow(&strange, 1 << 16, true);
    follow(&strange, 1, false);
    let all: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    follow(&[all.clone(), all], 4096, false);
}

#[test]
fn too_much_is_not_kept() {
    // Nothing repeats: a head of literals takes more than its text.
    let mut state = 1_u64;
    let mut noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        b'!' + (state >> 58) as u8
    })
    .take(1 << 20)
    .collect();
    for line in noise.chunks_mut(1000) {
        line[0] = b'\n';
    }
    let (coded, learned) = code(Encoder::new(Structure::new()), &noise, 1 << 16, false);
    assert!(learned.is_none());
    assert_eq!(gunzip(&coded), noise);
}

#[test]
fn a_line_takes_at_most_24_bytes() {
    let gauges = lines(0..5000, "1.0");
    let buckets = (0..5000).map(|i| {
        let (path, bound) = (i / 10, i % 10);
        format!("seconds_bucket{{path=\"/items/{path}\",le=\"{bound}.0\"}} {i}\n")
    });
    for text in [gauges, buckets.collect::<String>().into_bytes()] {
        let structure = learn(&text);
        let kept = structure.memory() - learn(b"").memory();
        let lines = text.iter().filter(|byte| **byte == b'\n').count();
        assert!((12 * lines..=24 * lines).contains(&kept), "{kept}");
    }
}

/// A Huffman tree of these would be deeper than deflate allows.
#[test]
fn codes_are_never_too_long() {
    let mut frequencies = Frequencies::new();
    let (mut count, mut next) = (1_u32, 1_u32);
    for byte in 0..40 {
        for _ in 0..count.min(100_000) {
            frequencies.literal(byte);
        }
        (count, next) = (next, count + next);
    }
    let encoder = Encoder::new(Structure::with_codes(Codes::new(&frequencies)));
    let text: Vec<u8> = (0..=255).rev().collect();
    assert_eq!(gunzip(&code(encoder, &text, 100, false).0), text);
}

/// A change from one text to the next.
#[derive(Clone, Debug)]
enum Change {
    Remove(Index, usize),
    Insert(Index, Vec<(usize, usize)>),
    Move(Index, Index),
    Values(String),
    /// Any bytes, in the middle of it all.
    Noise(Index, Vec<u8>),
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<f64>().prop_map(|value| value.to_string()),
        any::<u32>().prop_map(|value| value.to_string()),
        Just("0.0".to_owned()),
        "[0-9]{1,3} # \\{trace_id=\"[a-f0-9]{32}\"\\} [0-9]\\.[0-9]{3} 1[0-9]{9}",
        (0..2000_usize).prop_map(|width| "7".repeat(width)),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let number = prop::collection::vec((0..5_usize, 0..3000_usize), 0..40);
    prop_oneof![
        (any::<Index>(), 0..60_usize).prop_map(|(at, count)| Change::Remove(at, count)),
        (any::<Index>(), number).prop_map(|(at, number)| Change::Insert(at, number)),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Change::Move(from, to)),
        value().prop_map(Change::Values),
        (any::<Index>(), prop::collection::vec(any::<u8>(), 0..300))
            .prop_map(|(at, bytes)| Change::Noise(at, bytes)),
    ]
}

/// Lines, and the value of those that have one.
#[derive(Clone)]
struct Lines {
    heads: Vec<Vec<u8>>,
    value: String,
}

impl Lines {
    fn head((family, number): (usize, usize)) -> Vec<u8> {
        match family {
            0 => format!("up{{instance=\"host-{number}:9100\"}} "),
            1 => format!(
                "http_seconds_bucket{{path=\"/items/{}\",le=\"0.{}\"}} ",
                number / 9,
                number % 9
            ),
            2 => format!("{{\"utf.8\",\"label \\\" {}\"=\"{number}\"}} ", number % 3),
            3 => format!("# HELP family_{number} Help of it.\n# TYPE family_{number} gauge\n"),
            _ => format!("plain_{number} "),
        }
        .into_bytes()
    }

    fn apply(&mut self, change: Change) {
        let heads = &mut self.heads;
        let place = |at: Index, heads: &Vec<Vec<u8>>| at.index(heads.len() + 1);
        match change {
            Change::Remove(at, count) => {
                let at = place(at, heads);
                let end = (at + count).min(heads.len());
                heads.drain(at..end);
            }
            Change::Insert(at, number) => {
                let at = place(at, heads);
                heads.splice(at..at, number.into_iter().map(Self::head));
            }
            Change::Move(from, to) => {
                let (from, to) = (place(from, heads), place(to, heads));
                let part: Vec<_> = heads.drain(from.min(to)..from.max(to)).collect();
                heads.extend(part);
            }
            Change::Values(value) => self.value = value,
            Change::Noise(at, bytes) => {
                let at = place(at, heads);
                heads.insert(at, bytes);
            }
        }
    }

    fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for (i, head) in self.heads.iter().enumerate() {
            text.extend_from_slice(head);
            if head.ends_with(b" ") {
                text.extend_from_slice(self.value.as_bytes());
                // Neighbours differ, and change their width.
                text.extend_from_slice((i * i).to_string().as_bytes());
                text.push(b'\n');
            }
        }
        text
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_changes_between_texts(
        first in prop::collection::vec((0..5_usize, 0..3000_usize), 0..600),
        changes in prop::collection::vec(prop::collection::vec(change(), 0..4), 1..6),
        piece in 1..70_000_usize,
        lines: bool,
    ) {
        let mut text_lines = Lines {
            heads: first.into_iter().map(Lines::head).collect(),
            value: "1.0".to_owned(),
        };
        let mut texts = vec![text_lines.text()];
        for changes in changes {
            for change in changes {
                text_lines.apply(change);
            }
            texts.push(text_lines.text());
        }
        follow(&texts, piece, lines);
    }

    #[test]
    fn any_bytes(texts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 1..4), piece in 1..3000_usize) {
        follow(&texts, piece, false);
    }

    /// Few different bytes: everything matches somewhere, even itself.
    #[test]
    fn any_dull_bytes(texts in prop::collection::vec("[a {}\"\n]{0,2000}", 1..4), piece in 1..3000_usize) {
        let texts: Vec<_> = texts.into_iter().map(String::into_bytes).collect();
        follow(&texts, piece, false);
    }
}
