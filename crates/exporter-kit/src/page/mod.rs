//! The web page at `/`.
//!
//! The page runs no collector. Its script fetches the metrics as a scraper does and shows them live. A browser without
//! script goes on to a plain, bounded table. The page loads nothing from other hosts and contains nothing inline, so
//! that the strictest content security policy applies.

mod answer;
mod asset;
mod html;
mod landing;
mod own;
mod render;
mod table;

pub(crate) use answer::{Page, harden, is_own};
pub(crate) use landing::{Landing, Links, PageLink};
