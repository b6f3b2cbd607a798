//! The program under what would bring a lesser one down. `docs/security.md` names these tests.

#[cfg(target_os = "linux")]
mod full_disk;
mod hour;
mod idle;
mod memory;
mod reloads;
#[cfg(target_os = "linux")]
mod trouble;

use memory::{NO_LEAK, growth_of_a_round, resident};
