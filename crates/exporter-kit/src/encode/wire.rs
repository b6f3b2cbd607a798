//! Protobuf's wire format: fields, and messages of initially unknown length.

/// A `LabelPair` as field 1 of a metric or an exemplar.
#[inline]
pub(super) fn label(out: &mut Vec<u8>, name: &str, value: &str) {
    let length = text_length(name) + text_length(value);
    key(out, 1, WireType::Bytes);
    varint(out, length as u64);
    text(out, 1, name);
    text(out, 2, value);
}

/// The length of a text as a field with a number below 16.
#[inline]
fn text_length(text: &str) -> usize {
    let length = text.len() as u64;
    1 + (64 - (length | 1).leading_zeros() as usize).div_ceil(7) + text.len()
}

pub(super) enum WireType {
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
}

#[inline]
pub(super) fn key(out: &mut Vec<u8>, field: u32, wire_type: WireType) {
    varint(out, u64::from(field << 3 | wire_type as u32));
}

#[inline]
pub(super) fn uint64(out: &mut Vec<u8>, field: u32, value: u64) {
    key(out, field, WireType::Varint);
    varint(out, value);
}

/// A negative `int64` is written as the `u64` of the same bits.
pub(super) fn int64(out: &mut Vec<u8>, field: u32, value: i64) {
    uint64(out, field, value.cast_unsigned());
}

/// `sint32` and `sint64`: small absolute values are short.
pub(super) fn sint64(out: &mut Vec<u8>, field: u32, value: i64) {
    uint64(out, field, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

#[inline]
pub(super) fn double(out: &mut Vec<u8>, field: u32, value: f64) {
    key(out, field, WireType::Fixed64);
    out.extend_from_slice(&value.to_le_bytes());
}

#[inline]
pub(super) fn text(out: &mut Vec<u8>, field: u32, text: &str) {
    key(out, field, WireType::Bytes);
    varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// A nested message. Its length is known only at its end: `length_bytes` guesses the size of the length field.
#[inline]
pub(super) fn message(
    out: &mut Vec<u8>,
    field: u32,
    length_bytes: usize,
    write: impl FnOnce(&mut Vec<u8>),
) {
    key(out, field, WireType::Bytes);
    let begin = begin_length(out, length_bytes);
    write(out);
    end_length(out, begin, length_bytes);
}

/// Enough for the length of a family up to 2 MiB.
pub(super) const FAMILY_LENGTH_BYTES: usize = 3;

#[inline]
pub(super) fn begin_length(out: &mut Vec<u8>, length_bytes: usize) -> usize {
    let begin = out.len();
    out.extend_from_slice(&[0; FAMILY_LENGTH_BYTES][..length_bytes]);
    begin
}

/// Writes the length of the bytes after `begin` there, and moves them if the guess was too small. A larger guess is
/// harmless: a varint may have leading zeros.
#[inline]
pub(super) fn end_length(out: &mut Vec<u8>, begin: usize, length_bytes: usize) {
    let mut length = (out.len() - begin - length_bytes) as u64;
    if length >> (7 * length_bytes) != 0 {
        let mut varint_bytes = Vec::with_capacity(10);
        varint(&mut varint_bytes, length);
        out.splice(begin..begin + length_bytes, varint_bytes);
        return;
    }
    for (i, byte) in out[begin..begin + length_bytes].iter_mut().enumerate() {
        let more = if i + 1 < length_bytes { 0x80 } else { 0 };
        *byte = (length & 0x7f) as u8 | more;
        length >>= 7;
    }
}

#[inline]
fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_varint(bytes: &[u8]) -> (u64, usize) {
        let length = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
        let value = bytes[..length]
            .iter()
            .rev()
            .fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f));
        (value, length)
    }

    #[test]
    fn a_length_reads_back_whatever_was_guessed() {
        for length_bytes in 1..=3 {
            for length in [0, 1, 127, 128, 16_383, 16_384, 2_100_000] {
                let mut out = b"before".to_vec();
                message(&mut out, 1, length_bytes, |out| {
                    out.resize(out.len() + length, 7)
                });
                let (read, taken) = read_varint(&out[7..]);
                assert_eq!(read as usize, length);
                assert!(out[7 + taken..].iter().all(|byte| *byte == 7));
                assert_eq!(out.len(), 7 + taken + length);
            }
        }
    }
}
