//! Bits of a deflate body, the lowest first.

/// The number of bytes to reserve at a time.
const ROOM: usize = 16 * 1024;

/// Bits that don't fill a byte yet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rest {
    held: u64,
    count: u32,
}

/// Appends bits to a buffer. It holds up to 64 bits; the caller has to [`flush`](Self::flush) in time.
pub(crate) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    /// The end of the written part of `out`; room follows.
    at: usize,
    held: u64,
    count: u32,
}

impl<'a> BitWriter<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>, rest: Rest) -> Self {
        Self {
            at: out.len(),
            out,
            held: rest.held,
            count: rest.count,
        }
    }

    /// Adds the lowest `count` bits of `bits`; the others must be zero, and there must be room for them.
    #[inline(always)]
    pub(crate) fn put(&mut self, bits: u64, count: u32) {
        self.held |= bits << self.count;
        self.count += count;
    }

    /// Writes at most 7 whole bytes; fewer than 8 bits stay.
    #[inline(always)]
    pub(crate) fn flush(&mut self) {
        loop {
            if let Some(room) = self
                .out
                .get_mut(self.at..)
                .and_then(|room| room.first_chunk_mut::<8>())
            {
                *room = self.held.to_le_bytes();
                let bits = self.count & !7;
                self.at += (bits / 8) as usize;
                self.held >>= bits;
                self.count -= bits;
                return;
            }
            self.make_room();
        }
    }

    #[cold]
    fn make_room(&mut self) {
        self.out.resize(self.at + ROOM, 0);
    }

    /// Fills the current byte with zeros.
    pub(crate) fn align(&mut self) {
        self.count = self.count.next_multiple_of(8);
        self.flush();
    }

    /// Releases the unused room, and returns the bits that don't fill a byte.
    pub(crate) fn finish(mut self) -> Rest {
        self.flush();
        self.out.truncate(self.at);
        Rest {
            held: self.held,
            count: self.count,
        }
    }
}
