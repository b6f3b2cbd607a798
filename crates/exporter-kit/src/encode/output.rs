//! The buffer that encoders write to, emptied chunk by chunk.

use std::ops::ControlFlow;

/// Removes the written bytes from the buffer; `Break` ends the scrape.
pub(crate) type ChunkFn<'a> = dyn FnMut(&mut Vec<u8>) -> ControlFlow<()> + 'a;

/// The buffer of an encoder, passed on when it has `chunk_bytes`, and at the end.
pub(crate) struct Output<'a> {
    pub(crate) bytes: Vec<u8>,
    chunk_bytes: usize,
    on_chunk: &'a mut ChunkFn<'a>,
    /// The receiver wants no more chunks.
    pub(crate) stopped: bool,
}

impl<'a> Output<'a> {
    pub(crate) fn new(bytes: Vec<u8>, chunk_bytes: usize, on_chunk: &'a mut ChunkFn<'a>) -> Self {
        Self {
            bytes,
            chunk_bytes,
            on_chunk,
            stopped: false,
        }
    }

    /// Call it between samples.
    #[inline]
    pub(super) fn hand_over_if_full(&mut self) {
        if self.bytes.len() >= self.chunk_bytes {
            self.stopped = (self.on_chunk)(&mut self.bytes).is_break();
        }
    }

    pub(super) fn finish(&mut self) -> ControlFlow<()> {
        if self.stopped {
            ControlFlow::Break(())
        } else {
            (self.on_chunk)(&mut self.bytes)
        }
    }
}
