//! Writes a corpus of libFuzzer into the repository: `corpus TARGET FOLDER`. Minimise the folder first.

use std::path::Path;
use std::process::ExitCode;

use exporter_kit_fuzz::{TARGETS, corpus};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [target, folder] = arguments.as_slice() else {
        eprintln!("usage: corpus TARGET FOLDER");
        return ExitCode::from(2);
    };
    if !TARGETS.iter().any(|(name, _)| name == target) {
        eprintln!("`{target}` is not a target");
        return ExitCode::from(2);
    }
    match corpus::write(target, Path::new(folder)) {
        Ok(inputs) => {
            println!("{target}: {inputs} inputs");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{folder}: {error}");
            ExitCode::FAILURE
        }
    }
}
