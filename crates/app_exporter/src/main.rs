//! Exports the active user sessions of an application to Prometheus.

use std::process::ExitCode;

fn main() -> ExitCode {
    app_exporter::main()
}
