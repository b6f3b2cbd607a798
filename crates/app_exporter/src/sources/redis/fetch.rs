//! One fetch: the queries in turn, long ones last.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use exporter_kit::Timestamp;
use exporter_kit::source::SourceErrorReason as Reason;
use redis::{Cmd, Value};
use tokio::time::{Instant, timeout_at};

use crate::decode::{Cell, Decoder, Failure, Limits, Part, Table, Wanted};
use crate::sources::origin::Fetch;
use crate::sources::redis::address::ServerAddress;
use crate::sources::redis::allowed::{self, Traits};
use crate::sources::redis::count::Count;
use crate::sources::redis::figures::Figures;
use crate::sources::redis::info;
use crate::sources::redis::nodes::{Nodes, Session};
use crate::sources::redis::query::{RedisQuery, Score, Shape};
use crate::sources::redis::rows;
use crate::sources::redis::sizes::Sizes;
use crate::sources::visit::Visit;

/// Fetches from Redis servers.
#[derive(Debug)]
pub(super) struct Redis {
    nodes: Nodes,
    queries: Vec<NamedQuestion>,
    limits: Limits,
}

#[derive(Debug)]
struct NamedQuestion {
    name: Box<str>,
    wanted: Vec<Box<str>>,
    question: Question,
}

#[derive(Debug)]
enum Question {
    Command {
        words: Vec<String>,
        shape: Option<Shape>,
        decoder: Option<Arc<Decoder>>,
        /// The form of the reply, if the command reads figures of the server.
        figures: Option<Figures>,
        /// The properties of the command, and the server process that reported them.
        traits: Mutex<Option<(String, Traits)>>,
        owner: Mutex<Option<ServerAddress>>,
    },
    Members {
        key: String,
        within: Duration,
        score: Score,
        owner: Mutex<Option<ServerAddress>>,
    },
    Info(Vec<String>),
    Count(Count),
    Sizes(Sizes),
}

impl Redis {
    /// Cannot occur in a checked configuration.
    pub(super) fn new<'c>(
        nodes: Nodes,
        queries: impl Iterator<Item = (&'c str, &'c RedisQuery)>,
        wanted: &Wanted,
        limits: Limits,
    ) -> Self {
        let queries =
            queries.map(|(name, config)| NamedQuestion::new(name, config, wanted.of(name), limits));
        let mut queries: Vec<NamedQuestion> = queries.collect();
        queries
            .sort_by_key(|query| matches!(query.question, Question::Count(_) | Question::Sizes(_)));
        Self {
            nodes,
            queries,
            limits,
        }
    }
}

impl Fetch for Redis {
    async fn fetch(&self, visit: &Visit) -> Result<Vec<Part>, Failure> {
        let stop = visit.last_moment();
        let mut session = self.nodes.session(visit);
        let mut parts = Vec::new();
        for (at, query) in self.queries.iter().enumerate() {
            let left = stop.saturating_duration_since(Instant::now());
            // A query without a reply must leave time for the queries after it.
            let longest = if at + 1 < self.queries.len() {
                left / 2
            } else {
                left
            };
            // Counts share the time that is left. Each ends a little early, so that its last page is not lost.
            let share = left / u32::try_from(self.queries.len() - at).unwrap_or(u32::MAX);
            let share = share.min(longest) * 9 / 10;
            let asked = query.ask(&mut session, self, visit, share);
            let until = stop - (left - longest);
            let tables = match timeout_at(until, asked).await {
                Ok(tables) => tables,
                Err(_) => Err(Failure::new(
                    Reason::Timeout,
                    format!(
                        "`{}`: no reply in time; check the server, or raise `timeout`",
                        self.nodes.shown()
                    ),
                )),
            };
            match tables {
                Ok(tables) => {
                    parts.extend(
                        tables
                            .into_iter()
                            .map(|table| Part::rows(&query.name, Ok(table))),
                    );
                }
                Err(failure) => parts.push(Part::rows(&query.name, Err(failure))),
            }
        }
        Ok(parts)
    }
}

impl NamedQuestion {
    fn new(name: &str, config: &RedisQuery, wanted: &[Box<str>], limits: Limits) -> Self {
        Self {
            name: name.into(),
            wanted: wanted.to_vec(),
            question: Question::new(config, wanted, limits),
        }
    }

    /// Fetches the rows: one table for each server.
    async fn ask(
        &self,
        session: &mut Session<'_>,
        redis: &Redis,
        visit: &Visit,
        share: Duration,
    ) -> Result<Vec<Table>, Failure> {
        let (nodes, limits) = (&redis.nodes, redis.limits);
        let table = match &self.question {
            Question::Count(count) => count.go_on(session, share).await?,
            Question::Sizes(sizes) => sizes.rows(session, &self.wanted, limits, share).await?,
            Question::Members {
                key,
                within,
                score,
                owner,
            } => {
                let mut cmd = redis::cmd("ZCOUNT");
                cmd.arg(key).arg(since(*within, *score)).arg("+inf");
                let reply = session
                    .ask_owner(&cmd, &format!("ZCOUNT {key}"), owner)
                    .await?;
                rows::table(&reply, None, &self.wanted, limits)?
            }
            Question::Info(sections) => return self.info(session, nodes, sections, limits).await,
            Question::Command {
                words,
                traits,
                owner,
                ..
            } => {
                let (cmd, asked) = (command(words), words.join(" "));
                if known(session, words, traits).await?.has_keys {
                    let reply = session.ask_owner(&cmd, &asked, owner).await?;
                    self.read(&reply, limits, visit).await?
                } else {
                    let mut tables = Vec::new();
                    for (address, reply) in session.ask_all(&cmd, &asked).await? {
                        let table = self.read(&reply, limits, visit).await?;
                        tables.push(of_node(table, nodes, &address));
                    }
                    return Ok(tables);
                }
            }
        };
        Ok(vec![table])
    }

    async fn info(
        &self,
        session: &mut Session<'_>,
        nodes: &Nodes,
        sections: &[String],
        limits: Limits,
    ) -> Result<Vec<Table>, Failure> {
        let mut of_nodes: Vec<(ServerAddress, Vec<Value>)> = Vec::new();
        // Only newer servers accept several sections at once.
        for section in sections {
            let mut cmd = redis::cmd("INFO");
            cmd.arg(section);
            for (address, reply) in session.ask_all(&cmd, &format!("INFO {section}")).await? {
                match of_nodes
                    .iter_mut()
                    .find(|(it, _)| it.endpoint == address.endpoint)
                {
                    Some((_, replies)) => replies.push(reply),
                    None => of_nodes.push((address, vec![reply])),
                }
            }
        }
        let tables = of_nodes.iter().map(|(address, replies)| {
            let table = rows::named(&info::fields(replies), &self.wanted, limits)?;
            Ok(of_node(table, nodes, address))
        });
        tables.collect()
    }

    /// Converts the reply of a command to rows.
    async fn read(&self, reply: &Value, limits: Limits, visit: &Visit) -> Result<Table, Failure> {
        let Question::Command {
            shape,
            decoder,
            figures,
            ..
        } = &self.question
        else {
            return rows::table(reply, None, &self.wanted, limits);
        };
        let Some(decoder) = decoder else {
            let Some(figures) = figures else {
                return rows::table(reply, *shape, &self.wanted, limits);
            };
            let shape = shape.or(figures.shape());
            return rows::table(&figures.readable(reply)?, shape, &self.wanted, limits);
        };
        let bytes = match reply {
            // A missing key is not an empty text.
            Value::Nil => return rows::table(reply, None, &self.wanted, limits),
            Value::BulkString(bytes) => bytes.clone(),
            other => rows::text(other)
                .map(String::into_bytes)
                .ok_or_else(|| Failure::decode("the reply is not a string; drop `format`"))?,
        };
        let part = visit.decode(decoder, bytes).await?.into_iter().next();
        match part.map(|part| part.content) {
            Some(Ok(crate::decode::Content::Rows(table))) => Ok(table),
            Some(Err(failure)) => Err(failure),
            _ => Err(Failure::decode("the format has no rows; write another")),
        }
    }
}

impl Question {
    fn new(config: &RedisQuery, wanted: &[Box<str>], limits: Limits) -> Self {
        if let Some(pattern) = &config.count_keys {
            return Self::Count(Count::new(pattern, config));
        }
        if let Some(pattern) = &config.key_sizes {
            return Self::Sizes(Sizes::new(pattern, config));
        }
        if let (Some(key), Some(within)) = (&config.count_members, &config.within) {
            return Self::Members {
                key: key.to_string(),
                within: within.get(),
                score: config.score.as_ref().map(|it| **it).unwrap_or_default(),
                owner: Mutex::default(),
            };
        }
        if let Some(sections) = &config.info {
            return Self::Info(sections.iter().map(|it| it.to_string()).collect());
        }
        let decoder = config.format.as_ref().map(|format| {
            // The first result of the format is the query's.
            let part = format.parts().list.into_iter().next();
            let mut columns = Wanted::default();
            for column in wanted {
                columns.add(part.as_ref().map_or("", |part| &part.name), column);
            }
            Arc::new(format.decoder(columns, limits))
        });
        let words = config.command.iter().flat_map(|command| command.iter());
        let words: Vec<String> = words.map(|word| word.to_string()).collect();
        Self::Command {
            figures: Figures::of(&words),
            words,
            shape: config.shape.as_ref().map(|it| **it),
            decoder,
            traits: Mutex::default(),
            owner: Mutex::default(),
        }
    }
}

/// The properties of a command, asked once for each server process.
async fn known(
    session: &mut Session<'_>,
    words: &[String],
    traits: &Mutex<Option<(String, Traits)>>,
) -> Result<Traits, Failure> {
    let masters = session.masters().await?;
    let first = session.first_up(&masters, "COMMAND INFO").await?;
    let identity = session.identity(&first).await;
    let identity = identity.map_err(|trouble| trouble.failure(&first, "COMMAND INFO"))?;
    let last = traits
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    if let Some((_, known)) = last.filter(|(of, _)| *of == identity) {
        return Ok(known);
    }
    let known = allowed::traits(session, &first, words).await?;
    *traits.lock().unwrap_or_else(PoisonError::into_inner) = Some((identity, known));
    Ok(known)
}

fn command(words: &[String]) -> Cmd {
    let mut cmd = Cmd::new();
    for word in words {
        cmd.arg(word);
    }
    cmd
}

/// The lowest score of members within this age.
fn since(within: Duration, score: Score) -> String {
    let now = Timestamp::now();
    let now = Duration::new(
        u64::try_from(now.seconds()).unwrap_or(0),
        now.subsec_nanos(),
    );
    let since = now.saturating_sub(within);
    match score {
        Score::Seconds => format!("{}.{:03}", since.as_secs(), since.subsec_millis()),
        Score::Milliseconds => since.as_millis().to_string(),
    }
}

/// Adds a column with the server, for clusters.
fn of_node(mut table: Table, nodes: &Nodes, address: &ServerAddress) -> Table {
    if nodes.is_cluster() {
        table.add_column("node", &Cell::text(address.to_string()));
    }
    table
}
