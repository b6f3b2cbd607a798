//! Compression with zstd: the text of a scrape becomes one frame, piece by piece.

use std::sync::{Arc, Mutex};

use zstd::stream::raw::{CParameter, Encoder, InBuffer, Operation, OutBuffer};

use crate::sync::lock;

/// Chosen by measurement; the numbers are in `docs/compression.md`.
const LEVEL: i32 = 1;

/// The window: 2^17 bytes, so that a compressor needs hundreds of KiB, not MiB. Similar lines are near each other in an
/// exposition.
const WINDOW_LOG: u32 = 17;

/// The maximum number of compressors kept between scrapes.
const KEPT: usize = 2;

/// The number of bytes that the compressor can write at a time.
const ROOM: usize = 16 * 1024;

/// Compressors that are kept between scrapes.
#[derive(Clone, Default)]
pub(crate) struct Encoders(Arc<Mutex<Vec<Encoder<'static>>>>);

/// Compresses one body.
pub(crate) struct Zstd {
    encoders: Encoders,
    encoder: Encoder<'static>,
}

impl Zstd {
    /// Creates a compressor for one body, if memory allows.
    pub(crate) fn new(encoders: &Encoders) -> Option<Self> {
        let kept = lock(&encoders.0).pop();
        let encoder = kept.or_else(make)?;
        Some(Self {
            encoders: encoders.clone(),
            encoder,
        })
    }

    /// Compresses `text`; some bytes may follow at the next call.
    pub(crate) fn code(&mut self, text: &[u8], out: &mut Vec<u8>) {
        let mut input = InBuffer::around(text);
        while input.pos() < text.len() {
            let step = with_room(out, |room| self.encoder.run(&mut input, room));
            if step.is_none() {
                return;
            }
        }
    }

    /// Ends the frame.
    pub(crate) fn finish(mut self, out: &mut Vec<u8>) {
        while with_room(out, |room| self.encoder.finish(room, true)).is_some_and(|left| left > 0) {}
        if self.encoder.reinit().is_ok() {
            let mut kept = lock(&self.encoders.0);
            if kept.len() < KEPT {
                kept.push(self.encoder);
            }
        }
    }
}

fn make() -> Option<Encoder<'static>> {
    let mut encoder = Encoder::new(LEVEL).ok()?;
    encoder
        .set_parameter(CParameter::WindowLog(WINDOW_LOG))
        .ok()?;
    // The frame's checksum: a reader detects a body damaged on the way.
    encoder.set_parameter(CParameter::ChecksumFlag(true)).ok()?;
    Some(encoder)
}

/// Runs `step`, which appends to `out`. Compressing into free space does not fail. A failure would leave the frame
/// without an end, so the reader would detect it.
fn with_room(
    out: &mut Vec<u8>,
    step: impl FnOnce(&mut OutBuffer<'_, [u8]>) -> std::io::Result<usize>,
) -> Option<usize> {
    let before = out.len();
    out.resize(before + ROOM, 0);
    let mut room = OutBuffer::around(out.get_mut(before..).unwrap_or_default());
    let left = step(&mut room);
    let written = room.pos();
    out.truncate(before + written);
    left.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_one_frame_and_compressors_are_used_again() {
        let encoders = Encoders::default();
        let mut state = 1_u32;
        // Incompressible bytes fill the free space several times.
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(300_000)
        .collect();
        let even = "a 1.0\n".repeat(100_000).into_bytes();
        for _ in 0..3 {
            for pieces in [
                vec![&noise[..], &even[..], b"", b"x"],
                vec![],
                vec![&b"a"[..]],
            ] {
                let mut zstd = Zstd::new(&encoders).unwrap();
                let mut out = Vec::new();
                for piece in &pieces {
                    zstd.code(piece, &mut out);
                }
                zstd.finish(&mut out);
                assert_eq!(zstd::decode_all(&*out).unwrap(), pieces.concat());
            }
        }
        assert_eq!(lock(&encoders.0).len(), 1);
    }
}
