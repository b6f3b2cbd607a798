//! One query and its result set.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{At, Fault, Place, Span};
use crate::decode::{Format, PartInfo};

/// The columns of a count's row.
pub(super) const COUNT_COLUMNS: [&str; 5] = ["value", "complete", "age", "seconds", "so_far"];

/// The columns of a key's row.
pub(super) const SIZE_COLUMNS: [&str; 4] = ["key", "type", "size", "bytes"];

/// One query, which makes a result set of its name. Exactly one key says what to ask: `command`, `count_keys`,
/// `key_sizes`, `count_members` or `info`.
#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RedisQuery {
    /// A read-only command with its arguments, such as `[GET, app:sessions]`. A number or string makes one row with the
    /// column `value`, an empty reply no row. A list makes a row for each item, with `index` and `value`; items that
    /// are lists have columns `0`, `1` and so on (`key` and `value` for two). Names with values make rows with `key`
    /// and `value`.
    ///
    /// Some commands for administrators that only read work too: `CLIENT LIST` (a row a client, with its fields, such as
    /// `name`, `age`, `cmd`), `CONFIG GET` (without passwords), `SLOWLOG GET` (`id`, `time`, `seconds`, `command`,
    /// `address`, `client`), `SLOWLOG LEN`, `LATENCY LATEST` (`event`, `time`, `seconds`, `max_seconds`), `LATENCY HISTORY`,
    /// `LATENCY HISTOGRAM` (a row a bucket: `command`, `le`, `count`, `calls`), `MEMORY STATS`, and `PUBSUB`. The user
    /// needs a right for each, such as `+client|list`.
    pub(super) command: Option<At<Vec<At<String>>>>,
    /// The shape of the reply of `command`: `pairs` and `row` read lists that alternate names and values.
    #[serde(rename = "as")]
    pub(super) shape: Option<At<Shape>>,
    /// The format of the reply of `command`.
    pub(super) format: Option<At<Format>>,

    /// Counts the keys of this pattern, such as `sess:*`. Makes one row with `value` (the count), `complete` (1 if it
    /// is from this fetch), `age` and `seconds` (age and duration of the count) and `so_far` (the next count so far).
    pub(super) count_keys: Option<At<String>>,
    /// Reads the sizes of the keys of this pattern, such as `queue:*`, without scripts. Makes a row for each key with `key`,
    /// `type`, `size` (bytes of a string, members of other types) and `bytes` (its memory). It sends up to three commands
    /// a key, so choose a pattern with few keys.
    pub(super) key_sizes: Option<At<String>>,
    /// Only keys of this type, for `count_keys` and `key_sizes`: `string`, `hash`, `list`, `set`, `zset` or `stream`.
    #[serde(rename = "type")]
    pub(super) kind: Option<At<KeyType>>,
    /// The time limit of `count_keys` and `key_sizes` per fetch; default 5s. The next fetch continues an incomplete count;
    /// until then the last complete count is exported. Incomplete sizes are a failure.
    pub(super) budget: Option<At<Span>>,
    /// The number of keys that the server scans at once; default 1000. The server blocks other clients meanwhile.
    pub(super) batch: Option<At<NonZeroU32>>,

    /// Counts the members of the sorted set at this key whose score is a recent time. Makes one row with `value`.
    pub(super) count_members: Option<At<String>>,
    /// The maximum age of the score.
    pub(super) within: Option<At<Span>>,
    /// The unit of scores; default seconds since 1970.
    pub(super) score: Option<At<Score>>,

    /// Sections of the server's INFO, such as `[clients, memory]`. Makes one row with a column for each field, such as
    /// `connected_clients`; `db0:keys=3` becomes the column `db0_keys`.
    pub(super) info: Option<At<Vec<At<String>>>>,
}

/// The shape of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    /// A row with `key` and `value` for each name.
    Pairs,
    /// One row with a column for each name.
    Row,
}

/// The type of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyType {
    /// A string or number.
    String,
    /// Fields with values.
    Hash,
    /// A list.
    List,
    /// A set.
    Set,
    /// A sorted set.
    Zset,
    /// A stream.
    Stream,
}

/// The unit of a score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Score {
    /// Seconds since 1970.
    #[default]
    Seconds,
    /// Milliseconds since 1970.
    Milliseconds,
}

impl KeyType {
    /// The server's name of the type.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Hash => "hash",
            Self::List => "list",
            Self::Set => "set",
            Self::Zset => "zset",
            Self::Stream => "stream",
        }
    }
}

impl RedisQuery {
    /// The description of its result set.
    pub(super) fn part(&self, name: &str) -> PartInfo {
        if self.count_keys.is_some() {
            return PartInfo::new(name, &COUNT_COLUMNS);
        }
        if self.key_sizes.is_some() {
            return PartInfo::new(name, &SIZE_COLUMNS);
        }
        if self.count_members.is_some() {
            return PartInfo::new(name, &["value"]);
        }
        let format = self.format.as_ref().map(|format| format.parts());
        let decoded = format.and_then(|parts| parts.list.into_iter().next());
        PartInfo {
            name: name.into(),
            columns: decoded.and_then(|part| part.columns),
        }
    }

    /// Checks the query at `place`.
    pub(super) fn check(&self, name: &At<String>, faults: &mut Vec<Fault>) {
        let place = |at: Option<Place>, key| at.map(|place| (place, key));
        let kinds: Vec<_> = [
            place(self.command.as_ref().map(At::place), "command"),
            place(self.count_keys.as_ref().map(At::place), "count_keys"),
            place(self.key_sizes.as_ref().map(At::place), "key_sizes"),
            place(self.count_members.as_ref().map(At::place), "count_members"),
            place(self.info.as_ref().map(At::place), "info"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let kind = match kinds.as_slice() {
            [(_, kind)] => *kind,
            [] => {
                faults.push(Fault::at(
                    name.place(),
                    format!(
                        "the query `{}` does not say what is asked; add one of `command`, `count_keys`, `key_sizes`, \
                         `count_members`, `info`",
                        name.as_str()
                    ),
                ));
                return;
            }
            [(_, a), (place, b), ..] => {
                faults.push(Fault::at(
                    *place,
                    format!("both `{a}` and `{b}`; write two queries"),
                ));
                return;
            }
        };
        self.check_belonging(kind, faults);
        self.check_command(faults);
        self.check_format(faults);
        let empty = |at: &&At<String>| at.is_empty();
        let patterns = self.count_keys.iter().chain(&self.key_sizes);
        for pattern in patterns.filter(empty) {
            faults.push(Fault::at(
                pattern.place(),
                "the pattern is empty; write one, as `sess:*`",
            ));
        }
        if let (Some(key), None) = (&self.count_members, &self.within) {
            faults.push(Fault::at(
                key.place(),
                "`within` is missing; add how long ago a score may be, as `within: 5m`",
            ));
        }
        for sections in self.info.iter().filter(|sections| sections.is_empty()) {
            faults.push(Fault::at(
                sections.place(),
                "`info` is empty; name a section, such as `[clients]`",
            ));
        }
    }

    /// Reports keys that belong to another kind of query.
    fn check_belonging(&self, kind: &str, faults: &mut Vec<Fault>) {
        const KEYS: &[&str] = &["count_keys", "key_sizes"];
        let belonging = [
            ("as", &["command"][..], self.shape.as_ref().map(At::place)),
            ("format", &["command"], self.format.as_ref().map(At::place)),
            ("type", KEYS, self.kind.as_ref().map(At::place)),
            ("budget", KEYS, self.budget.as_ref().map(At::place)),
            ("batch", KEYS, self.batch.as_ref().map(At::place)),
            (
                "within",
                &["count_members"],
                self.within.as_ref().map(At::place),
            ),
            (
                "score",
                &["count_members"],
                self.score.as_ref().map(At::place),
            ),
        ];
        for (key, owners, place) in belonging {
            if let Some(place) = place.filter(|_| !owners.contains(&kind)) {
                let owner = owners.join("` and `");
                faults.push(Fault::at(
                    place,
                    format!("`{key}` belongs to `{owner}` and does not apply to `{kind}`; drop it"),
                ));
            }
        }
    }

    fn check_command(&self, faults: &mut Vec<Fault>) {
        let Some(command) = &self.command else { return };
        match command.first() {
            Some(name) if name.eq_ignore_ascii_case("KEYS") => faults.push(Fault::at(
                name.place(),
                "`KEYS` blocks every other client while it reads all keys; write `count_keys` with the pattern",
            )),
            Some(name) if !name.is_empty() && !name.contains(char::is_whitespace) => (),
            Some(name) => faults.push(Fault::at(
                name.place(),
                format!("`{}` is not the name of a command; write each argument as an item of its own", name.escape_debug()),
            )),
            None => faults.push(Fault::at(
                command.place(),
                "the command is empty; write its name and its arguments, as `[GET, app:sessions]`",
            )),
        }
    }

    fn check_format(&self, faults: &mut Vec<Fault>) {
        let Some(format) = &self.format else { return };
        format.check(faults);
        if !format.parts().first_is_default {
            faults.push(Fault::at(
                format.place(),
                "a query gives one set of rows, and this format gives another number of them; write another format, or one \
                 expression",
            ));
        }
        if let Some(shape) = &self.shape {
            faults.push(Fault::at(
                shape.place(),
                "both `format` and `as`; drop `as`, as the format determines the rows",
            ));
        }
    }
}
