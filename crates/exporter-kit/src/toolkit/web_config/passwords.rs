//! Password hashes of bcrypt, and checks that cost the hash of the user who logs in, whatever the password.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;

/// The base64 of bcrypt, with any value in the unused bits.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::BCRYPT,
    NO_PAD.with_decode_allow_trailing_bits(true),
);

/// The salt of a check for an unknown user; its value does not matter.
const NO_SALT: [u8; 16] = *b"exporter-kit\0\0\0\0";

/// The number of bytes of a password that bcrypt reads.
pub(super) const READ: usize = 72;

/// The number of bytes that identify a hash.
pub(super) const IDENTITY: usize = 40;

const LEAST_COST: u32 = 4;
const GREATEST_COST: u32 = 31;

/// The hash of a password. Without `Debug`, because it is a secret.
#[derive(Clone)]
pub(super) struct Hash {
    cost: u32,
    salt: [u8; 16],
    hash: [u8; 23],
}

impl Hash {
    /// Parses `$2y$10$…`. The error is in the words of Go, without the hash.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| Err(format!("crypto/bcrypt: {why}"));
        if text.len() < 59 {
            return wrong("hashedSecret too short to be a bcrypted password");
        }
        let Some(rest) = text.strip_prefix('$') else {
            return wrong("bcrypt hashes must start with '$'");
        };
        let rest = ["2a$", "2b$", "2y$"]
            .iter()
            .find_map(|version| rest.strip_prefix(version));
        let Some(rest) = rest else {
            return wrong("the algorithm version is not `$2a$`, `$2b$` or `$2y$`");
        };
        let Some((cost, rest)) = rest.split_once('$') else {
            return wrong("the cost has no end");
        };
        let is_cost = cost.len() == 2 && cost.bytes().all(|byte| byte.is_ascii_digit());
        let cost = match cost.parse() {
            Ok(cost) if is_cost && (LEAST_COST..=GREATEST_COST).contains(&cost) => cost,
            _ => {
                return wrong(&format!(
                    "the cost is outside allowed range ({LEAST_COST}, {GREATEST_COST})"
                ));
            }
        };
        let decoded = || {
            let (salt, hash) = rest.as_bytes().split_at_checked(22)?;
            let salt = BASE64.decode(salt).ok()?.try_into().ok()?;
            let hash = BASE64.decode(hash).ok()?.try_into().ok()?;
            Some((salt, hash))
        };
        let Some((salt, hash)) = decoded() else {
            return wrong("the salt and the hash are not 53 characters of base64");
        };
        Ok(Self { cost, salt, hash })
    }

    pub(super) fn cost(&self) -> u32 {
        self.cost
    }

    /// Cost, salt and hash. Never zeros only, as no cost is 0.
    pub(super) fn identity(&self) -> [u8; IDENTITY] {
        let cost = [self.cost as u8];
        let mut bytes = cost.iter().chain(&self.salt).chain(&self.hash);
        std::array::from_fn(|_| bytes.next().copied().unwrap_or_default())
    }

    /// Compares with a computed hash in constant time: the position of a wrong byte must not show.
    fn equals(&self, computed: &[u8]) -> bool {
        let differences = self.hash.iter().zip(computed);
        differences.fold(0, |sum, (left, right)| sum | (left ^ right)) == 0
    }
}

/// Checks a password by one call of `bcrypt`: with the user's hash, or for an unknown user with the `typical` cost, so
/// that rejecting them takes as long as rejecting most users.
pub(super) fn verify(
    hash: Option<&Hash>,
    password: &[u8],
    typical: u32,
    bcrypt: impl FnOnce(u32, [u8; 16], &[u8]) -> [u8; 24],
) -> bool {
    match hash {
        Some(hash) => hash.equals(&bcrypt(hash.cost, hash.salt, password)),
        None => {
            std::hint::black_box(bcrypt(typical, NO_SALT, password));
            false
        }
    }
}

/// The median cost of all hashes; of two in the middle, the cheaper one.
pub(super) fn median_cost<'h>(hashes: impl Iterator<Item = &'h Hash>) -> u32 {
    let mut costs: Vec<u32> = hashes.map(|hash| hash.cost).collect();
    costs.sort_unstable();
    let middle = costs.len().saturating_sub(1) / 2;
    costs.get(middle).copied().unwrap_or(LEAST_COST)
}

/// The hash of a password. As in every implementation, bytes after the 72nd are ignored.
pub(super) fn compute(cost: u32, salt: [u8; 16], password: &[u8]) -> [u8; 24] {
    let mut read = [0; READ];
    let length = password.len().min(READ);
    read[..length].copy_from_slice(&password[..length]);
    // bcrypt appends a zero byte, if there is room.
    bcrypt::bcrypt(cost, salt, &read[..(length + 1).min(READ)])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors that implementations of bcrypt share.
    const HASHES: [(&str, &str); 3] = [
        (
            "a",
            "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe",
        ),
        (
            "",
            "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.",
        ),
        (
            "abcdefghijklmnopqrstuvwxyz",
            "$2a$08$aTsUwsyowQuzRrDqFflhgekJ8d9/7Z3GV3UcgvzQW3J5zMyrTvlz.",
        ),
    ];

    fn parsed(text: &str) -> Hash {
        match Hash::parse(text) {
            Ok(hash) => hash,
            Err(why) => panic!("{text}: {why}"),
        }
    }

    fn refusal(text: &str) -> String {
        Hash::parse(text).err().unwrap()
    }

    #[test]
    fn the_published_vectors_are_verified() {
        for (password, text) in HASHES {
            for version in ["$2a$", "$2b$", "$2y$"] {
                let hash = parsed(&text.replace("$2a$", version));
                let is = |password| verify(Some(&hash), password, LEAST_COST, compute);
                assert!(is(password.as_bytes()), "{text}");
                assert!(!is(b"b"), "{text}");
            }
        }
        assert!(!verify(None, b"exporter-kit", LEAST_COST, compute));
    }

    #[test]
    fn the_typical_cost_is_the_median_and_one_expensive_hash_does_not_raise_it() {
        let median = |costs: &[u32]| {
            let text = |cost| HASHES[0].1.replace("$06", &format!("${cost:02}"));
            let hashes: Vec<Hash> = costs.iter().map(|cost| parsed(&text(cost))).collect();
            median_cost(hashes.iter())
        };
        for (costs, expected) in [
            (&[][..], LEAST_COST),
            (&[10], 10),
            (&[18, 10], 10),
            (&[12, 18, 10, 10], 10),
            (&[12, 18, 10], 12),
            (&[18], 18),
        ] {
            assert_eq!(median(costs), expected, "{costs:?}");
        }
    }

    #[test]
    fn what_is_after_72_bytes_is_not_read_and_a_zero_is() {
        let long = [b'x'; 100];
        let of = |password: &[u8]| compute(4, NO_SALT, password);
        assert_eq!(of(&long), of(&long[..72]));
        assert_ne!(of(&long[..71]), of(&long[..72]));
        assert_ne!(of(b"a\0b"), of(b"a\0c"));
    }

    #[test]
    fn what_is_no_hash_is_told_in_words_that_can_be_searched() {
        let hash = HASHES[0].1;
        for (text, expected) in [
            ("", "hashedSecret too short to be a bcrypted password"),
            ("secret", "hashedSecret too short to be a bcrypted password"),
            (
                &hash.replacen('$', "x", 1),
                "bcrypt hashes must start with '$'",
            ),
            (&hash.replace("$2a", "$3a"), "the algorithm version"),
            (&hash.replace("$2a", "$2x"), "the algorithm version"),
            (
                &hash.replace("$06", "$03"),
                "the cost is outside allowed range (4, 31)",
            ),
            (
                &hash.replace("$06", "$32"),
                "the cost is outside allowed range (4, 31)",
            ),
            (
                &hash.replace("$06", "$+6"),
                "the cost is outside allowed range (4, 31)",
            ),
            (&hash.replace("m0C", "m!C"), "the salt and the hash"),
            (&format!("{hash}x"), "the salt and the hash"),
            (&"$".repeat(60), "the algorithm version"),
            (&"é".repeat(60), "bcrypt hashes must start with '$'"),
        ] {
            let said = refusal(text);
            assert!(
                said.starts_with(&format!("crypto/bcrypt: {expected}")),
                "{text}: {said}"
            );
        }
    }
}
