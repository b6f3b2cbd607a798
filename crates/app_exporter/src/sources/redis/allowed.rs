//! Read-only commands, which the server itself knows.

use redis::Value;

use crate::decode::Failure;
use crate::sources::redis::address::ServerAddress;
use crate::sources::redis::figures::Figures;
use crate::sources::redis::link::CommandFailure;
use crate::sources::redis::nodes::Session;

/// Read-only commands, for servers that do not answer the question, as they restrict commands.
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

/// The properties of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Traits {
    /// True for a command on keys, which in a cluster goes to one server.
    pub(super) has_keys: bool,
}

/// Asks the server for the properties of a command.
///
/// # Errors
/// When the command may write, or the server does not know it.
pub(super) async fn traits(
    session: &mut Session<'_>,
    address: &ServerAddress,
    words: &[String],
) -> Result<Traits, Failure> {
    if Figures::of(words).is_some() {
        return Ok(Traits { has_keys: false });
    }
    let mut names = words.iter().map(|word| word.to_lowercase());
    let name = names.next().unwrap_or_default();
    let sub = names.next().map(|sub| format!("{name}|{sub}"));
    let mut cmd = redis::cmd("COMMAND");
    cmd.arg("INFO").arg(&name).arg(sub.as_deref());
    let known = match session.ask(address, &cmd, None).await {
        Ok(Value::Array(known)) => known,
        Ok(_) => Vec::new(),
        Err(CommandFailure::Refused { .. }) => return untold(address, &name),
        Err(trouble) => return Err(trouble.failure(address, "COMMAND INFO")),
    };
    // Newer servers mark only subcommands as read-only.
    let told = known.iter().rev().find_map(|it| match it {
        Value::Array(fields) => Some(fields),
        _ => None,
    });
    let Some(told) = told else {
        return Err(Failure::query(format!(
            "`{address}`: unknown command `{name}`; check its name"
        )));
    };
    let has = |flag: &str| matches!(told.get(2), Some(Value::Array(flags) | Value::Set(flags)) if flags.iter().any(|it| is(it, flag)));
    if !has("readonly") {
        return Err(may_write(address, &name));
    }
    let first_key = matches!(told.get(3), Some(Value::Int(first)) if *first != 0);
    Ok(Traits {
        has_keys: first_key || has("movablekeys"),
    })
}

fn untold(address: &ServerAddress, name: &str) -> Result<Traits, Failure> {
    if READING.contains(&name) {
        let has_keys = name != "dbsize";
        return Ok(Traits { has_keys });
    }
    let mut failure = may_write(address, name);
    failure
        .message
        .push_str(", or grant the user `+command|info`");
    Err(failure)
}

fn may_write(address: &ServerAddress, name: &str) -> Failure {
    Failure::query(format!(
        "`{address}`: cannot run `{name}`: the server does not mark it as read-only; use a read-only command"
    ))
}

fn is(value: &Value, text: &str) -> bool {
    match value {
        Value::SimpleString(found) => found == text,
        Value::BulkString(found) => found == text.as_bytes(),
        _ => false,
    }
}
