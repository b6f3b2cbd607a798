//! The methods that prove a password.

use mysql_common::scramble::{create_response_for_ed25519, scramble_native, scramble_sha256};

use crate::sources::sql::mysql::password_key;

/// The length of the server's random bytes in all methods but `ed25519`.
const NONCE: usize = 20;

/// A method that proves a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Native,
    CachingSha2,
    Sha256,
    Ed25519,
}

impl Method {
    /// The method of this name; `None` for one that is not built in.
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        match name {
            b"mysql_native_password" => Some(Self::Native),
            b"caching_sha2_password" => Some(Self::CachingSha2),
            b"sha256_password" => Some(Self::Sha256),
            b"client_ed25519" => Some(Self::Ed25519),
            _ => None,
        }
    }

    /// The first answer to the server's random bytes. `is_private` is true if others cannot read it.
    pub(super) fn answer(self, password: &str, nonce: &[u8], is_private: bool) -> Vec<u8> {
        let bytes = password.as_bytes();
        match self {
            Self::Sha256 if password.is_empty() => vec![0],
            _ if password.is_empty() => Vec::new(),
            Self::Native => {
                scramble_native(begin(nonce, NONCE), bytes).map_or(Vec::new(), Vec::from)
            }
            Self::CachingSha2 => {
                scramble_sha256(begin(nonce, NONCE), bytes).map_or(Vec::new(), Vec::from)
            }
            Self::Sha256 if is_private => in_full(password),
            // Asks for the key.
            Self::Sha256 => vec![0x01],
            Self::Ed25519 => create_response_for_ed25519(bytes, begin(nonce, 32)).to_vec(),
        }
    }
}

/// The password as the server reads it on a private stream.
pub(super) fn in_full(password: &str) -> Vec<u8> {
    [password.as_bytes(), &[0]].concat()
}

/// The password for the holder of a key; `None` if the key is unusable.
pub(super) fn encrypted(password: &str, nonce: &[u8], key: &[u8]) -> Option<Vec<u8>> {
    let mut secret = in_full(password);
    for (byte, random) in secret.iter_mut().zip(begin(nonce, NONCE).iter().cycle()) {
        *byte ^= random;
    }
    password_key::encrypt(&secret, key)
}

fn begin(nonce: &[u8], length: usize) -> &[u8] {
    nonce.get(..length).unwrap_or(nonce)
}
