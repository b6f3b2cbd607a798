//! Texts of half a megabyte, made of one piece again and again: what takes more than linear time never ends here.

use app_exporter::fuzzing;

use crate::{as_scraped, openmetrics, round_trip, text};

/// A text is not made longer than this, in bytes.
const MOST_BYTES: usize = 512 * 1024;

/// Stands for the number of the piece, so that names, keys and values differ.
const NUMBER: u8 = b'%';

/// The readers of expositions. Further choices are formats of the decoders.
const READERS: [fn(&[u8]); 4] = [openmetrics, text, as_scraped, round_trip];

/// Readers keep their promises on large texts, and libFuzzer's limit of time for one input.
///
/// The data is a choice of the reader, one of the size, and the begin, the piece and the end of the text, with zero
/// bytes between them.
pub fn large(data: &[u8]) {
    let [reader, size, rest @ ..] = data else {
        return;
    };
    let size = MOST_BYTES >> (size % 4);
    let mut parts = rest.splitn(3, |byte| *byte == 0);
    let mut part = || parts.next().unwrap_or_default();
    let (begin, piece, end) = (part(), part(), part());
    let mut text = begin.to_vec();
    let mut number = 0_u32;
    while !piece.is_empty() && text.len() < size {
        let digits = number.to_string();
        for byte in piece {
            match *byte {
                NUMBER => text.extend_from_slice(digits.as_bytes()),
                other => text.push(other),
            }
        }
        number += 1;
    }
    text.extend_from_slice(end);
    match READERS.get(usize::from(*reader)) {
        Some(read) => read(&text),
        None => fuzzing::large(*reader, &text),
    }
}
