//! Catches the panic of a future.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::sync::caught;

/// The future panicked. The panic message is on standard error already.
#[derive(Debug)]
pub(crate) struct Panicked;

/// A future that returns its panic as output. A panic of its destructor is ignored.
pub(crate) struct Caught<F: ?Sized>(Option<Pin<Box<F>>>);

impl<F: Future + ?Sized> Caught<F> {
    pub(crate) fn new(future: Pin<Box<F>>) -> Self {
        Self(Some(future))
    }
}

impl<F: Future + ?Sized> Future for Caught<F> {
    type Output = Result<F::Output, Panicked>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(future) = &mut self.0 else {
            return Poll::Ready(Err(Panicked));
        };
        // The panic can leave only the future itself inconsistent, and it is not polled again.
        match caught(|| future.as_mut().poll(cx)) {
            Some(Poll::Pending) => Poll::Pending,
            Some(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            None => Poll::Ready(Err(Panicked)),
        }
    }
}

impl<F: ?Sized> Drop for Caught<F> {
    fn drop(&mut self) {
        let future = self.0.take();
        let _ = caught(|| drop(future));
    }
}
