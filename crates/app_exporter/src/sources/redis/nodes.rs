//! The servers of a source, with a connection to each that is kept between fetches.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use exporter_kit::source::SourceErrorReason as Reason;
use redis::{Cmd, Value};
use tokio::time::timeout;

use crate::decode::Failure;
use crate::sources::endpoint::Endpoint;
use crate::sources::failures;
use crate::sources::redis::address::ServerAddress;
use crate::sources::redis::link::{Access, CommandFailure, Link};
use crate::sources::redis::topology::{shared, slots, watched};
use crate::sources::visit::Visit;

/// The time limit for a server that names others, and for a connection to one of several.
const PATIENCE: Duration = Duration::from_secs(2);

/// The addresses of the servers.
pub(super) enum Reach {
    /// One server.
    One(ServerAddress),
    /// Some nodes of a cluster.
    Cluster(Vec<ServerAddress>),
    /// The master that sentinels name.
    Watched {
        sentinels: Vec<ServerAddress>,
        /// Their login and TLS.
        access: Access,
        master: String,
    },
}

/// The servers, with kept connections.
pub(super) struct Nodes {
    reach: Reach,
    access: Access,
    /// Invariant: a connection in use is taken out, so that an interrupted use closes it.
    links: Mutex<HashMap<Endpoint, Link>>,
    /// The masters that were named last. They serve as seeds too, and replace sentinels that cannot be reached.
    last: Mutex<Vec<ServerAddress>>,
}

/// The servers as one fetch sees them.
pub(super) struct Session<'n> {
    nodes: &'n Nodes,
    visit: &'n Visit,
    /// The used connections, and whether each is from an earlier fetch. The end of the fetch closes all others.
    used: HashMap<Endpoint, (Link, bool)>,
    /// Servers that failed in this fetch, which are not tried again.
    down: HashMap<Endpoint, Failure>,
    masters: Option<Vec<ServerAddress>>,
}

impl Nodes {
    pub(super) fn new(reach: Reach, access: Access) -> Self {
        Self {
            reach,
            access,
            links: Mutex::default(),
            last: Mutex::default(),
        }
    }

    pub(super) fn session<'n>(&'n self, visit: &'n Visit) -> Session<'n> {
        Session {
            nodes: self,
            visit,
            used: HashMap::new(),
            down: HashMap::new(),
            masters: None,
        }
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.reach, Reach::Cluster(_))
    }

    /// The name of all of them for messages.
    pub(super) fn shown(&self) -> String {
        match &self.reach {
            Reach::One(address) => address.to_string(),
            Reach::Cluster(seeds) => seeds
                .iter()
                .map(ServerAddress::to_string)
                .collect::<Vec<_>>()
                .join(", "),
            Reach::Watched { master, .. } => master.clone(),
        }
    }

    fn access(&self, endpoint: &Endpoint) -> &Access {
        match &self.reach {
            Reach::Watched {
                sentinels, access, ..
            } if sentinels.iter().any(|it| it.endpoint == *endpoint) => access,
            _ => &self.access,
        }
    }

    fn last(&self) -> Vec<ServerAddress> {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Connects to one of them.
    async fn connect(&self, address: &ServerAddress, visit: &Visit) -> Result<Link, Failure> {
        let connecting = Link::connect(address, self.access(&address.endpoint), visit);
        if matches!(self.reach, Reach::One(_)) {
            // With one server, all of the time is for it.
            return connecting.await;
        }
        timeout(PATIENCE, connecting).await.unwrap_or_else(|_| {
            let cause = format_args!("no connection within {PATIENCE:?}");
            Err(failures::connect(address, cause))
        })
    }

    fn take(&self, endpoint: &Endpoint) -> Option<Link> {
        self.links
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(endpoint)
    }
}

impl Session<'_> {
    /// Finds every server that has data.
    ///
    /// # Errors
    /// When no server names them.
    pub(super) async fn masters(&mut self) -> Result<Vec<ServerAddress>, Failure> {
        if let Some(masters) = &self.masters {
            return Ok(masters.clone());
        }
        let last = self.nodes.last();
        let masters = match &self.nodes.reach {
            Reach::One(address) => vec![address.clone()],
            Reach::Cluster(seeds) => {
                let nodes = [last, seeds.clone()].concat();
                self.first_of(&nodes, slots(), "CLUSTER SLOTS", shared)
                    .await?
            }
            Reach::Watched {
                sentinels, master, ..
            } => {
                let mut cmd = redis::cmd("SENTINEL");
                cmd.arg("GET-MASTER-ADDR-BY-NAME").arg(master);
                let asked = format!("SENTINEL GET-MASTER-ADDR-BY-NAME {master}");
                let read = |reply: &Value, by: &ServerAddress| watched(reply, by, master);
                match self.first_of(sentinels, cmd, &asked, read).await {
                    Err(failure) if failure.reason == Reason::Connect && !last.is_empty() => last,
                    found => vec![found?],
                }
            }
        };
        *self
            .nodes
            .last
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = masters.clone();
        self.masters = Some(masters.clone());
        Ok(masters)
    }

    /// Returns the answer of the first server that has one. A server without reply delays the others for a limited time.
    async fn first_of<T>(
        &mut self,
        servers: &[ServerAddress],
        cmd: Cmd,
        asked: &str,
        read: impl Fn(&Value, &ServerAddress) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut first = None;
        for server in servers {
            let result = match timeout(PATIENCE, self.ask(server, &cmd, None)).await {
                Ok(Ok(reply)) => read(&reply, server),
                Ok(Err(trouble)) => Err(trouble.failure(server, asked)),
                Err(_) => Err(Failure::connect(format!(
                    "`{server}`: no reply to `{asked}` within {PATIENCE:?}"
                ))),
            };
            match result {
                Ok(found) => return Ok(found),
                Err(failure) => _ = first.get_or_insert(failure),
            }
        }
        Err(first.unwrap_or_else(nobody))
    }

    /// Asks every server that has data. If one fails, all of it fails: a part would be a wrong number.
    pub(super) async fn ask_all(
        &mut self,
        cmd: &Cmd,
        asked: &str,
    ) -> Result<Vec<(ServerAddress, Value)>, Failure> {
        let mut replies = Vec::new();
        for master in self.masters().await? {
            match self.ask(&master, cmd, None).await {
                Ok(reply) => replies.push((master, reply)),
                Err(trouble) => return Err(trouble.failure(&master, asked)),
            }
        }
        Ok(replies)
    }

    /// Asks the server that has a key. `owner` is the last known one.
    pub(super) async fn ask_owner(
        &mut self,
        cmd: &Cmd,
        asked: &str,
        owner: &Mutex<Option<ServerAddress>>,
    ) -> Result<Value, Failure> {
        /// More redirects than in any cluster that can answer.
        const REDIRECTS: usize = 5;
        let mut masters = self.masters().await?;
        let last = owner.lock().unwrap_or_else(PoisonError::into_inner).clone();
        masters.sort_by_key(|it| {
            last.as_ref()
                .is_none_or(|last| last.endpoint != it.endpoint)
        });
        let mut address = self.first_up(&masters, asked).await?;
        let mut asking = false;
        for _ in 0..=REDIRECTS {
            if asking {
                // A key in migration needs `ASKING` before each command. The command's reply reports its failure.
                let _ = self.ask(&address, &redis::cmd("ASKING"), None).await;
            }
            let (code, detail) = match self.ask(&address, cmd, None).await {
                Err(CommandFailure::Refused { code, detail })
                    if self.nodes.is_cluster() && matches!(&*code, "MOVED" | "ASK") =>
                {
                    (code, detail)
                }
                result => return result.map_err(|trouble| trouble.failure(&address, asked)),
            };
            let next = ServerAddress::redirected(&detail, &address);
            address = next.ok_or_else(|| {
                Failure::decode(format!(
                    "`{address}`: invalid redirect of `{asked}`: {code} {detail}"
                ))
            })?;
            asking = code == "ASK";
            if !asking {
                *owner.lock().unwrap_or_else(PoisonError::into_inner) = Some(address.clone());
            }
        }
        Err(Failure::query(format!(
            "`{address}`: more than {REDIRECTS} redirects of `{asked}`"
        )))
    }

    /// The first of several servers that accepts a connection.
    pub(super) async fn first_up(
        &mut self,
        servers: &[ServerAddress],
        asked: &str,
    ) -> Result<ServerAddress, Failure> {
        let mut first = None;
        for server in servers {
            match self.identity(server).await {
                Ok(_) => return Ok(server.clone()),
                Err(trouble) => _ = first.get_or_insert(trouble.failure(server, asked)),
            }
        }
        Err(first.unwrap_or_else(nobody))
    }

    /// The process ID of a server.
    pub(super) async fn identity(
        &mut self,
        address: &ServerAddress,
    ) -> Result<String, CommandFailure> {
        let (link, kept) = self.link(address).await?;
        let identity = link.identity.clone();
        self.used.insert(address.endpoint.clone(), (link, kept));
        Ok(identity)
    }

    /// Asks one server, and only the process `same` if that is given. Replaces a closed connection of an earlier fetch once.
    pub(super) async fn ask(
        &mut self,
        address: &ServerAddress,
        cmd: &Cmd,
        same: Option<&str>,
    ) -> Result<Value, CommandFailure> {
        let (mut link, mut kept) = self.link(address).await?;
        loop {
            if same.is_some_and(|same| same != link.identity) {
                self.used.insert(address.endpoint.clone(), (link, kept));
                return Err(CommandFailure::Changed);
            }
            match link.ask(cmd).await {
                Err(CommandFailure::Broken(_)) if kept => {
                    kept = false;
                    link = self.connect(address).await?;
                }
                result @ Err(CommandFailure::Broken(_) | CommandFailure::TooLong(_)) => {
                    return result;
                }
                result => {
                    self.used.insert(address.endpoint.clone(), (link, false));
                    return result;
                }
            }
        }
    }

    /// Returns a connection, and whether it is from an earlier fetch.
    async fn link(&mut self, address: &ServerAddress) -> Result<(Link, bool), CommandFailure> {
        if let Some(failure) = self.down.get(&address.endpoint) {
            return Err(CommandFailure::Down(failure.clone()));
        }
        if let Some(used) = self.used.remove(&address.endpoint) {
            return Ok(used);
        }
        match self.nodes.take(&address.endpoint) {
            Some(link) => Ok((link, true)),
            None => Ok((self.connect(address).await?, false)),
        }
    }

    async fn connect(&mut self, address: &ServerAddress) -> Result<Link, CommandFailure> {
        let connected = self.nodes.connect(address, self.visit).await;
        let checked = connected.and_then(|link| match (&self.nodes.reach, link.role.as_deref()) {
            (Reach::Watched { sentinels, master, .. }, Some(role))
                if role != "master" && sentinels.iter().all(|it| it.endpoint != address.endpoint) =>
            {
                Err(Failure::connect(format!(
                    "`{address}`: not the master of `{master}` but a {role}; a failover may be in progress"
                )))
            }
            _ => Ok(link),
        });
        checked.map_err(|failure| {
            self.down.insert(address.endpoint.clone(), failure.clone());
            CommandFailure::Down(failure)
        })
    }
}

impl Drop for Session<'_> {
    /// Keeps the used connections, and closes those of servers that are gone.
    fn drop(&mut self) {
        let used = std::mem::take(&mut self.used);
        let used = used
            .into_iter()
            .map(|(endpoint, (link, _))| (endpoint, link));
        *self
            .nodes
            .links
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = used.collect();
    }
}

impl fmt::Debug for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Nodes").field(&self.shown()).finish()
    }
}

/// Cannot occur: the configuration has seeds, and a cluster without masters is rejected.
fn nobody() -> Failure {
    Failure::connect("no server is known")
}
