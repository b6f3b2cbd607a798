//! Registers as many counters as its argument says, also through registries in a registry, and removes them in another
//! order. `tests/registering.rs` counts its instructions.

use std::error::Error;

use exporter_kit::Registry;

/// The number of registries in one registry.
const PARTS: usize = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let count: usize = std::env::args().nth(1).ok_or("no count")?.parse()?;
    let registry = Registry::new();
    let whole = Registry::new();
    let parts = [(); PARTS].map(|()| Registry::new());
    let name = |number: usize| format!("requests_{:06}_total", number * 7919 % 1_000_000);
    for number in 0..count {
        registry.counter(&name(number), "Requests served.")?;
        parts[number % PARTS].counter(&name(number), "Requests served.")?;
    }
    for part in parts {
        whole.register(part)?;
    }
    if registry.counter(&name(count / 2), "Twice.").is_ok() {
        return Err("two families with one name".into());
    }
    for number in 0..count {
        // Of each pair, the later one first.
        if !registry.unregister(&name((number ^ 1).min(count - 1))) {
            return Err("an unregistered family was removed".into());
        }
    }
    // A part of the whole goes with the first of its names.
    for number in 0..PARTS {
        if !whole.unregister(&name(number)) {
            return Err("a part was missing".into());
        }
    }
    Ok(())
}
