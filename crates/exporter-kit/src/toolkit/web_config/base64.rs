//! Reads base64, as an `Authorization` header has it and as a bcrypt hash has it.

/// The characters of RFC 4648.
pub(super) const STANDARD: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The characters of bcrypt.
pub(super) const BCRYPT: &[u8; 64] =
    b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Reads text without padding. Bits that fill no byte are left out, as Go does.
pub(super) fn decode(text: &[u8], alphabet: &[u8; 64]) -> Option<Vec<u8>> {
    if text.len() % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for char in text {
        let value = alphabet.iter().position(|other| other == char)?;
        bits = bits << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

/// Takes the padding away that text in the standard's alphabet must have.
pub(super) fn unpad(text: &[u8]) -> Option<&[u8]> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let once = text.strip_suffix(b"=").unwrap_or(text);
    Some(once.strip_suffix(b"=").unwrap_or(once))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standard(text: &str) -> Option<Vec<u8>> {
        decode(unpad(text.as_bytes())?, STANDARD)
    }

    #[test]
    fn the_examples_of_the_standard() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(standard(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        assert_eq!(standard("+/+/"), Some(vec![0xfb, 0xff, 0xbf]));
    }

    #[test]
    fn what_is_no_base64() {
        for text in [
            "Zg", "Z===", "Zg=", "Z", "Zg==Zg==", "Z g=", "====", "Zm9v\n", "Zm-_",
        ] {
            assert_eq!(standard(text), None, "{text}");
        }
    }
}
