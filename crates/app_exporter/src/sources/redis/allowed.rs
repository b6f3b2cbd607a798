//! Which commands only read: the server itself knows.

use redis::Value;

use crate::decode::Failure;
use crate::sources::redis::address::Address;
use crate::sources::redis::link::Trouble;
use crate::sources::redis::nodes::Session;

/// Commands that read figures of the server, not keys, which is why it does not call them reading.
const FIGURES: [&str; 9] = [
    "info",
    "lastsave",
    "role",
    "time",
    "ping",
    "cluster|info",
    "slowlog|len",
    "pubsub|numpat",
    "pubsub|numsub",
];

/// Commands that read, for servers that do not tell: those that let only some commands through.
const READING: [&str; 27] = [
    "bitcount",
    "exists",
    "get",
    "getrange",
    "hget",
    "hgetall",
    "hlen",
    "hmget",
    "hvals",
    "llen",
    "lrange",
    "mget",
    "pfcount",
    "pttl",
    "scard",
    "sismember",
    "smembers",
    "strlen",
    "ttl",
    "xlen",
    "zcard",
    "zcount",
    "zrange",
    "zrangebyscore",
    "zrevrange",
    "zscore",
    "dbsize",
];

/// What is known of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Traits {
    /// Whether it is about keys, so that in a cluster one server has the answer.
    pub(super) has_keys: bool,
}

/// Asks the server about a command.
///
/// # Errors
/// When it may write, or the server does not know it.
pub(super) async fn traits(
    session: &mut Session<'_>,
    address: &Address,
    words: &[String],
) -> Result<Traits, Failure> {
    let mut names = words.iter().map(|word| word.to_lowercase());
    let name = names.next().unwrap_or_default();
    let sub = names.next().map(|sub| format!("{name}|{sub}"));
    let mut cmd = redis::cmd("COMMAND");
    cmd.arg("INFO").arg(&name).arg(sub.as_deref());
    let known = match session.ask(address, &cmd, None).await {
        Ok(Value::Array(known)) => known,
        Ok(_) => Vec::new(),
        Err(Trouble::Refused { .. }) => return untold(address, &name),
        Err(trouble) => return Err(trouble.failure(address, "COMMAND INFO")),
    };
    // Newer servers know about subcommands, and then only they are said to read.
    let told = known.iter().rev().find_map(|it| match it {
        Value::Array(fields) => Some(fields),
        _ => None,
    });
    let Some(told) = told else {
        return Err(Failure::query(format!(
            "`{address}` does not know the command `{name}`; check its name"
        )));
    };
    let has = |flag: &str| matches!(told.get(2), Some(Value::Array(flags) | Value::Set(flags)) if flags.iter().any(|it| is(it, flag)));
    let is_figure = FIGURES
        .iter()
        .any(|it| *it == name || Some(*it) == sub.as_deref());
    if !has("readonly") && !is_figure {
        return Err(may_write(address, &name));
    }
    let first_key = matches!(told.get(3), Some(Value::Int(first)) if *first != 0);
    Ok(Traits {
        has_keys: first_key || has("movablekeys"),
    })
}

fn untold(address: &Address, name: &str) -> Result<Traits, Failure> {
    if READING.contains(&name) || name == "info" {
        let has_keys = !["dbsize", "info"].contains(&name);
        return Ok(Traits { has_keys });
    }
    let mut failure = may_write(address, name);
    failure
        .message
        .push_str(", or let the user ask about it: `+command|info`");
    Err(failure)
}

fn may_write(address: &Address, name: &str) -> Failure {
    Failure::query(format!(
        "`{address}` does not mark `{name}` as a command that only reads, so it is not sent; ask by one that is"
    ))
}

fn is(value: &Value, text: &str) -> bool {
    match value {
        Value::SimpleString(found) => found == text,
        Value::BulkString(found) => found == text.as_bytes(),
        _ => false,
    }
}
