//! How to log in: names, passwords and tokens, written out, from the environment or from a file.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::config::{At, Fault, HiddenTemplate, Template};

/// The keys of a login, wherever they are written. Each source has them beside its own: serde's flattened structs lose the
/// places of what is in them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoginKeys<'c> {
    pub(crate) user: Option<&'c At<Template>>,
    pub(crate) password: Option<&'c At<HiddenTemplate>>,
    pub(crate) password_file: Option<&'c At<PathBuf>>,
}

/// Who we are to a server.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) user: Option<Secret>,
    pub(crate) password: Option<Credential>,
}

/// A password or token that is known, or a file that has it.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    Known(Secret),
    InFile(SecretFile),
}

/// Text that is never shown: not by `Debug`, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Box<str>);

/// A file with nothing but a secret in it.
#[derive(Clone, Debug)]
pub(crate) struct SecretFile(PathBuf);

impl Secret {
    pub(crate) fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself, to be handed to who asks for it and to nobody else.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

impl LoginKeys<'_> {
    /// That a user has a password, where there are no users without.
    pub(crate) fn check(&self, faults: &mut Vec<Fault>) {
        if let (Some(user), None, None) = (self.user, self.password, self.password_file) {
            faults.push(Fault::at(
                user.place(),
                "there is a `user` but no `password` and no `password_file`; add one of the two",
            ));
        }
    }

    /// # Errors
    /// When the password is given in both ways, or a variable is not set.
    pub(crate) fn resolve(
        &self,
        folder: &Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Login, Fault> {
        let user = self.user.map(|user| user.resolved(variable)).transpose()?;
        Ok(Login {
            user: user.map(Secret::new),
            password: Credential::choose(self.password, self.password_file, folder, variable)?,
        })
    }
}

impl Credential {
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
                let secret = written.resolved(variable)?;
                Ok(Some(Self::Known(Secret::new(secret))))
            }
            (None, Some(file)) => Ok(Some(Self::InFile(SecretFile(folder.join(&**file))))),
            (Some(_), Some(file)) => Err(Fault::at(
                file.place(),
                "a secret is given twice, as text and as a file; drop one of the two",
            )),
        }
    }
}

impl SecretFile {
    /// The secret as it is now, without the line's end that editors leave in files. It may block.
    ///
    /// # Errors
    /// When the file can't be read.
    pub(crate) fn read(&self) -> Result<Secret, String> {
        let Self(path) = self;
        read(path)
            .map(|text| Secret::new(text.trim_end_matches(['\r', '\n'])))
            .map_err(|error| format!("can't read `{}`: {error}", path.display()))
    }
}

/// A secret is short: a file that goes on for ever, or is large, is the wrong file.
fn read(path: &Path) -> io::Result<String> {
    const MOST_BYTES: u64 = 64 * 1024;
    // A pipe could be waited on for ever.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut text = String::new();
    let length = File::open(path)?
        .take(MOST_BYTES + 1)
        .read_to_string(&mut text)?;
    if length as u64 > MOST_BYTES {
        return Err(io::Error::other("it is too long for a secret"));
    }
    Ok(text)
}
