//! The page at `/`: the metrics for people.
//!
//! The page itself asks no collector anything; its script asks for the metrics as any scraper would and shows them
//! live. Where no script runs, the browser goes on to a plain, bounded table. Nothing is asked of any other host, and
//! nothing in the page is inline, so that the strictest policy for content holds.

mod answer;
mod asset;
mod html;
mod landing;
mod render;
mod table;

pub(crate) use answer::{Page, harden, is_own};
pub(crate) use landing::{Landing, PageLink};
