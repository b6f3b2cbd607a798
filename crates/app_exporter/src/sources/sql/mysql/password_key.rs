//! The server's public key, which encrypts a password where the stream does not.

use mysql_common::crypto::rsa::{GetRandom, Pkcs1OaepPadding, PublicKey};
use mysql_common::num_bigint::BigUint;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject as _;
use x509_cert::der::asn1::UintRef;
use x509_cert::der::{Decode as _, Reader as _, SliceReader};
use x509_cert::spki::SubjectPublicKeyInfoRef;

/// The bytes of padding around a secret.
const PADDING: usize = 44;

/// Encrypts a secret for the holder of a key; `None` if the key is invalid, or too short for the secret.
pub(super) fn encrypt(secret: &[u8], pem: &[u8]) -> Option<Vec<u8>> {
    let der = SubjectPublicKeyInfoDer::from_pem_slice(pem).ok()?;
    let (modulus, exponent) = parse(&der)?;
    // The library expects sizes that make sense.
    let fits = secret.len().checked_add(PADDING)? <= modulus.len();
    if !fits || modulus.len() > 1024 || exponent.len() > 8 {
        return None;
    }
    let key = PublicKey::new(
        BigUint::from_bytes_be(&modulus),
        BigUint::from_bytes_be(&exponent),
    );
    Some(key.encrypt_block(secret, Pkcs1OaepPadding::new(GetRandom)))
}

/// Modulus and exponent, without leading zeros.
fn parse(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let info = SubjectPublicKeyInfoRef::from_der(der).ok()?;
    let mut reader = SliceReader::new(info.subject_public_key.as_bytes()?).ok()?;
    let numbers = reader.sequence(|numbers| {
        let modulus = UintRef::decode(numbers)?.as_bytes().to_vec();
        let exponent = UintRef::decode(numbers)?.as_bytes().to_vec();
        Ok((modulus, exponent))
    });
    numbers.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = include_str!("password_key.pem");

    #[test]
    fn a_password_is_encrypted_and_a_bad_key_refused() {
        assert_eq!(
            encrypt(b"secret\0", KEY.as_bytes()).map(|it| it.len()),
            Some(256)
        );
        assert_eq!(encrypt(&[1; 213], KEY.as_bytes()), None);
        let cut = KEY.replace("YQIDAQAB", "");
        for key in [
            "",
            "x",
            "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
            &cut,
        ] {
            assert_eq!(encrypt(b"secret\0", key.as_bytes()), None, "{key}");
        }
    }
}
