//! The bounds of classic buckets, as text.

use std::sync::Arc;

use crate::encode::number;

/// The `le="…"} ` texts of the bounds last written; the series of a family share their bounds.
#[derive(Default)]
pub(super) struct RenderedBounds {
    bounds: Option<Arc<[f64]>>,
    texts: Vec<BoundText>,
}

impl RenderedBounds {
    pub(super) fn texts(&mut self, bounds: &Arc<[f64]>) -> &[BoundText] {
        if !self
            .bounds
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, bounds))
        {
            self.bounds = Some(Arc::clone(bounds));
            self.texts.clear();
            self.texts
                .extend(bounds.iter().map(|bound| BoundText::new(*bound)));
        }
        &self.texts
    }
}

/// A bound as a label at the end of a series key, in a buffer of fixed size: copying all of it is faster than copying
/// only the used part.
pub(super) struct BoundText {
    room: [u8; Self::ROOM],
    length: usize,
}

impl BoundText {
    /// The longest number has 24 characters.
    pub(super) const ROOM: usize = 32;

    fn new(bound: f64) -> Self {
        let mut text = Vec::with_capacity(Self::ROOM);
        text.extend_from_slice(b"le=\"");
        number::canonical(&mut text, bound);
        text.extend_from_slice(b"\"} ");
        let mut room = [0; Self::ROOM];
        let length = text.len().min(Self::ROOM);
        room[..length].copy_from_slice(&text[..length]);
        Self { room, length }
    }

    #[inline]
    pub(super) fn append_to(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.length;
        out.extend_from_slice(&self.room);
        out.truncate(end);
    }
}
