//! Users that log in with a password.

use std::collections::{BTreeMap, HashMap};

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
    /// The cost of a check for an unknown user.
    typical_cost: u32,
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
            if hash.cost() > SLOW_COST {
                notices.push(format!(
                    "the hash of user `{name}` has the cost {}: their first scrape after each start may time out during the check; create a cheaper one with `htpasswd -nBC 10 {name}`",
                    hash.cost()
                ));
            }
            hashes.insert(name.clone(), hash);
        }
        Ok(Self {
            typical_cost: passwords::median_cost(hashes.values()),
            hashes,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Returns the check of a login, which is yet to run.
    pub(super) fn check(&self, login: &Login) -> Check {
        let hash = self.hashes.get(&login.user).cloned();
        Check {
            cost: hash.as_ref().map_or(self.typical_cost, Hash::cost),
            hash,
            password: login
                .password
                .iter()
                .take(passwords::READ)
                .copied()
                .collect(),
        }
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

/// A pending check of a login. It holds only what bcrypt reads, however long the header was.
pub(super) struct Check {
    /// `None` for an unknown user.
    hash: Option<Hash>,
    cost: u32,
    password: Vec<u8>,
}

impl Check {
    /// The cost of the hash to compute.
    pub(super) fn cost(&self) -> u32 {
        self.cost
    }

    /// The part of the configuration that the result depends on, besides the login itself.
    pub(super) fn identity(&self) -> [u8; passwords::IDENTITY] {
        self.hash
            .as_ref()
            .map_or([0; passwords::IDENTITY], Hash::identity)
    }

    /// Checks the login. Takes from milliseconds to minutes: must run on a thread of its own.
    pub(super) fn verify(&self) -> bool {
        self.verify_with(passwords::compute)
    }

    /// Checks the login by one call of `bcrypt`.
    fn verify_with(&self, bcrypt: impl FnOnce(u32, [u8; 16], &[u8]) -> [u8; 24]) -> bool {
        passwords::verify(self.hash.as_ref(), &self.password, self.cost, bcrypt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toolkit::web_config::file::File;

    /// The costs of all bcrypt computations of a check.
    fn costs(users: &Users, user: &str, password: &str) -> Vec<u32> {
        let login = Login {
            user: user.to_owned(),
            password: password.as_bytes().to_vec(),
        };
        let mut costs = Vec::new();
        users.check(&login).verify_with(|cost, _, _| {
            costs.push(cost);
            [0; 24]
        });
        costs
    }

    #[test]
    fn a_login_costs_the_hash_of_its_user_and_an_unknown_user_the_median() {
        let hash =
            |cost| format!("$2y${cost}$SEfy6fkBVJLApYNv7qQ.Q.U46cy9ody5OVb.VKGhx9Mmx59LyJ9Rq");
        let text = format!(
            "basic_auth_users: {{alice: {}, bob: {}, carol: {}, dave: {}}}",
            hash(12),
            hash(18),
            hash(10),
            hash(10)
        );
        let file = File::parse(&text).ok().unwrap();
        let mut notices = Vec::new();
        let users = Users::build(file.basic_auth_users.as_ref(), &mut notices);
        let users = users.ok().unwrap();
        for (user, cost) in [
            ("alice", 12),
            ("bob", 18),
            ("carol", 10),
            ("dave", 10),
            ("nobody", 10),
            ("", 10),
        ] {
            for password in ["alice-secret", "wrong", ""] {
                assert_eq!(costs(&users, user, password), [cost], "{user} {password}");
            }
        }
        // Only the user with the expensive hash is named.
        assert_eq!(notices.len(), 1, "{notices:?}");
        assert!(notices[0].starts_with("the hash of user `bob` has the cost 18: "));
    }

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
