//! Texts of lines that change from one version to the next, through the structural gzip encoder alone.

use std::io::Read;

use flate2::read::GzDecoder;
use structural_gzip::{Encoder, Structure};

use crate::bytes::Choices;

/// Lines at the start.
const LINES: u16 = 60;

/// A text is not made longer than this, in lines.
const MOST_LINES: usize = 400;

/// One line: its head, and a value of that many characters.
type Line = (Vec<u8>, usize);

fn head(number: u16) -> Vec<u8> {
    match number % 3 {
        0 => format!("temperature_{number} "),
        1 => format!("load{{host=\"web-{}\",rack=\"a b\\\"}}\"}} ", number / 3),
        _ => format!("# line {number}"),
    }
    .into_bytes()
}

fn change(lines: &mut Vec<Line>, choices: &mut Choices<'_>) {
    let at = usize::from(choices.byte()).min(lines.len());
    let end = (at + usize::from(choices.below(40))).min(lines.len());
    match choices.below(6) {
        0 => drop(lines.drain(at..end)),
        1 => {
            let from = u16::from(choices.byte()) * 3;
            let new = (from..from + u16::from(choices.below(20))).map(|number| (head(number), 1));
            drop(lines.splice(at..at, new));
        }
        2 => lines.rotate_left(at),
        3 => {
            let width = usize::from(choices.byte()) * usize::from(choices.byte());
            // One value can be larger than the window; the others are not, for time's sake.
            lines[at..end]
                .iter_mut()
                .for_each(|line| line.1 = width / 512);
            if let Some(line) = lines.get_mut(at) {
                line.1 = width;
            }
        }
        4 => {
            // Longer than what a match can take, or than the heads that matches are searched in.
            let long = choices.text().repeat(usize::from(choices.byte()) * 4);
            lines.insert(at, (format!("{long} ").into_bytes(), 3));
        }
        _ => lines.insert(at, (choices.text().into_bytes(), 0)),
    }
    lines.truncate(MOST_LINES);
}

fn text_of(lines: &[Line], version: usize) -> Vec<u8> {
    let mut text = Vec::new();
    for (i, (head, width)) in lines.iter().enumerate() {
        text.extend_from_slice(head);
        let digits = (0..*width).map(|digit| b'0' + ((i + digit * version) % 10) as u8);
        text.extend(digits);
        text.push(b'\n');
    }
    text
}

/// Whatever structure an encoder begins with, and however the text is cut, the body is the text.
pub fn structural_gzip(data: &[u8]) {
    let mut choices = Choices(data);
    let mut lines: Vec<Line> = (0..LINES).map(|number| (head(number), 3)).collect();
    let mut known = Structure::new();
    let mut version = 0;
    while version == 0 || !choices.is_empty() {
        (0..choices.below(4)).for_each(|_| change(&mut lines, &mut choices));
        let text = text_of(&lines, version);
        let mut encoder = Encoder::new(known.clone());
        if choices.below(4) == 0 {
            encoder = encoder.renew_codes();
        }
        let piece = [1 << 16, 4096, 100, 7][usize::from(choices.below(4))];
        let mut body = Vec::new();
        for piece in text.chunks(piece) {
            encoder.encode(&mut piece.to_vec(), &mut body);
        }
        if let Some(learned) = encoder.finish(&mut body) {
            assert_eq!(learned.text_bytes, text.len());
            // The cost: at most one search a line.
            assert!(learned.searched <= learned.lines, "{}", learned.searched);
            known = learned.structure;
        }
        let mut decoded = Vec::new();
        let mut decoder = GzDecoder::new(body.as_slice());
        let read = decoder.read_to_end(&mut decoded);
        assert!(read.is_ok(), "version {version}: {read:?}");
        assert!(
            decoded == text,
            "version {version} is decoded to another text"
        );
        assert!(decoder.into_inner().is_empty(), "bytes follow the body");
        version += 1;
    }
}
