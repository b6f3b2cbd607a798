//! Sizes of the keys of a pattern, without scripts: their names page by page, then the size of each.

use std::collections::HashSet;
use std::time::Duration;

use exporter_kit::Number;
use exporter_kit::source::SourceErrorReason as Reason;
use redis::{Cmd, Value};
use tokio::time::Instant;

use crate::decode::{Cell, Failure, Limits, Table, TableBuilder};
use crate::sources::redis::address::ServerAddress;
use crate::sources::redis::nodes::Session;
use crate::sources::redis::query::RedisQuery;
use crate::sources::redis::rows::text;
use crate::sources::redis::scan::{Scan, page};

/// The keys to find.
#[derive(Debug)]
pub(super) struct Sizes(Scan);

impl Sizes {
    pub(super) fn new(pattern: &str, config: &RedisQuery) -> Self {
        Self(Scan::new(pattern, config))
    }

    /// Finds all keys and their sizes, within its budget but no longer than `longest`.
    ///
    /// # Errors
    /// When a server fails, or the time is too short for all: a part would look like all of them.
    pub(super) async fn rows(
        &self,
        session: &mut Session<'_>,
        wanted: &[Box<str>],
        limits: Limits,
        longest: Duration,
    ) -> Result<Table, Failure> {
        let until = self.0.until(longest);
        let mut builder = TableBuilder::new(wanted.iter().cloned(), limits);
        let mut seen = HashSet::new();
        for master in session.masters().await? {
            let mut cursor = 0;
            loop {
                let reply = ask(session, &master, &self.0.command(cursor), "SCAN").await?;
                let (next, keys) = page(&reply).ok_or_else(|| {
                    Failure::decode(format!("`{master}`: invalid reply to `SCAN`"))
                })?;
                for key in keys {
                    if Instant::now() >= until {
                        return Err(self.too_many(seen.len()));
                    }
                    // A server may name a key more than once.
                    let Value::BulkString(bytes) = key else {
                        continue;
                    };
                    if !seen.insert(bytes.clone()) {
                        continue;
                    }
                    if let Some(row) = self.row(session, &master, bytes, wanted).await? {
                        builder.push(row)?;
                    }
                }
                if next == 0 {
                    break;
                }
                cursor = next;
            }
        }
        Ok(builder.build())
    }

    /// The wanted columns of a key; `None` if it is gone meanwhile.
    async fn row(
        &self,
        session: &mut Session<'_>,
        master: &ServerAddress,
        key: &[u8],
        wanted: &[Box<str>],
    ) -> Result<Option<Vec<Cell>>, Failure> {
        let wants = |column: &str| wanted.iter().any(|wanted| **wanted == *column);
        let kind = match self.0.kind {
            Some(kind) => kind.name().to_owned(),
            None if wants("type") || wants("size") => {
                let reply = ask(session, master, redis::cmd("TYPE").arg(key), "TYPE").await?;
                text(&reply).unwrap_or_default()
            }
            None => String::new(),
        };
        if kind == "none" {
            return Ok(None);
        }
        let command = size_command(&kind).filter(|_| wants("size"));
        let size = match command {
            Some(name) => number(&ask(session, master, redis::cmd(name).arg(key), name).await?),
            None => Cell::Null,
        };
        let bytes = if wants("bytes") {
            let mut memory = redis::cmd("MEMORY");
            memory.arg("USAGE").arg(key);
            match ask(session, master, &memory, "MEMORY USAGE").await? {
                Value::Nil => return Ok(None),
                bytes => number(&bytes),
            }
        } else {
            Cell::Null
        };
        let cells = wanted.iter().map(|column| match &**column {
            "key" => match str::from_utf8(key) {
                Ok(key) => Cell::text(key),
                Err(_) => Cell::Unreadable("the name of a key is not UTF-8".into()),
            },
            "type" => Cell::text(&*kind),
            "size" => size.clone(),
            "bytes" => bytes.clone(),
            _ => Cell::Null,
        });
        Ok(Some(cells.collect()))
    }

    fn too_many(&self, read: usize) -> Failure {
        let pattern = self.0.pattern();
        Failure::new(
            Reason::Timeout,
            format!(
                "no sizes of the keys `{pattern}`: only {read} were read in time; raise `budget` (and `timeout`), or \
                 narrow the pattern"
            ),
        )
    }
}

async fn ask(
    session: &mut Session<'_>,
    master: &ServerAddress,
    cmd: &Cmd,
    asked: &str,
) -> Result<Value, Failure> {
    let reply = session.ask(master, cmd, None).await;
    reply.map_err(|trouble| trouble.failure(master, asked))
}

/// The command for the size of a key of this type: bytes of a string, members of all others.
fn size_command(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "string" => "STRLEN",
        "hash" => "HLEN",
        "list" => "LLEN",
        "set" => "SCARD",
        "zset" => "ZCARD",
        "stream" => "XLEN",
        _ => return None,
    })
}

fn number(reply: &Value) -> Cell {
    match reply {
        Value::Int(number) => match u64::try_from(*number) {
            Ok(number) => Cell::Number(Number::U64(number)),
            Err(_) => Cell::Null,
        },
        _ => Cell::Null,
    }
}
