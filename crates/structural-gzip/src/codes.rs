//! The Huffman codes of a body, built from the frequencies of symbols in an earlier one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::bits::{BitWriter, Rest};

/// The longest code that deflate allows, in bits.
const MAX_CODE_BITS: u8 = 15;

/// Literals, the end of a block, and 29 classes of lengths.
const LITERALS: usize = 286;
const END: usize = 256;
const DISTANCES: usize = 30;

/// The shortest and the longest match.
pub(crate) const MIN_MATCH: usize = 3;
pub(crate) const MAX_MATCH: usize = 258;

/// The largest distance of a match.
pub(crate) const MAX_DISTANCE: usize = 32 * 1024;

/// Deflate's order for the lengths of the codes that code lengths are written in.
const LENGTH_CODE_ORDER: [u8; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// A class of lengths or distances, and the place in the class.
struct Class {
    symbol: usize,
    extra: u32,
    extra_bits: u32,
}

#[inline(always)]
fn length_class(length: usize) -> Class {
    let x = (length - MIN_MATCH) as u32;
    match x {
        255 => Class {
            symbol: 285,
            extra: 0,
            extra_bits: 0,
        },
        0..8 => Class {
            symbol: 257 + x as usize,
            extra: 0,
            extra_bits: 0,
        },
        _ => {
            let log = x.ilog2();
            let extra_bits = log - 2;
            Class {
                symbol: 257 + (4 * (log - 1) + ((x >> extra_bits) & 3)) as usize,
                extra: x & ((1 << extra_bits) - 1),
                extra_bits,
            }
        }
    }
}

#[inline(always)]
fn distance_class(distance: usize) -> Class {
    let x = (distance - 1) as u32;
    let log = (x | 1).ilog2();
    let extra_bits = log.saturating_sub(1);
    Class {
        symbol: (2 * log + ((x >> extra_bits) & 1)) as usize,
        extra: x & ((1 << extra_bits) - 1),
        extra_bits,
    }
}

/// Estimates the bits of a match. The class of a length takes about five bits and that of a distance two, because most
/// lines share the same few classes.
pub(crate) fn match_bits(length: usize, distance: usize) -> u32 {
    7 + length_class(length).extra_bits + distance_class(distance).extra_bits
}

/// The frequency of each symbol.
#[derive(Clone, Debug)]
pub(crate) struct Frequencies {
    literals: [u32; LITERALS],
    distances: [u32; DISTANCES],
}

impl Frequencies {
    pub(crate) fn new() -> Self {
        Self {
            literals: [0; LITERALS],
            distances: [0; DISTANCES],
        }
    }

    #[inline(always)]
    pub(crate) fn literal(&mut self, byte: u8) {
        self.literals[usize::from(byte)] += 1;
    }

    #[inline(always)]
    pub(crate) fn matched(&mut self, length: usize, distance: usize) {
        self.literals[length_class(length).symbol] += 1;
        self.distances[distance_class(distance).symbol] += 1;
    }

    /// The size of a body of these symbols in `codes`, in bytes, without its beginning.
    pub(crate) fn bytes(&self, codes: &Codes) -> usize {
        let mut bits = 0;
        for (byte, count) in self.literals[..END].iter().enumerate() {
            bits += u64::from(*count) * u64::from(codes.literals[byte].count());
        }
        for length in MIN_MATCH..=MAX_MATCH {
            // A class's lengths are counted together: the first represents all.
            let class = length_class(length);
            if class.extra == 0 {
                let count = codes.lengths[length - MIN_MATCH].count();
                bits += u64::from(self.literals[class.symbol]) * u64::from(count);
            }
        }
        for (count, code) in self.distances.iter().zip(&codes.distances) {
            bits += u64::from(*count) * u64::from(code.code.count() + code.extra_bits);
        }
        (bits / 8) as usize
    }
}

/// Bits to write and their number, in 24 and 8 bits.
#[derive(Clone, Copy, Debug, Default)]
struct Code(u32);

impl Code {
    fn new(bits: u32, count: u32) -> Self {
        Self(bits | count << 24)
    }

    #[inline(always)]
    fn bits(self) -> u32 {
        self.0 & 0x00ff_ffff
    }

    #[inline(always)]
    fn count(self) -> u32 {
        self.0 >> 24
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct DistanceCode {
    code: Code,
    extra_bits: u32,
}

/// The codes of a body. Every symbol has one, so that any text can be written.
#[derive(Debug)]
pub(crate) struct Codes {
    literals: [Code; 256],
    end: Code,
    /// Includes the bits that distinguish the lengths of a class.
    lengths: [Code; MAX_MATCH - MIN_MATCH + 1],
    distances: [DistanceCode; DISTANCES],
    /// The beginning of a gzip body in these codes: its header, the block's header, and the codes.
    beginning: Vec<u8>,
    beginning_rest: Rest,
}

impl Codes {
    pub(crate) fn new(frequencies: &Frequencies) -> Self {
        let mut with_end = frequencies.literals;
        with_end[END] = 1;
        let literal_bits = code_lengths(&with_end);
        let distance_bits = code_lengths(&frequencies.distances);
        let (beginning, beginning_rest) = beginning(&literal_bits, &distance_bits);
        let symbols = canonical(&literal_bits);
        let mut codes = Self {
            literals: [Code::default(); 256],
            end: symbols[END],
            lengths: [Code::default(); MAX_MATCH - MIN_MATCH + 1],
            distances: [DistanceCode::default(); DISTANCES],
            beginning,
            beginning_rest,
        };
        codes.literals.copy_from_slice(&symbols[..END]);
        for (i, code) in codes.lengths.iter_mut().enumerate() {
            let class = length_class(MIN_MATCH + i);
            let symbol = symbols[class.symbol];
            *code = Code::new(
                symbol.bits() | class.extra << symbol.count(),
                symbol.count() + class.extra_bits,
            );
        }
        for (i, (distance, code)) in codes
            .distances
            .iter_mut()
            .zip(canonical(&distance_bits))
            .enumerate()
        {
            let extra_bits = (i as u32 / 2).saturating_sub(1);
            *distance = DistanceCode { code, extra_bits };
        }
        codes
    }

    /// Appends the beginning of a gzip body.
    pub(crate) fn begin(&self, out: &mut Vec<u8>) -> Rest {
        out.extend_from_slice(&self.beginning);
        self.beginning_rest
    }

    /// Leaves fewer than 8 bits pending.
    #[inline(always)]
    pub(crate) fn literals(&self, to: &mut BitWriter<'_>, bytes: &[u8]) {
        // Three codes have at most 45 bits, and fewer than 8 are pending.
        for some in bytes.chunks(3) {
            let (mut bits, mut count) = (0, 0);
            for byte in some {
                let code = self.literals[usize::from(*byte)];
                bits |= u64::from(code.bits()) << count;
                count += code.count();
            }
            to.put(bits, count);
            to.flush();
        }
    }

    /// Leaves fewer than 8 bits pending.
    #[inline(always)]
    pub(crate) fn matched(&self, to: &mut BitWriter<'_>, length: usize, distance: usize) {
        // At most 48 bits: 15 and 5 for the length, 15 and 13 for the distance.
        let first = self.lengths[length - MIN_MATCH];
        let class = distance_class(distance);
        let second = self.distances[class.symbol].code;
        let bits = second.bits() | class.extra << second.count();
        to.put(
            u64::from(first.bits()) | u64::from(bits) << first.count(),
            first.count() + second.count() + class.extra_bits,
        );
        to.flush();
    }

    pub(crate) fn end(&self, to: &mut BitWriter<'_>) {
        to.put(self.end.bits().into(), self.end.count());
        to.flush();
    }
}

/// The lengths of a Huffman code, in bits. A symbol with frequency 0 counts as 1.
fn code_lengths<const N: usize>(frequencies: &[u32; N]) -> [u8; N] {
    let mut weights = frequencies.map(|count| u64::from(count.max(1)));
    loop {
        let lengths = unlimited_code_lengths(&weights);
        if lengths.iter().all(|length| *length <= MAX_CODE_BITS) {
            return lengths;
        }
        // More even weights flatten the tree; when all are 1, it is flat enough.
        weights = weights.map(|weight| weight.div_ceil(2));
    }
}

fn unlimited_code_lengths<const N: usize>(weights: &[u64; N]) -> [u8; N] {
    let mut parents = vec![0; 2 * N - 1];
    let mut roots: BinaryHeap<_> = weights.iter().copied().zip(0..N).map(Reverse).collect();
    for parent in N..2 * N - 1 {
        let mut weight = 0;
        for _ in 0..2 {
            if let Some(Reverse((part, child))) = roots.pop() {
                weight += part;
                parents[child] = parent;
            }
        }
        roots.push(Reverse((weight, parent)));
    }
    // Parents have higher numbers than their children, so a parent's depth is known before its children's.
    let mut depths = vec![0_u8; 2 * N - 1];
    for node in (0..2 * N - 2).rev() {
        depths[node] = depths[parents[node]].saturating_add(1);
    }
    std::array::from_fn(|symbol| depths[symbol])
}

/// The codes for these lengths, first bit lowest.
fn canonical<const N: usize>(lengths: &[u8; N]) -> [Code; N] {
    let mut codes = [Code::default(); N];
    let mut next = 0_u32;
    for length in 1..=MAX_CODE_BITS {
        next <<= 1;
        for (code, _) in codes
            .iter_mut()
            .zip(lengths)
            .filter(|(_, its)| **its == length)
        {
            let length = u32::from(length);
            *code = Code::new(next.reverse_bits() >> (32 - length), length);
            next += 1;
        }
    }
    codes
}

fn beginning(literal_bits: &[u8; LITERALS], distance_bits: &[u8; DISTANCES]) -> (Vec<u8>, Rest) {
    // Magic number, deflate, no flags, no time, no extra flags, unknown system.
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut to = BitWriter::new(&mut out, Rest::default());
    // The last block, with its own codes.
    to.put(0b101, 3);
    to.put(LITERALS as u64 - 257, 5);
    to.put(DISTANCES as u64 - 1, 5);
    // Code lengths are written directly, in four bits each: run lengths would save 100 bytes of a body that has
    // thousands.
    to.put(LENGTH_CODE_ORDER.len() as u64 - 4, 4);
    to.flush();
    for symbol in LENGTH_CODE_ORDER {
        to.put(if symbol <= MAX_CODE_BITS { 4 } else { 0 }, 3);
        to.flush();
    }
    for length in literal_bits.iter().chain(distance_bits) {
        to.put(u64::from(length.reverse_bits() >> 4), 4);
        to.flush();
    }
    let rest = to.finish();
    (out, rest)
}
