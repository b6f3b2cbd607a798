//! Gzip by structure: compresses an exposition with what an earlier one has shown about it.
//!
//! Between two values stand bytes that hardly ever change, and looking for what they repeat is what makes a
//! compressor slow. Here that is done once: each line's [head](units::head_len) keeps the tokens it was
//! compressed to ([`Units`](units::Units)), and the next scrape writes them again. A token is only written if
//! the text at hand is what it stands for, so what was learned can make a body larger, but never wrong.
//!
//! Nothing here knows formats or metrics: any bytes can be coded.
//!
//! What is kept takes 16 to 24 bytes for a line, 16 MiB at most, for each of the three expositions asked for last; a
//! scrape at work holds one piece of text and 40 KiB, and 160 KiB more while lines are new. An exposition of more than
//! 800 000 lines is left to the ordinary compressor, which keeps nothing.

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

pub(crate) use kept::{Plan, Size, Structures, What};
pub(crate) use stream::Stream;
