#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod bits;
mod changes;
mod codes;
mod encoder;
mod pass;
mod search;
#[cfg(test)]
mod tests;
mod units;

pub use encoder::{Encoder, Learned, Structure};
