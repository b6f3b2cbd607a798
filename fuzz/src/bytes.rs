//! Bytes read as choices, and protobuf's as messages.

/// Takes choices from the bytes; when they are used up, every choice is the first.
pub(crate) struct Choices<'d>(pub(crate) &'d [u8]);

impl Choices<'_> {
    pub(crate) fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn below(&mut self, limit: u8) -> u8 {
        self.byte() % limit
    }

    /// Any float; the special ones and small whole numbers often.
    pub(crate) fn float(&mut self) -> f64 {
        match self.below(8) {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => f64::NEG_INFINITY,
            3 => f64::from(self.byte().cast_signed()),
            4 => f64::from(self.byte()) / 16.0,
            _ => f64::from_bits(u64::from_le_bytes(std::array::from_fn(|_| self.byte()))),
        }
    }

    /// Any short text; broken UTF-8 is made whole.
    pub(crate) fn text(&mut self) -> String {
        let length = usize::from(self.below(12)).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8_lossy(text).into_owned()
    }
}

/// Checks that `body` is length-delimited messages of well-formed fields, nothing before, between or after.
pub(crate) fn check_delimited(mut body: &[u8]) {
    while !body.is_empty() {
        let length = usize::try_from(varint(&mut body)).expect("a length");
        let (mut message, rest) = body.split_at(length);
        body = rest;
        while !message.is_empty() {
            let key = varint(&mut message);
            assert!(
                (1..=5).contains(&(key >> 3)),
                "field {} of a family",
                key >> 3
            );
            match key & 7 {
                0 => {
                    varint(&mut message);
                }
                2 => {
                    let length = usize::try_from(varint(&mut message)).expect("a length");
                    message = &message[length..];
                }
                other => panic!("a family has no field of wire type {other}"),
            }
        }
    }
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first().expect("a varint that ends");
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return value;
        }
    }
    panic!("a varint of more than ten bytes");
}
