//! How to log in: names, passwords and tokens, written out, from the environment or from a file.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{At, Fault, HiddenTemplate, Place, Secret, Template};

/// A user's name and password.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Basic {
    /// The name.
    pub(crate) user: At<Template>,
    /// The password, best as `${VARIABLE}`.
    #[serde(default)]
    pub(crate) password: Option<At<HiddenTemplate>>,
    /// A file that has the password; read anew each time, so that it can be changed.
    #[serde(default)]
    pub(crate) password_file: Option<At<PathBuf>>,
}

/// A secret that is known, or a file that has it.
#[derive(Clone, Debug)]
pub(crate) enum Login {
    Known(Secret),
    InFile(PathBuf),
}

impl Login {
    /// The one of the two ways that was chosen; `None` if neither was.
    ///
    /// # Errors
    /// When both were, or a variable is not set.
    pub(crate) fn choose(
        written: Option<&At<HiddenTemplate>>,
        file: Option<&At<PathBuf>>,
        folder: &Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, Fault> {
        match (written, file) {
            (None, None) => Ok(None),
            (Some(written), None) => {
                let secret = written
                    .resolve(variable)
                    .map_err(|message| Fault::at(written.place(), message))?;
                Ok(Some(Self::Known(Secret::new(secret))))
            }
            (None, Some(file)) => Ok(Some(Self::InFile(folder.join(&**file)))),
            (Some(_), Some(file)) => Err(Fault::at(
                file.place(),
                "a secret is given twice, as text and as a file; drop one of the two",
            )),
        }
    }

    /// The secret as it is now, without the line's end that editors leave in files.
    ///
    /// # Errors
    /// When the file can't be read.
    pub(crate) fn read(&self) -> Result<Secret, String> {
        match self {
            Self::Known(secret) => Ok(secret.clone()),
            Self::InFile(path) => read(path)
                .map(|text| Secret::new(text.trim_end_matches(['\r', '\n'])))
                .map_err(|error| format!("can't read `{}`: {error}", path.display())),
        }
    }
}

impl Basic {
    /// What is wrong that one key alone does not show.
    pub(crate) fn check(&self, place: Place, faults: &mut Vec<Fault>) {
        if self.password.is_none() && self.password_file.is_none() {
            faults.push(Fault::at(
                place,
                "there is a `user` but no `password` and no `password_file`; add one of the two",
            ));
        }
    }
}

/// A secret is short: a file that goes on for ever, or is large, is the wrong file.
fn read(path: &Path) -> io::Result<String> {
    const MOST_BYTES: u64 = 64 * 1024;
    let mut text = String::new();
    let length = File::open(path)?
        .take(MOST_BYTES + 1)
        .read_to_string(&mut text)?;
    if length as u64 > MOST_BYTES {
        return Err(io::Error::other("it is too long for a secret"));
    }
    Ok(text)
}
