//! Commands that read figures of the server, not keys, and the rows of their replies.
//!
//! The server marks many of them as commands for administrators, although they only read. A command that is not listed
//! here must be marked as read-only by the server.

use redis::Value;

use crate::decode::Failure;
use crate::sources::redis::query::Shape;
use crate::sources::redis::rows::{entries, text};

/// The form of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figures {
    /// A number, a text or a list.
    Plain,
    /// Names and values.
    Pairs,
    /// Names and values, among them secrets.
    Settings,
    /// A line for each client, with `name=value`.
    Clients,
    /// Lists with the fields of slow commands.
    SlowCommands,
    /// Lists with an event, its time, and latencies.
    LatestLatencies,
    /// Cumulative buckets for each command.
    LatencyHistogram,
}

/// The commands, and the forms of their replies. `a|b` is `b` of the command `a`.
const COMMANDS: [(&str, Figures); 20] = [
    ("info", Figures::Plain),
    ("lastsave", Figures::Plain),
    ("role", Figures::Plain),
    ("time", Figures::Plain),
    ("ping", Figures::Plain),
    ("cluster|info", Figures::Plain),
    ("client|info", Figures::Clients),
    ("client|list", Figures::Clients),
    ("config|get", Figures::Settings),
    ("latency|histogram", Figures::LatencyHistogram),
    ("latency|history", Figures::Plain),
    ("latency|latest", Figures::LatestLatencies),
    ("memory|stats", Figures::Pairs),
    ("pubsub|channels", Figures::Plain),
    ("pubsub|numpat", Figures::Plain),
    ("pubsub|numsub", Figures::Pairs),
    ("pubsub|shardchannels", Figures::Plain),
    ("pubsub|shardnumsub", Figures::Pairs),
    ("slowlog|get", Figures::SlowCommands),
    ("slowlog|len", Figures::Plain),
];

impl Figures {
    /// The form of the reply of a command, if it is one that reads figures.
    pub(super) fn of(words: &[String]) -> Option<Self> {
        let mut names = words.iter().map(|word| word.to_lowercase());
        let name = names.next().filter(|name| !name.contains('|'))?;
        let sub = names.next().map(|sub| format!("{name}|{sub}"));
        let found = COMMANDS
            .iter()
            .find(|(known, _)| *known == name || Some(*known) == sub.as_deref());
        found.map(|(_, figures)| *figures)
    }

    /// The shape of the reply, where the configuration does not say one.
    pub(super) fn shape(self) -> Option<Shape> {
        matches!(self, Self::Pairs | Self::Settings).then_some(Shape::Pairs)
    }

    /// The reply as names and values, or as a list with the named columns of each row.
    ///
    /// # Errors
    /// When only secrets were asked for.
    pub(super) fn readable(self, reply: &Value) -> Result<Value, Failure> {
        Ok(match self {
            Self::Plain | Self::Pairs => reply.clone(),
            Self::Settings => settings(reply)?,
            Self::Clients => clients(&text(reply).unwrap_or_default()),
            Self::SlowCommands => rows(reply, |entry| {
                let (command, micros) = (list(entry.get(3)).first(), entry.get(2));
                vec![
                    ("id", entry.first().cloned()),
                    ("time", entry.get(1).cloned()),
                    ("seconds", seconds(micros, 1e6)),
                    ("command", command.cloned()),
                    ("address", entry.get(4).cloned()),
                    ("client", entry.get(5).cloned()),
                ]
            }),
            Self::LatestLatencies => rows(reply, |entry| {
                vec![
                    ("event", entry.first().cloned()),
                    ("time", entry.get(1).cloned()),
                    ("seconds", seconds(entry.get(2), 1e3)),
                    ("max_seconds", seconds(entry.get(3), 1e3)),
                ]
            }),
            Self::LatencyHistogram => histogram(reply)?,
        })
    }
}

/// Settings without passwords.
fn settings(reply: &Value) -> Result<Value, Failure> {
    let is_secret = |name: &Value| {
        let name = text(name).unwrap_or_default().to_lowercase();
        name.ends_with("pass") || name.ends_with("auth")
    };
    let all = entries(reply)?;
    let kept = all.iter().filter(|(name, _)| !is_secret(name));
    let kept = kept.map(|(name, value)| ((*name).clone(), (*value).clone()));
    let kept: Vec<_> = kept.collect();
    match all.first() {
        Some((name, _)) if kept.is_empty() => Err(Failure::query(format!(
            "cannot read the setting `{}`: it is a secret; read another one",
            text(name).unwrap_or_default()
        ))),
        _ => Ok(Value::Map(kept)),
    }
}

/// The rows of `id=7 addr=127.0.0.1:50000 name=` and so on.
fn clients(reply: &str) -> Value {
    let word = |word: &str| Value::SimpleString(word.to_owned());
    let row = |line: &str| {
        let fields = line.split(' ').filter_map(|field| field.split_once('='));
        Value::Map(
            fields
                .map(|(name, value)| (word(name), word(value)))
                .collect(),
        )
    };
    Value::Array(reply.lines().map(row).collect())
}

/// The rows of a list of lists.
fn rows(reply: &Value, fields: impl Fn(&[Value]) -> Vec<(&'static str, Option<Value>)>) -> Value {
    let row = |entry| named(fields(list(Some(entry))));
    Value::Array(list(Some(reply)).iter().map(row).collect())
}

/// The buckets of each command. The last bucket holds all calls.
fn histogram(reply: &Value) -> Result<Value, Failure> {
    let mut rows = Vec::new();
    for (command, fields) in entries(reply)? {
        let fields = entries(fields)?;
        let field = |wanted: &str| {
            let found = fields
                .iter()
                .find(|(name, _)| text(name).as_deref() == Some(wanted));
            found.map(|(_, value)| *value)
        };
        let calls = field("calls");
        let buckets = field("histogram_usec").map_or(Ok(Vec::new()), entries)?;
        let buckets = buckets
            .into_iter()
            .map(|(micros, count)| (seconds(Some(micros), 1e6), Some(count)));
        let last = (Some(Value::SimpleString("+Inf".to_owned())), calls);
        for (le, count) in buckets.chain([last]) {
            rows.push(named(vec![
                ("command", Some(command.clone())),
                ("le", le),
                ("count", count.cloned()),
                ("calls", calls.cloned()),
            ]));
        }
    }
    Ok(Value::Array(rows))
}

fn named(fields: Vec<(&'static str, Option<Value>)>) -> Value {
    let fields = fields.into_iter().filter_map(|(name, value)| {
        let name = Value::SimpleString(name.to_owned());
        Some((name, value?))
    });
    Value::Map(fields.collect())
}

fn list(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(items)) => items,
        _ => &[],
    }
}

/// A duration in seconds, of one in smaller units.
fn seconds(value: Option<&Value>, units: f64) -> Option<Value> {
    let number: f64 = text(value?)?.parse().ok()?;
    Some(Value::Double(number / units))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn flat(words: &[&str]) -> Value {
        Value::Array(words.iter().map(|word| bulk(word)).collect())
    }

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn only_the_part_of_a_command_that_reads_is_listed() {
        for known in [
            "INFO server",
            "client LIST",
            "Config Get maxmemory",
            "SLOWLOG LEN",
        ] {
            assert!(Figures::of(&words(known)).is_some(), "{known}");
        }
        for unknown in [
            "CLIENT",
            "CONFIG SET a b",
            "CLIENT|LIST",
            "config|get a",
            "SLOWLOG RESET",
            "get info",
            "MONITOR",
        ] {
            assert_eq!(Figures::of(&words(unknown)), None, "{unknown}");
        }
    }

    #[test]
    fn replies_of_both_protocols_are_the_same() {
        let settings = |reply: &Value| Figures::Settings.readable(reply).unwrap();
        let expected = Value::Map(vec![(bulk("maxmemory"), bulk("0"))]);
        assert_eq!(
            settings(&flat(&["maxmemory", "0", "requirepass", "x"])),
            expected
        );
        let map = Value::Map(vec![
            (bulk("masterauth"), bulk("x")),
            (bulk("maxmemory"), bulk("0")),
        ]);
        assert_eq!(settings(&map), expected);
        let secret = flat(&["tls-key-file-pass", "hunter2"]);
        let failure = Figures::Settings.readable(&secret).unwrap_err();
        assert!(failure.message.contains("tls-key-file-pass"));
        assert!(!failure.message.contains("hunter2"));
        assert_eq!(settings(&Value::Array(Vec::new())), Value::Map(Vec::new()));

        let buckets = Value::Array([1, 2, 4, 3].map(Value::Int).to_vec());
        let fields = [
            bulk("calls"),
            Value::Int(3),
            bulk("histogram_usec"),
            buckets,
        ];
        let older = Value::Array(vec![bulk("get"), Value::Array(fields.to_vec())]);
        let int = |a, b| (Value::Int(a), Value::Int(b));
        let buckets = Value::Map(vec![int(1, 2), int(4, 3)]);
        let fields = vec![
            (bulk("calls"), Value::Int(3)),
            (bulk("histogram_usec"), buckets),
        ];
        let newer = Value::Map(vec![(bulk("get"), Value::Map(fields))]);
        let read = |reply: &Value| Figures::LatencyHistogram.readable(reply).unwrap();
        assert_eq!(read(&older), read(&newer));
        assert_eq!(list(Some(&read(&older))).len(), 3);
    }

    #[test]
    fn a_reply_of_another_form_has_no_rows() {
        for figures in COMMANDS.map(|(_, figures)| figures) {
            for reply in [Value::Nil, Value::Array(vec![Value::Nil, Value::Int(1)])] {
                // A failure is as good.
                drop(figures.readable(&reply));
            }
        }
        let short = Value::Array(vec![Value::Array(vec![Value::Int(1)])]);
        let id = named(vec![("id", Some(Value::Int(1)))]);
        assert_eq!(
            Figures::SlowCommands.readable(&short).unwrap(),
            Value::Array(vec![id])
        );
    }
}
