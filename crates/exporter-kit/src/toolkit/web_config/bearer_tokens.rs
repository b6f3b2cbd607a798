//! Bearer tokens, an alternative to name and password.

use std::collections::HashSet;

use ring::{digest, hmac};

use super::certificates::NamedFiles;
use super::error::Problem;
use super::file::{BearerToken, ExporterKit, place, place_of, said};
use super::users::credentials;

/// The minimum length; a shorter token can be guessed.
const MIN_CHARS: usize = 16;

/// The accepted tokens, as hashes.
pub(super) struct BearerTokens {
    /// Keyed hashes of the hashes, so that the time of a look-up reveals nothing about a token.
    accepted: HashSet<[u8; 32]>,
    key: hmac::Key,
}

impl BearerTokens {
    /// Checks the tokens of a file, and reads those in separate files.
    pub(super) fn build(
        file: Option<&ExporterKit>,
        key: &hmac::Key,
        files: &mut NamedFiles<'_>,
    ) -> Result<Self, Problem> {
        let mut tokens = Self {
            accepted: HashSet::new(),
            key: key.clone(),
        };
        let listed = file.and_then(|file| file.bearer_tokens.as_ref());
        for (name, token) in listed.into_iter().flatten() {
            let hash = hash_of(name, &token.value, files)
                .map_err(|problem| problem.at(place(token.referenced)))?;
            tokens.accepted.insert(tokens.keyed(&hash));
        }
        Ok(tokens)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.accepted.is_empty()
    }

    /// Returns whether the value of an `Authorization` header contains one of the tokens.
    pub(super) fn accept(&self, authorization: &[u8]) -> bool {
        credentials(authorization, b"bearer").is_some_and(|token| {
            let hash = digest::digest(&digest::SHA256, token);
            self.accepted.contains(&self.keyed(hash.as_ref()))
        })
    }

    fn keyed(&self, hash: &[u8]) -> [u8; 32] {
        let mut keyed = [0; 32];
        for (to, from) in keyed.iter_mut().zip(hmac::sign(&self.key, hash).as_ref()) {
            *to = *from;
        }
        keyed
    }
}

/// The SHA-256 of a token.
fn hash_of(
    name: &str,
    token: &BearerToken,
    files: &mut NamedFiles<'_>,
) -> Result<Vec<u8>, Problem> {
    match (said(&token.sha256), said(&token.file)) {
        (Some(hash), None) => from_hex(&hash.value).ok_or_else(|| {
            let message = format!(
                "the sha256 of bearer token `{name}` is not 64 hexadecimal digits; create it with `printf %s TOKEN | sha256sum`"
            );
            Problem::new(message).at(place_of(hash))
        }),
        (None, Some(path)) => {
            let (full, content) = files.read(path)?;
            let token = content.trim_ascii();
            let is_token = token.len() >= MIN_CHARS && token.iter().all(u8::is_ascii_graphic);
            if !is_token {
                let message = format!(
                    "cannot read the token `{name}` from `{}`: a token has at least {MIN_CHARS} printable characters and no spaces; create one with `openssl rand -hex 32`",
                    full.display()
                );
                return Err(Problem::new(message).at(place_of(path)));
            }
            Ok(digest::digest(&digest::SHA256, token).as_ref().to_vec())
        }
        _ => Err(Problem::new(format!(
            "bearer token `{name}` needs either `sha256` or `file`; set one of them"
        ))),
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|char| char.to_digit(16).map(|digit| digit as u8))
        .collect();
    let digits = digits.filter(|digits| digits.len() == 64)?;
    Some(
        digits
            .chunks(2)
            .map(|two| two.iter().fold(0, |sum, digit| sum << 4 | digit))
            .collect(),
    )
}
