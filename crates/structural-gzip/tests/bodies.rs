//! Many small bodies in a row, with lines that come, go and change between them: zlib decodes each to its text.

use std::fmt::Write as _;
use std::io::Read as _;

use flate2::read::GzDecoder;
use structural_gzip::{Encoder, Structure};

/// Bodies of one run; `STRUCTURAL_GZIP_BODIES` sets another number.
const BODIES: usize = 200;

/// A text is not made longer than this, in lines.
const MOST_LINES: usize = 80;

/// A small generator (xorshift*), so that every run takes the same way.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(bits).unwrap_or(0) % limit
    }
}

/// A line: its head and its value.
type Line = (String, String);

fn head(random: &mut Random) -> String {
    let number = random.below(400);
    match random.below(5) {
        0 => format!("# HELP family_{number} A family \\\\ of its own."),
        1 => format!("family_{number} "),
        2 => format!(
            "family_{number}{{path=\"/{}\"}} ",
            "a/".repeat(random.below(200))
        ),
        _ => format!("requests_total{{path=\"/{number}\",code=\"200\"}} "),
    }
}

fn value(random: &mut Random) -> String {
    match random.below(8) {
        0 => "NaN".to_owned(),
        1 => "18446744073709551615".to_owned(),
        2 => format!(
            "{:?}",
            f64::from_bits(random.below(1 << 31) as u64 * 0x1_0000_0001)
        ),
        3 => "7".repeat(random.below(300)),
        _ => format!("{}.{}", random.below(1_000), random.below(10)),
    }
}

/// Lines come, go and move, and values change.
fn change(lines: &mut Vec<Line>, random: &mut Random) {
    for _ in 0..random.below(6) {
        let length = lines.len();
        let at = random.below(length + 1);
        match random.below(4) {
            0 => drop(lines.drain(at..(at + random.below(4)).min(length))),
            1 => lines.rotate_left(at),
            _ => lines.insert(at, (head(random), value(random))),
        }
    }
    lines.truncate(MOST_LINES);
    for line in lines.iter_mut() {
        if random.below(3) == 0 {
            line.1 = value(random);
        }
    }
}

#[test]
fn every_body_is_decoded_to_its_text() {
    let wanted = std::env::var("STRUCTURAL_GZIP_BODIES");
    let bodies = wanted.map_or(BODIES, |number| number.parse().unwrap());
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut lines: Vec<Line> = Vec::new();
    let mut structure = Structure::new();
    let mut decoded = Vec::new();
    for body in 0..bodies {
        change(&mut lines, &mut random);
        let mut text = String::new();
        for (head, value) in &lines {
            let _ = writeln!(text, "{head}{value}");
        }
        let mut encoder = Encoder::new(structure.clone());
        if random.below(4) == 0 {
            encoder = encoder.renew_codes();
        }
        let mut coded = Vec::new();
        let piece = [1 << 16, 700, 64][random.below(3)];
        for piece in text.as_bytes().chunks(piece) {
            encoder.encode(&mut piece.to_vec(), &mut coded);
        }
        if let Some(learned) = encoder.finish(&mut coded) {
            assert!(learned.searched <= learned.lines, "body {body}");
            structure = learned.structure;
        }
        decoded.clear();
        let mut decoder = GzDecoder::new(coded.as_slice());
        decoder.read_to_end(&mut decoded).unwrap();
        assert!(decoded == text.as_bytes(), "body {body} is another text");
        assert!(decoder.into_inner().is_empty(), "body {body} goes on");
    }
}
