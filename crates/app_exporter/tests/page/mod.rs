//! The page at `/` in a real browser.

mod appearance;
mod browser;
mod content;
mod kinds;
mod load;
mod shop;
mod trouble;

use browser::Browser;
