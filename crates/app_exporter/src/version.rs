//! Version, commit and compiler of this build.

use std::env::consts::{ARCH, OS};

pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
pub(crate) const REVISION: &str = env!("APP_EXPORTER_BUILD_REVISION");
pub(crate) const BRANCH: &str = env!("APP_EXPORTER_BUILD_BRANCH");
pub(crate) const RUST_VERSION: &str = env!("APP_EXPORTER_BUILD_RUST_VERSION");

/// The output of `--version`, in the format of Prometheus' own programs.
pub(crate) fn text() -> String {
    format!(
        "app_exporter, version {VERSION} (branch: {BRANCH}, revision: {REVISION})\n  \
           rust version:     {RUST_VERSION}\n  \
           platform:         {OS}/{ARCH}\n"
    )
}
