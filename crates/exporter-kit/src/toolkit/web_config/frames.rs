//! Where the frames of HTTP/2 begin and end, to notice a client that stops inside one.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The length of a client's first bytes, before any frame.
const PREFACE_BYTES: usize = 24;

/// The length of the head of a frame.
const HEAD_BYTES: usize = 9;

/// The types of frames that carry the head of a request.
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;

/// The flag of the last of these.
const END_HEADERS: u8 = 4;

/// A position in the bytes of a client. Heads of requests count as a whole, in however many frames they are.
#[derive(Debug)]
pub(super) struct Frames {
    head: [u8; HEAD_BYTES],
    /// The bytes of the head that are there.
    head_length: usize,
    /// The bytes that are missing until the next head.
    left: usize,
    /// Another frame continues the head of a request.
    is_continued: bool,
    /// The number of times that a frame or the head of a request was complete.
    pub(super) completed: u64,
}

impl Frames {
    pub(super) fn new() -> Self {
        Self {
            head: [0; HEAD_BYTES],
            head_length: 0,
            left: PREFACE_BYTES,
            is_continued: false,
            completed: 0,
        }
    }

    /// Returns whether nothing is missing.
    pub(super) fn is_between(&self) -> bool {
        self.head_length == 0 && self.left == 0 && !self.is_continued
    }

    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.left > 0 {
                let skipped = self.left.min(bytes.len());
                self.left -= skipped;
                bytes = &bytes[skipped..];
            } else {
                let taken = bytes.len().min(HEAD_BYTES - self.head_length);
                let end = self.head_length + taken;
                self.head[self.head_length..end].copy_from_slice(&bytes[..taken]);
                self.head_length = end;
                bytes = &bytes[taken..];
                if end < HEAD_BYTES {
                    return;
                }
                let [high, middle, low, kind, flags, ..] = self.head;
                self.left = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
                self.head_length = 0;
                if matches!(kind, HEADERS | CONTINUATION) {
                    self.is_continued = flags & END_HEADERS == 0;
                }
            }
            if self.is_between() {
                self.completed += 1;
            }
        }
    }
}

/// A stream that calls a function with all bytes read from it.
pub(super) struct Observed<S, F> {
    pub(super) stream: S,
    pub(super) observe: F,
}

impl<S: AsyncRead + Unpin, F: FnMut(&[u8]) + Unpin> AsyncRead for Observed<S, F> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        let new = &buf.filled()[before..];
        if !new.is_empty() {
            (self.observe)(new);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin, F: Unpin> AsyncWrite for Observed<S, F> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_end_where_their_length_says_however_they_arrive() {
        let mut bytes = vec![b'P'; PREFACE_BYTES];
        let mut ends = vec![bytes.len()];
        for (kind, flags, length) in [
            (4, 0, 0),
            (HEADERS, END_HEADERS, 300),
            (HEADERS, 0, 5),
            (CONTINUATION, 0, 0),
            (CONTINUATION, END_HEADERS, 7),
            (0, 1, 70_000),
        ] {
            bytes.extend([(length >> 16) as u8, (length >> 8) as u8, length as u8]);
            bytes.extend([kind, flags, 0, 0, 0, 1]);
            bytes.resize(bytes.len() + length, 0);
            if !matches!((kind, flags), (HEADERS | CONTINUATION, 0)) {
                ends.push(bytes.len());
            }
        }
        for step in [1, 2, 9, 1000, bytes.len()] {
            let mut frames = Frames::new();
            let mut seen = 0;
            for part in bytes.chunks(step) {
                frames.read(part);
                seen += part.len();
                let complete = ends.iter().filter(|end| **end <= seen).count();
                assert_eq!(frames.completed, complete as u64, "{step}: {seen}");
                assert_eq!(frames.is_between(), ends.contains(&seen), "{step}: {seen}");
            }
        }
    }
}
