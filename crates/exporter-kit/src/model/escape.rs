//! The only file that escapes and unescapes text for the text formats.

use std::borrow::Cow;

/// A buffer for text: a string, or the bytes of a body.
pub(crate) trait PushText {
    fn push_text(&mut self, text: &str);
}

impl PushText for String {
    #[inline]
    fn push_text(&mut self, text: &str) {
        self.push_str(text);
    }
}

impl PushText for Vec<u8> {
    #[inline]
    fn push_text(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }
}

/// Appends a label value (or a quoted name): `\`, `"` and line feed are escaped.
pub(crate) fn label_value(out: &mut impl PushText, value: &str) {
    let mut rest = value;
    while let Some(at) = memchr::memchr3(b'\\', b'"', b'\n', rest.as_bytes()) {
        out.push_text(&rest[..at]);
        out.push_text(match rest.as_bytes()[at] {
            b'\n' => "\\n",
            b'"' => "\\\"",
            _ => "\\\\",
        });
        rest = &rest[at + 1..];
    }
    out.push_text(rest);
}

/// Appends a help text for the text format 0.0.4: escapes `\` and line feed, but not quotes.
pub(crate) fn help_text(out: &mut impl PushText, help: &str) {
    let mut rest = help;
    while let Some(at) = memchr::memchr2(b'\\', b'\n', rest.as_bytes()) {
        out.push_text(&rest[..at]);
        out.push_text(if rest.as_bytes()[at] == b'\n' {
            "\\n"
        } else {
            "\\\\"
        });
        rest = &rest[at + 1..];
    }
    out.push_text(rest);
}

/// Finds the closing quote of a quoted text that began before `text`.
pub(crate) fn closing_quote(text: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b'\\', b'"', text.as_bytes().get(from..)?)?;
        if text.as_bytes()[at] == b'"' {
            return Some(at);
        }
        from = at + 2;
    }
}

/// Reverses [`label_value`]. A backslash before any other character stays.
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let mut after = rest[at + 1..].chars();
        match after.next() {
            Some('n') => out.push('\n'),
            Some(c @ ('"' | '\\')) => out.push(c),
            Some(c) => {
                out.push('\\');
                out.push(c);
            }
            None => out.push('\\'),
        }
        rest = after.as_str();
    }
    out.push_str(rest);
    Cow::Owned(out)
}
