//! Arguments of the command.

use std::path::{Path, PathBuf};

use crate::run::Failure;
use crate::workspace::Workspace;

/// The learner's crate, and the command line that names it.
pub(super) struct Arguments {
    /// The folder of the learner's crate.
    pub(super) folder: PathBuf,
    /// The command that repeats the check.
    pub(super) again: String,
}

impl Arguments {
    pub(super) fn read(arguments: &[String]) -> Result<Self, Failure> {
        let (number, rest) = arguments
            .split_first()
            .ok_or_else(|| Failure::usage("say which exercise: `cargo xtask exercise 1`"))?;
        if number != "1" {
            return Err(Failure::usage(format!(
                "there is no exercise `{number}`; there is `1`"
            )));
        }
        match rest {
            [] => {
                Workspace::read()?.enter()?;
                Self::of(Path::new("exercises/1-exporter/starter"), "")
            }
            [flag, folder] if flag == "--path" => {
                Self::of(Path::new(folder), &format!(" --path {folder}"))
            }
            [argument, ..] => Err(Failure::usage(format!(
                "`{argument}` is not taken; after the number comes nothing, or `--path DIR`, the \
                 folder of your crate"
            ))),
        }
    }

    fn of(folder: &Path, and: &str) -> Result<Self, Failure> {
        if !folder.join("Cargo.toml").is_file() {
            return Err(Failure::usage(format!(
                "`{}` has no Cargo.toml; `--path` takes the folder of your crate",
                folder.display()
            )));
        }
        Ok(Self {
            folder: folder.to_owned(),
            again: format!("cargo xtask exercise 1{and}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(arguments: &[&str]) -> String {
        let arguments: Vec<String> = arguments.iter().map(|&a| a.to_owned()).collect();
        match Arguments::read(&arguments) {
            Ok(read) => panic!("{arguments:?} gave `{}`", read.again),
            Err(failure) => {
                assert_eq!(failure.code, 2);
                failure.to_string()
            }
        }
    }

    #[test]
    fn what_is_not_understood_is_named_with_what_is() {
        assert!(refused(&[]).contains("`cargo xtask exercise 1`"));
        assert!(refused(&["7"]).contains("no exercise `7`; there is `1`"));
        assert!(refused(&["1", "--port"]).contains("`--port`"));
        assert!(refused(&["1", "--path", "no-such-folder"]).contains("`no-such-folder`"));
    }
}
