//! Values in messages. A document or a peer chooses their length, and each is cut.

use std::borrow::Cow;

/// The limit of characters of one value in a message.
pub(crate) const MAX_QUOTED: usize = 60;

/// The value for a message, as it is written, cut after [`MAX_QUOTED`] characters.
pub(crate) fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}
