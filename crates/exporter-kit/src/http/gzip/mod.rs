//! Gzip by structure: compresses an exposition with what an earlier one has shown about it.
//!
//! Between two values stand bytes that hardly ever change, and looking for what they repeat is what makes a
//! compressor slow. Here that is done once: each line's [head](units::head_len) keeps the tokens it was
//! compressed to ([`Units`](units::Units)), and the next scrape writes them again. A token is only written if
//! the text at hand is what it stands for, so what was learned can make a body larger, but never wrong.
//!
//! Nothing here knows formats or metrics: any bytes can be coded.

mod bits;
mod changes;
mod codes;
mod kept;
mod pass;
mod search;
mod stream;
#[cfg(test)]
mod tests;
mod units;

pub(crate) use kept::{Plan, Structures, What};
pub(crate) use stream::Stream;
