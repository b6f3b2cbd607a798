//! The program under what would bring a lesser one down. `docs/security.md` names these tests.

mod hour;
mod idle;
mod memory;

use memory::resident;
