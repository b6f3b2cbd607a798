//! Users that log in with a password.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use super::error::Problem;
use super::file::{Text, place_of};
use super::passwords::{self, Hash};

/// Base64 as Go reads it: padded, with any value in the unused bits.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Above this cost, a check takes longer than the timeout of a scrape.
const SLOW_COST: u32 = 14;

/// All users, with their hashes.
pub(super) struct Users {
    hashes: HashMap<String, Hash>,
    cost: u32,
}

impl Users {
    /// Checks the users of a file.
    pub(super) fn build(
        file: Option<&BTreeMap<String, Text>>,
        notices: &mut Vec<String>,
    ) -> Result<Self, Problem> {
        let mut hashes = HashMap::new();
        for (name, text) in file.into_iter().flatten() {
            if name.contains(':') {
                let message = format!(
                    "the user `{name}` cannot log in: clients cannot send a name that contains `:`; choose another name"
                );
                return Err(Problem::new(message).at(place_of(text)));
            }
            let hash = Hash::parse(&text.value).map_err(|why| {
                let message = format!(
                    "cannot use the hash of user `{name}`: {why}; create one with `htpasswd -nBC 10 {name}`"
                );
                Problem::new(message).at(place_of(text))
            })?;
            hashes.insert(name.clone(), hash);
        }
        let cost = passwords::greatest_cost(hashes.values());
        if cost > SLOW_COST {
            notices.push(format!(
                "the hash of a user has the cost {cost}: the first scrape after each start may time out during the check; a cost of 10 is common"
            ));
        }
        Ok(Self { hashes, cost })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Checks a login. Takes from milliseconds to seconds, whether the user exists or not: must run on a thread that
    /// may block.
    pub(super) fn verify(&self, login: &Login) -> bool {
        passwords::verify(self.hashes.get(&login.user), &login.password, self.cost)
    }
}

/// A name and a password, as a client sent them.
pub(super) struct Login {
    user: String,
    password: Vec<u8>,
}

impl Login {
    /// Reads the value of an `Authorization` header.
    pub(super) fn read(authorization: &[u8]) -> Option<Self> {
        let decoded = BASE64.decode(credentials(authorization, b"basic")?).ok()?;
        let end = decoded.iter().position(|byte| *byte == b':')?;
        let (user, password) = decoded.split_at(end);
        Some(Self {
            // A name that is not UTF-8 matches no user.
            user: String::from_utf8_lossy(user).into_owned(),
            password: password.iter().skip(1).copied().collect(),
        })
    }
}

/// The credentials after the name of a scheme.
pub(super) fn credentials<'a>(authorization: &'a [u8], scheme: &[u8]) -> Option<&'a [u8]> {
    let (found, rest) = authorization.split_at_checked(scheme.len())?;
    let rest = rest.strip_prefix(b" ")?;
    found.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// A pending check of a login.
pub(super) struct Check {
    pub(super) users: Arc<Users>,
    pub(super) login: Login,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_read_as_go_reads_them() {
        for (header, expected) in [
            (
                "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
                Some(("Aladdin", "open sesame")),
            ),
            ("bAsIc YTpiOmM=", Some(("a", "b:c"))),
            ("Basic Og==", Some(("", ""))),
            ("Basic YQ==", None),
            ("Basic YTpiOmM", None),
            ("Basic  YTpiOmM=", None),
            ("Basic", None),
            ("BasicYTpiOmM=", None),
            ("Bearer YTpiOmM=", None),
            ("", None),
        ] {
            let login = Login::read(header.as_bytes());
            let found = login
                .as_ref()
                .map(|login| (login.user.as_str(), login.password.as_slice()));
            assert_eq!(
                found,
                expected.map(|(user, password)| (user, password.as_bytes())),
                "{header}"
            );
        }
    }
}
