//! What servers say of others: which are the masters of a cluster, which is the one that sentinels watch.

use redis::{Cmd, Value};

use crate::decode::Failure;
use crate::sources::redis::address::Address;

/// How many slots a cluster has.
const SLOTS: u64 = 16384;

/// What a node of a cluster is asked.
pub(super) fn slots() -> Cmd {
    let mut cmd = redis::cmd("CLUSTER");
    cmd.arg("SLOTS");
    cmd
}

/// The masters that a node of a cluster names: `[from, to, [host, port, …], replicas…]` for each range of slots.
pub(super) fn shared(reply: &Value, by: &Address) -> Result<Vec<Address>, Failure> {
    let unreadable = || {
        Failure::decode(format!(
            "`{by}`: the reply to `CLUSTER SLOTS` can't be read"
        ))
    };
    let mut masters: Vec<Address> = Vec::new();
    let mut covered = 0;
    for range in items(reply).ok_or_else(unreadable)? {
        let (from, to, master) = match items(range) {
            Some([Value::Int(from), Value::Int(to), master, ..]) => (*from, *to, master),
            _ => return Err(unreadable()),
        };
        covered += u64::try_from(to - from + 1).unwrap_or(0);
        let master = named(items(master).unwrap_or_default(), by).ok_or_else(unreadable)?;
        if !masters.iter().any(|it| it.endpoint == master.endpoint) {
            masters.push(master);
        }
    }
    if covered < SLOTS {
        return Err(Failure::query(format!(
            "`{by}`: of the cluster's {SLOTS} slots only {covered} have a server, so what is known is not all"
        )));
    }
    Ok(masters)
}

/// The master that a sentinel names.
pub(super) fn watched(reply: &Value, by: &Address, master: &str) -> Result<Address, Failure> {
    if matches!(reply, Value::Nil) {
        return Err(Failure::query(format!(
            "`{by}` knows no master `{master}`; check `master`"
        )));
    }
    let named = named(items(reply).unwrap_or_default(), by);
    named.ok_or_else(|| Failure::decode(format!("`{by}`: where the master is can't be read")))
}

/// A host and a port.
fn named(pair: &[Value], by: &Address) -> Option<Address> {
    let (host, port) = (pair.first()?, pair.get(1)?);
    let text = |value: &Value| match value {
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::SimpleString(text) => text.clone(),
        Value::Int(number) => number.to_string(),
        _ => String::new(),
    };
    Some(Address::named(&text(host), text(port).parse().ok()?, by))
}

fn items(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(items) => Some(items),
        _ => None,
    }
}
