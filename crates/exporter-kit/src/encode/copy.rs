//! Copies a few bytes without a call of the system's function, which takes longer than the copy.

/// Appends bytes.
#[inline(always)]
pub(super) fn append(out: &mut Vec<u8>, bytes: &[u8]) {
    match bytes.len() {
        0 => {}
        17..=32 => ends::<16>(out, bytes),
        33..=64 => ends::<32>(out, bytes),
        _ => out.extend_from_slice(bytes),
    }
}

/// Appends the first and the last `N` bytes, which may overlap.
#[inline(always)]
fn ends<const N: usize>(out: &mut Vec<u8>, bytes: &[u8]) {
    let (Some(first), Some(last)) = (bytes.first_chunk::<N>(), bytes.last_chunk::<N>()) else {
        return out.extend_from_slice(bytes);
    };
    let last_begins = out.len() + bytes.len() - N;
    out.extend_from_slice(first);
    out.truncate(last_begins);
    out.extend_from_slice(last);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lengths_are_appended_whole() {
        let bytes: Vec<u8> = (0..200).collect();
        for length in 0..bytes.len() {
            let mut out = b"before".to_vec();
            append(&mut out, &bytes[..length]);
            append(&mut out, b"behind");
            assert_eq!(out, [b"before", &bytes[..length], b"behind"].concat());
        }
    }
}
