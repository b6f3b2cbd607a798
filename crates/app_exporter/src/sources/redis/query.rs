//! One question: what is asked, and the set of rows that the answer is.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{At, Fault, Place, Span};
use crate::decode::{Format, PartInfo};

/// The columns of its row.
pub(super) const COUNT_COLUMNS: [&str; 5] = ["value", "complete", "age", "seconds", "so_far"];

/// One question; its answer is a set of rows of that name. It has one key that says what is asked: `command`,
/// `count_keys`, `count_members` or `info`.
#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RedisQuery {
    /// A command that only reads, with its arguments, as `[GET, app:sessions]`. A number or text is one row with the column
    /// `value`; nothing is no row; a list is a row for each item, with `index` and `value`, or for items that are lists
    /// themselves `0`, `1` and so on (`key` and `value` where there are two); names and values are rows with `key` and
    /// `value`.
    pub(super) command: Option<At<Vec<At<String>>>>,
    /// How the reply of `command` is taken: `pairs` and `row` are for lists of names and values in turns.
    #[serde(rename = "as")]
    pub(super) shape: Option<At<Shape>>,
    /// How the text is read that is the reply of `command`.
    pub(super) format: Option<At<Format>>,

    /// How many keys there are of this pattern, as `sess:*`: one row with `value` (the number), `complete` (whether it is new),
    /// `age` and `seconds` (how long ago and in which time it was counted), `so_far` (what is counted of the next one).
    pub(super) count_keys: Option<At<String>>,
    /// Only keys that hold this: `string`, `hash`, `list`, `set`, `zset` or `stream`.
    #[serde(rename = "type")]
    pub(super) kind: Option<At<KeyType>>,
    /// How long `count_keys` may go on in one fetch: 5s unless this says otherwise. What is not done then goes on in the next
    /// fetch, and the last complete number stays until then.
    pub(super) budget: Option<At<Span>>,
    /// How many keys the server looks at in one go: 1000 unless this says otherwise. It serves nobody else meanwhile.
    pub(super) batch: Option<At<NonZeroU32>>,

    /// How many members the sorted set of this key has whose score is a time: one row with `value`.
    pub(super) count_members: Option<At<String>>,
    /// Only members whose score is no longer ago than this.
    pub(super) within: Option<At<Span>>,
    /// What a score counts: seconds since 1970 unless this says otherwise.
    pub(super) score: Option<At<Score>>,

    /// Sections of what the server says about itself, as `[clients, memory]`: one row with a column for each field, as
    /// `connected_clients`; of `db0:keys=3` the column is `db0_keys`.
    pub(super) info: Option<At<Vec<At<String>>>>,
}

/// How a reply is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    /// A row for each name: `key` and `value`.
    Pairs,
    /// One row with a column for each name.
    Row,
}

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyType {
    /// Text or a number.
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

/// What a score counts.
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
    /// What the server calls it.
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
    /// The set of rows that its answer is.
    pub(super) fn part(&self, name: &str) -> PartInfo {
        if self.count_keys.is_some() {
            return PartInfo::new(name, &COUNT_COLUMNS);
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

    /// What is wrong with it, which begins at `place`.
    pub(super) fn check(&self, name: &At<String>, faults: &mut Vec<Fault>) {
        let place = |at: Option<Place>, key| at.map(|place| (place, key));
        let kinds: Vec<_> = [
            place(self.command.as_ref().map(At::place), "command"),
            place(self.count_keys.as_ref().map(At::place), "count_keys"),
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
                        "the query `{}` does not say what is asked; add one of `command`, `count_keys`, `count_members`, \
                         `info`",
                        name.as_str()
                    ),
                ));
                return;
            }
            [(_, a), (place, b), ..] => {
                faults.push(Fault::at(
                    *place,
                    format!("there is `{a}` and `{b}`; make two queries of it"),
                ));
                return;
            }
        };
        self.check_belonging(kind, faults);
        self.check_command(faults);
        self.check_format(faults);
        let empty = |at: &&At<String>| at.is_empty();
        for pattern in self.count_keys.iter().filter(empty) {
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
                "there is no section; write one, as `[clients]`",
            ));
        }
    }

    /// Keys that say more about one kind of question do nothing for another.
    fn check_belonging(&self, kind: &str, faults: &mut Vec<Fault>) {
        let belonging = [
            ("as", "command", self.shape.as_ref().map(At::place)),
            ("format", "command", self.format.as_ref().map(At::place)),
            ("type", "count_keys", self.kind.as_ref().map(At::place)),
            ("budget", "count_keys", self.budget.as_ref().map(At::place)),
            ("batch", "count_keys", self.batch.as_ref().map(At::place)),
            (
                "within",
                "count_members",
                self.within.as_ref().map(At::place),
            ),
            ("score", "count_members", self.score.as_ref().map(At::place)),
        ];
        for (key, owner, place) in belonging {
            if let Some(place) = place.filter(|_| owner != kind) {
                faults.push(Fault::at(
                    place,
                    format!(
                        "`{key}` belongs to `{owner}` and says nothing about `{kind}`; drop it"
                    ),
                ));
            }
        }
    }

    fn check_command(&self, faults: &mut Vec<Fault>) {
        let Some(command) = &self.command else { return };
        match command.first() {
            Some(name) if name.eq_ignore_ascii_case("KEYS") => faults.push(Fault::at(
                name.place(),
                "`KEYS` holds up every other client while it looks at all keys; write `count_keys` with the pattern",
            )),
            Some(name) if !name.is_empty() && !name.contains(char::is_whitespace) => (),
            Some(name) => faults.push(Fault::at(
                name.place(),
                format!("`{}` is no name of a command; each argument is an item of its own", name.escape_debug()),
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
                "there is a `format`, which says by itself what the rows are; drop `as`",
            ));
        }
    }
}
