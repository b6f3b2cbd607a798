//! A stream that checks each message of a server before the driver reads it.
//!
//! The driver asks for the types that it does not know, and for the types of those, as deep as the server goes on naming new
//! ones; and it keeps every parameter and type that the server names. Both end here.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// The limit of statements that the driver runs for one of the source: its own ones, which look up types.
const MOST_LOOKUPS: usize = 200;
/// The limit of bytes of messages that the driver keeps for as long as the connection is open.
const MOST_KEPT: usize = 1 << 20;

/// Tags of messages.
const BOUND: u8 = b'2';
const PARAMETER_STATUS: u8 = b'S';
const NOTICE: u8 = b'N';
const NOTIFICATION: u8 = b'A';

/// The amounts that the server may still send.
#[derive(Clone, Debug)]
pub(super) struct Patience(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    /// The limit of bytes of a message.
    longest: usize,
    lookups: AtomicUsize,
    kept: AtomicUsize,
    refusal: OnceLock<String>,
}

impl Patience {
    pub(super) fn new(longest: usize) -> Self {
        Self(Arc::new(Counts {
            longest,
            lookups: AtomicUsize::new(0),
            kept: AtomicUsize::new(0),
            refusal: OnceLock::new(),
        }))
    }

    /// The next statement begins.
    pub(super) fn renew(&self) {
        self.0.lookups.store(0, Ordering::Relaxed);
    }

    /// True if the driver has run a statement of its own for the one of the source.
    pub(super) fn has_looked_up(&self) -> bool {
        self.0.lookups.load(Ordering::Relaxed) > 0
    }

    /// Counts these bytes as kept for as long as the connection is open. Returns false when it keeps too much.
    pub(super) fn keep(&self, bytes: usize) -> bool {
        let before = self.0.kept.fetch_add(bytes, Ordering::Relaxed);
        before.saturating_add(bytes) <= MOST_KEPT
    }

    /// The message that was refused. The driver may only say that the connection is closed.
    pub(super) fn refusal(&self) -> Option<&str> {
        self.0.refusal.get().map(String::as_str)
    }

    fn refuse(&self, what: impl fmt::Display) -> io::Error {
        let refusal = self
            .0
            .refusal
            .get_or_init(|| format!("unexpected answer: {what}"));
        io::Error::other(refusal.clone())
    }

    fn allow(&self, tag: u8, length: u32) -> io::Result<()> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > self.0.longest {
            return Err(self.refuse(format_args!("a message of {length} bytes")));
        }
        let kept = match tag {
            PARAMETER_STATUS | NOTICE | NOTIFICATION => self.keep(length),
            _ => true,
        };
        if !kept {
            return Err(self.refuse("too many parameters and notices"));
        }
        if tag == BOUND && self.0.lookups.fetch_add(1, Ordering::Relaxed) >= MOST_LOOKUPS {
            return Err(self.refuse(format_args!("more than {MOST_LOOKUPS} new types")));
        }
        Ok(())
    }
}

/// The checked stream.
pub(super) struct Checked<S> {
    stream: S,
    patience: Patience,
    phase: Phase,
    head: [u8; 5],
    /// The bytes of the head that are read.
    read: usize,
    /// The bytes left of the message.
    left: u32,
}

/// The kind of the server's next bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing was sent yet.
    Start,
    /// The answer to the question whether it supports TLS: one byte.
    Encryption,
    /// TLS, whose messages are checked inside.
    Encrypted,
    Messages,
}

impl<S> Checked<S> {
    pub(super) fn new(stream: S, patience: Patience) -> Self {
        Self {
            stream,
            patience,
            phase: Phase::Start,
            head: [0; 5],
            read: 0,
            left: 0,
        }
    }

    fn inside(stream: S, patience: Patience) -> Self {
        Self {
            phase: Phase::Messages,
            ..Self::new(stream, patience)
        }
    }

    fn check(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let [first, rest @ ..] = bytes {
            match self.phase {
                Phase::Encrypted => return Ok(()),
                Phase::Encryption => {
                    self.phase = match first {
                        b'S' => Phase::Encrypted,
                        _ => Phase::Messages,
                    };
                    bytes = rest;
                }
                Phase::Start | Phase::Messages if self.left > 0 => {
                    let passed = usize::try_from(self.left)
                        .map_or(bytes.len(), |left| left.min(bytes.len()));
                    self.left -= u32::try_from(passed).unwrap_or(self.left);
                    bytes = bytes.get(passed..).unwrap_or_default();
                }
                Phase::Start | Phase::Messages => {
                    if let Some(place) = self.head.get_mut(self.read) {
                        *place = *first;
                    }
                    self.read += 1;
                    bytes = rest;
                    if self.read == self.head.len() {
                        self.read = 0;
                        let [tag, length @ ..] = self.head;
                        // The length counts itself.
                        let length = u32::from_be_bytes(length);
                        self.patience.allow(tag, length)?;
                        self.left = length.saturating_sub(4);
                    }
                }
            }
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Checked<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let new = buffer.filled().get(before..).unwrap_or_default();
        Poll::Ready(self.check(new))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Checked<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        /// The whole request for TLS, and its code.
        const FOR_TLS: [u8; 8] = [0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x2F];
        if self.phase == Phase::Start {
            self.phase = match bytes == FOR_TLS {
                true => Phase::Encryption,
                false => Phase::Messages,
            };
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Checked<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.stream.channel_binding()
    }
}

/// TLS, whose messages are checked.
pub(super) struct CheckedTls<T> {
    pub(super) tls: T,
    pub(super) patience: Patience,
}

impl<S, T> TlsConnect<S> for CheckedTls<T>
where
    T: TlsConnect<S>,
    T::Future: Send + 'static,
{
    type Stream = Checked<T::Stream>;
    type Error = T::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Stream, Self::Error>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let Self { tls, patience } = self;
        let connecting = tls.connect(stream);
        Box::pin(async move { Ok(Checked::inside(connecting.await?, patience)) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[tag], &length[..], body].concat()
    }

    /// The result of bytes that come in these pieces.
    fn check(phase: Phase, bytes: &[u8], piece: usize) -> io::Result<Phase> {
        let mut stream = Checked::new((), Patience::new(1000));
        stream.phase = phase;
        for piece in bytes.chunks(piece) {
            stream.check(piece)?;
        }
        Ok(stream.phase)
    }

    #[test]
    fn what_is_too_long_too_deep_or_kept_for_ever_is_refused() {
        let long = [b'D', 0xFF, 0xFF, 0xFF, 0xFF];
        let bound = message(b'2', &[]);
        let status = message(b'S', &[b'a'; 900]);
        for piece in [1, 3, 7, 1 << 20] {
            let of = |bytes: &[u8]| check(Phase::Messages, bytes, piece);
            assert!(of(&[message(b'Z', b"I"), long.to_vec()].concat()).is_err());
            assert!(of(&bound.repeat(MOST_LOOKUPS)).is_ok());
            assert!(of(&bound.repeat(MOST_LOOKUPS + 1)).is_err());
            assert!(of(&status.repeat(1000)).is_ok());
            assert!(of(&status.repeat(1200)).is_err());
            assert!(of(&message(b'D', &[b'2'; 900]).repeat(1200)).is_ok());
            // After TLS was agreed to, bytes are no messages.
            let phase = check(Phase::Encryption, &[&b"S"[..], &long].concat(), piece);
            assert_eq!(phase.unwrap(), Phase::Encrypted);
            assert!(check(Phase::Encryption, &[&b"N"[..], &long].concat(), piece).is_err());
        }
    }

    proptest! {
        #[test]
        fn the_verdict_does_not_depend_on_the_pieces(
            bytes in prop::collection::vec(prop::sample::select(vec![0_u8, 1, 4, 5, b'2', b'S', 255]), 0..400),
            piece in 1_usize..50,
        ) {
            let whole = check(Phase::Messages, &bytes, 1000).is_ok();
            prop_assert_eq!(check(Phase::Messages, &bytes, piece).is_ok(), whole);
        }
    }
}
