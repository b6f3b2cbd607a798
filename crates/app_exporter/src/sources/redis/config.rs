//! The keys of the source `redis`.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::login::LoginKeys;
use crate::config::{At, Fault, HiddenTemplate, Place, Template};
use crate::decode::{Limits, Parts, Wanted};
use crate::sources::endpoint::Endpoint;
use crate::sources::origin::{Fetcher, Origin, Surroundings};
use crate::sources::redis::address::ServerAddress;
use crate::sources::redis::fetch::Redis;
use crate::sources::redis::link::Access;
use crate::sources::redis::nodes::{Nodes, Reach};
use crate::sources::redis::query::RedisQuery;
use crate::sources::tls::{Checks, Tls, TlsConfig};

/// The default port of a server.
const PORT: u16 = 6379;
/// The default port of a sentinel.
const SENTINEL_PORT: u16 = 26379;

/// Data and statistics of Redis or a compatible server. Exactly one key names the server: `address`, `cluster` or
/// `sentinel`. One connection to each server stays open between fetches.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedisConfig {
    /// The server, such as `localhost:6379` or `unix:/run/redis/redis.sock`.
    #[serde(default)]
    address: Option<At<Template>>,
    /// Some nodes of a cluster, such as `[a:6379, b:6379]`; one reachable node is enough. Keys are counted on all
    /// masters. A command goes to the master of its key; a command without key goes to every master, and its rows have
    /// the column `node`.
    #[serde(default)]
    cluster: Option<At<Vec<At<Template>>>>,
    /// Sentinels that know the current master.
    #[serde(default)]
    sentinel: Option<At<SentinelConfig>>,
    /// The number of the database; default 0.
    #[serde(default)]
    database: Option<At<u16>>,
    /// The user name, unless it is the default user.
    #[serde(default)]
    user: Option<At<Template>>,
    /// The password; prefer `${VARIABLE}`.
    #[serde(default)]
    password: Option<At<HiddenTemplate>>,
    /// A file with the password. It is read for each connection, so that it can change.
    #[serde(default)]
    password_file: Option<At<Template>>,
    /// Enables TLS: how to verify the server, and a client certificate. `tls: {}` uses the CA certificates of this machine.
    #[serde(default)]
    tls: Option<TlsConfig>,
    /// The queries, under names of your choice. Metrics select their results by `from`.
    queries: BTreeMap<At<String>, RedisQuery>,
}

/// Sentinels that know the current master. They are asked at each fetch, so that the source follows a failover.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SentinelConfig {
    /// The sentinels, such as `[a:26379, b:26379]`. The first reachable one decides.
    addresses: At<Vec<At<Template>>>,
    /// The sentinels' name of the master.
    master: At<String>,
    /// The user name for the sentinels, unless it is the default user.
    #[serde(default)]
    user: Option<At<Template>>,
    /// The password for the sentinels; prefer `${VARIABLE}`.
    #[serde(default)]
    password: Option<At<HiddenTemplate>>,
    /// A file with the password for the sentinels.
    #[serde(default)]
    password_file: Option<At<Template>>,
}

impl Origin for RedisConfig {
    fn parts(&self) -> Parts {
        let queries = self.queries.iter();
        Parts {
            list: queries.map(|(name, query)| query.part(name)).collect(),
            first_is_default: self.queries.len() == 1,
        }
    }

    fn check(&self, place: Place, faults: &mut Vec<Fault>) {
        self.check_place(place, faults);
        self.login().check(faults);
        if let Some(sentinel) = &self.sentinel {
            sentinel.login().check(faults);
        }
        if let (Some(_), Some(database)) = (&self.cluster, &self.database)
            && **database != 0
        {
            faults.push(Fault::at(
                database.place(),
                "a cluster has only the database 0; drop `database`",
            ));
        }
        if let Some(tls) = &self.tls {
            tls.check(faults);
        }
        if self.queries.is_empty() {
            faults.push(Fault::at(place, "`queries` is empty; add a query"));
        }
        for (name, query) in &self.queries {
            query.check(name, faults);
        }
    }

    fn warning(&self) -> Option<String> {
        self.tls.as_ref().and_then(TlsConfig::warning)
    }

    fn build(
        &self,
        wanted: Wanted,
        limits: Limits,
        surroundings: Surroundings<'_>,
    ) -> Result<Fetcher, Fault> {
        let nodes = Nodes::new(
            self.reach(limits, surroundings)?,
            self.access(self.login(), self.database(), limits, surroundings)?,
        );
        let queries = self
            .queries
            .iter()
            .map(|(name, query)| (name.as_str(), query));
        Ok(Fetcher::new(Redis::new(nodes, queries, &wanted, limits)))
    }
}

impl RedisConfig {
    fn database(&self) -> u16 {
        self.database.as_ref().map_or(0, |database| **database)
    }

    fn login(&self) -> LoginKeys<'_> {
        LoginKeys {
            user: self.user.as_ref(),
            password: self.password.as_ref(),
            password_file: self.password_file.as_ref(),
        }
    }

    fn check_place(&self, place: Place, faults: &mut Vec<Fault>) {
        let ways = [
            self.address.as_ref().map(|it| (it.place(), "address")),
            self.cluster.as_ref().map(|it| (it.place(), "cluster")),
            self.sentinel.as_ref().map(|it| (it.place(), "sentinel")),
        ];
        let ways: Vec<_> = ways.into_iter().flatten().collect();
        match ways.as_slice() {
            [_] => (),
            [] => faults.push(Fault::at(
                place,
                "it does not say where the Redis is; add `address`, `cluster` or `sentinel`",
            )),
            [(_, a), (place, b), ..] => faults.push(Fault::at(
                *place,
                format!("both `{a}` and `{b}`; drop one of the two"),
            )),
        }
        let mut several = |list: &At<Vec<At<Template>>>, port| {
            if list.is_empty() {
                faults.push(Fault::at(
                    list.place(),
                    "the list is empty; write an address, such as `localhost:6379`",
                ));
            }
            for address in list.iter() {
                check_address(address, port, false, faults);
            }
        };
        if let Some(list) = &self.cluster {
            several(list, PORT);
        }
        if let Some(sentinel) = &self.sentinel {
            several(&sentinel.addresses, SENTINEL_PORT);
        }
        if let Some(address) = &self.address {
            check_address(address, PORT, self.tls.is_none(), faults);
        }
    }

    fn reach(&self, limits: Limits, surroundings: Surroundings<'_>) -> Result<Reach, Fault> {
        let all = |list: &[At<Template>], port| -> Result<Vec<_>, Fault> {
            list.iter()
                .map(|it| address(it, port, surroundings))
                .collect()
        };
        if let Some(written) = &self.address {
            return Ok(Reach::One(address(written, PORT, surroundings)?));
        }
        if let Some(sentinel) = &self.sentinel {
            return Ok(Reach::Watched {
                sentinels: all(&sentinel.addresses, SENTINEL_PORT)?,
                access: self.access(sentinel.login(), 0, limits, surroundings)?,
                master: sentinel.master.to_string(),
            });
        }
        let seeds = self
            .cluster
            .as_ref()
            .map_or(&[][..], |list| list.as_slice());
        Ok(Reach::Cluster(all(seeds, PORT)?))
    }

    fn access(
        &self,
        login: LoginKeys<'_>,
        database: u16,
        limits: Limits,
        surroundings: Surroundings<'_>,
    ) -> Result<Access, Fault> {
        let Surroundings {
            folder, variable, ..
        } = surroundings;
        let tls = self
            .tls
            .as_ref()
            .map(|tls| Tls::new(tls, Checks::ALL, folder));
        Ok(Access {
            login: login.resolve(folder, variable)?,
            tls: tls.transpose()?.map(Arc::new),
            database,
            most_bytes: limits.bytes,
            lookups: surroundings.lookups.clone(),
        })
    }
}

impl SentinelConfig {
    fn login(&self) -> LoginKeys<'_> {
        LoginKeys {
            user: self.user.as_ref(),
            password: self.password.as_ref(),
            password_file: self.password_file.as_ref(),
        }
    }
}

fn check_address(address: &At<Template>, port: u16, socket: bool, faults: &mut Vec<Fault>) {
    match address.literal().map(|text| Endpoint::parse(text, port)) {
        Some(Err(message)) => faults.push(Fault::at(address.place(), message)),
        Some(Ok(Endpoint::Unix(_))) if !socket => faults.push(Fault::at(
            address.place(),
            "a Unix socket supports neither TLS nor a cluster; write a host and a port",
        )),
        _ => (),
    }
}

fn address(
    written: &At<Template>,
    port: u16,
    surroundings: Surroundings<'_>,
) -> Result<ServerAddress, Fault> {
    let text = written.resolved(surroundings.variable)?;
    let endpoint =
        Endpoint::parse(&text, port).map_err(|message| Fault::at(written.place(), message))?;
    Ok(ServerAddress::new(
        endpoint.below(surroundings.folder),
        surroundings.targeted(&written.to_string()),
    ))
}
