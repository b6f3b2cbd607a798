//! A race of two futures, without a runtime.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// Runs both futures until one of them is done; returns whether the first one is.
pub(crate) async fn first(left: impl Future<Output = ()>, right: impl Future<Output = ()>) -> bool {
    let mut left = pin!(left);
    let mut right = pin!(right);
    poll_fn(|cx| {
        if left.as_mut().poll(cx).is_ready() {
            Poll::Ready(true)
        } else if right.as_mut().poll(cx).is_ready() {
            Poll::Ready(false)
        } else {
            Poll::Pending
        }
    })
    .await
}
