//! Replies that name other servers: the masters of a cluster, the master of sentinels.

use redis::{Cmd, Value};

use crate::decode::Failure;
use crate::sources::redis::address::ServerAddress;

/// The number of slots of a cluster.
const SLOTS: i64 = 16384;

/// The command for a node of a cluster.
pub(super) fn slots() -> Cmd {
    let mut cmd = redis::cmd("CLUSTER");
    cmd.arg("SLOTS");
    cmd
}

/// The masters that a node of a cluster names: `[from, to, [host, port, …], replicas…]` for each range of slots.
pub(super) fn shared(reply: &Value, by: &ServerAddress) -> Result<Vec<ServerAddress>, Failure> {
    let unreadable = || Failure::decode(format!("`{by}`: invalid reply to `CLUSTER SLOTS`"));
    let mut masters: Vec<ServerAddress> = Vec::new();
    let mut covered = 0;
    for range in items(reply).ok_or_else(unreadable)? {
        let (from, to, master) = match items(range) {
            Some([Value::Int(from), Value::Int(to), master, ..]) => (*from, *to, master),
            _ => return Err(unreadable()),
        };
        let slots = to.checked_sub(from).and_then(|more| more.checked_add(1));
        covered += slots.map_or(0, |slots| slots.clamp(0, SLOTS));
        let master = named(items(master).unwrap_or_default(), by).ok_or_else(unreadable)?;
        if !masters.iter().any(|it| it.endpoint == master.endpoint) {
            masters.push(master);
        }
    }
    if covered < SLOTS {
        return Err(Failure::query(format!(
            "`{by}`: only {covered} of the cluster's {SLOTS} slots have a server; repair the cluster"
        )));
    }
    Ok(masters)
}

/// The master that a sentinel names.
pub(super) fn watched(
    reply: &Value,
    by: &ServerAddress,
    master: &str,
) -> Result<ServerAddress, Failure> {
    if matches!(reply, Value::Nil) {
        return Err(Failure::query(format!(
            "`{by}`: unknown master `{master}`; check `master`"
        )));
    }
    let named = named(items(reply).unwrap_or_default(), by);
    named.ok_or_else(|| {
        Failure::decode(format!(
            "`{by}`: invalid reply to `SENTINEL GET-MASTER-ADDR-BY-NAME`"
        ))
    })
}

/// A host and a port.
fn named(pair: &[Value], by: &ServerAddress) -> Option<ServerAddress> {
    let (host, port) = (pair.first()?, pair.get(1)?);
    let text = |value: &Value| match value {
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::SimpleString(text) => text.clone(),
        Value::Int(number) => number.to_string(),
        _ => String::new(),
    };
    ServerAddress::named(&text(host), text(port).parse().ok()?, by)
}

fn items(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(items) => Some(items),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::endpoint::Endpoint;

    fn by() -> ServerAddress {
        ServerAddress::new(
            Endpoint::parse("db:7000", 6379).expect("an address"),
            "db:7000",
        )
    }

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn range(from: i64, to: i64, host: &str, port: i64) -> Value {
        let node = Value::Array(vec![bulk(host), Value::Int(port), bulk("id")]);
        Value::Array(vec![Value::Int(from), Value::Int(to), node])
    }

    #[test]
    fn each_master_of_a_cluster_is_named_once_and_all_slots_have_one() {
        let names = |ranges: Vec<Value>| {
            let masters = shared(&Value::Array(ranges), &by())?;
            Ok::<_, Failure>(
                masters
                    .iter()
                    .map(ServerAddress::to_string)
                    .collect::<Vec<_>>(),
            )
        };
        let two = vec![
            range(0, 99, "a", 1),
            range(100, 199, "", 7000),
            range(200, 16383, "a", 1),
        ];
        assert_eq!(names(two), Ok(vec!["a:1".to_owned(), "db:7000".to_owned()]));
        let failure = names(vec![range(0, 99, "a", 1)]).unwrap_err();
        assert!(
            failure.message.contains("only 100 of the cluster"),
            "{failure}"
        );
        for reply in [
            range(0, 16383, "a", 70_000),
            Value::Int(1),
            Value::Array(vec![]),
        ] {
            assert!(names(vec![reply]).is_err());
        }
        assert!(shared(&Value::Okay, &by()).is_err());
        assert!(names(vec![]).is_err());
    }

    #[test]
    fn a_master_that_no_sentinel_knows_is_an_error() {
        let named = Value::Array(vec![bulk("10.0.0.1"), bulk("6379")]);
        let master = watched(&named, &by(), "shop").map(|it| it.to_string());
        assert_eq!(master.as_deref(), Ok("10.0.0.1:6379"));
        let unknown = watched(&Value::Nil, &by(), "shop").unwrap_err();
        assert!(
            unknown.message.contains("unknown master `shop`"),
            "{unknown}"
        );
        assert!(watched(&Value::Array(vec![]), &by(), "shop").is_err());
    }
}
