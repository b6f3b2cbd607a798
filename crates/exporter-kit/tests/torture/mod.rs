//! Programs that treat the library badly: many threads, panics, clocks that jump. `docs/security.md` names these tests.

mod clocks;
mod panics;
mod threads;
