//! Chooses loom's types in the library's `sync`, for this package alone: set with `RUSTFLAGS`, every
//! dependency would be built with it too.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(exporter_kit_loom)");
    println!("cargo::rustc-cfg=exporter_kit_loom");
}
