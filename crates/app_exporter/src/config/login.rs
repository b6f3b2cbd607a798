//! Credentials: names, passwords and tokens, written out, from the environment or from a file.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::config::{At, Fault, HiddenTemplate, Template};

/// The keys of a login. Each source lists them among its own keys, because serde's flattened structs lose the places of
/// their values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoginKeys<'c> {
    pub(crate) user: Option<&'c At<Template>>,
    pub(crate) password: Option<&'c At<HiddenTemplate>>,
    pub(crate) password_file: Option<&'c At<Template>>,
}

/// Credentials for a server.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) user: Option<Secret>,
    pub(crate) password: Option<Credential>,
}

/// A password or token, or the file that contains it.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    Known(Secret),
    InFile(SecretFile),
}

/// A string that is never displayed. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Box<str>);

/// A file that contains only a secret.
#[derive(Clone, Debug)]
pub(crate) struct SecretFile(PathBuf);

impl Secret {
    pub(crate) fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The string itself, for the server that asks for it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

#[cfg(any(feature = "http", feature = "redis"))]
impl LoginKeys<'_> {
    /// Checks that a user has a password, for servers that require one.
    pub(crate) fn check(&self, faults: &mut Vec<Fault>) {
        if let (Some(user), None, None) = (self.user, self.password, self.password_file) {
            faults.push(Fault::at(
                user.place(),
                "`user` needs a password; add `password` or `password_file`",
            ));
        }
    }
}

impl LoginKeys<'_> {
    /// # Errors
    /// When both a password and a file are set, or a variable is not set.
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
    /// The credential from the string or from the file; `None` without either.
    ///
    /// # Errors
    /// When both are set, or a variable is not set.
    pub(crate) fn choose(
        written: Option<&At<HiddenTemplate>>,
        file: Option<&At<Template>>,
        folder: &Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, Fault> {
        match (written, file) {
            (None, None) => Ok(None),
            (Some(written), None) => {
                let secret = written.resolved(variable)?;
                Ok(Some(Self::Known(Secret::new(secret))))
            }
            (None, Some(file)) => {
                let path = folder.join(file.resolved(variable)?);
                Ok(Some(Self::InFile(SecretFile(path))))
            }
            (Some(_), Some(file)) => Err(Fault::at(
                file.place(),
                "the secret is set both as a string and as a file; remove one of the two",
            )),
        }
    }
}

impl SecretFile {
    /// Reads the secret, without the line end that editors append. May block.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn read(&self) -> Result<Secret, String> {
        let Self(path) = self;
        read(path)
            .map(|text| Secret::new(text.trim_end_matches(['\r', '\n'])))
            .map_err(|error| format!("`{}`: cannot read: {error}", path.display()))
    }
}

/// Reads a short file. A large or endless file is not a secret.
fn read(path: &Path) -> io::Result<String> {
    const MOST_BYTES: u64 = 64 * 1024;
    // A pipe could be waited on for ever.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut text = String::new();
    let length = File::open(path)?
        .take(MOST_BYTES + 1)
        .read_to_string(&mut text)?;
    if length as u64 > MOST_BYTES {
        return Err(io::Error::other("too long for a secret"));
    }
    Ok(text)
}
