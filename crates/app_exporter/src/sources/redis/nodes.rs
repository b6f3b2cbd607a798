//! The servers of one source: which there are, and a connection to each, kept from fetch to fetch.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use exporter_kit::scrape::SourceErrorReason as Reason;
use redis::{Cmd, Value};

use crate::decode::Failure;
use crate::sources::redis::address::{Address, Endpoint};
use crate::sources::redis::link::{Access, Link, Trouble};

/// How many slots a cluster has.
const SLOTS: u64 = 16384;

/// Where the servers are.
pub(super) enum Reach {
    /// One server.
    One(Address),
    /// A cluster, by some of its nodes.
    Cluster(Vec<Address>),
    /// The one that sentinels say is the master.
    Watched {
        sentinels: Vec<Address>,
        /// How they let us in.
        access: Access,
        master: String,
    },
}

/// The servers, with a connection to each that was asked.
pub(super) struct Nodes {
    reach: Reach,
    access: Access,
    /// Invariant: a connection is taken out while it is used, so that one whose use was broken off is closed.
    links: Mutex<HashMap<Endpoint, Link>>,
    /// The master that sentinels named last, for when none of them can be reached.
    last_master: Mutex<Option<Address>>,
}

/// What one fetch knows of the servers.
pub(super) struct Session<'n> {
    nodes: &'n Nodes,
    /// The connections that it used, and whether each may have died since an earlier fetch; others are closed at its end.
    used: HashMap<Endpoint, (Link, bool)>,
    /// Servers that could not be reached, which are not tried again.
    down: HashMap<Endpoint, Failure>,
    masters: Option<Vec<Address>>,
}

impl Nodes {
    pub(super) fn new(reach: Reach, access: Access) -> Self {
        Self {
            reach,
            access,
            links: Mutex::default(),
            last_master: Mutex::default(),
        }
    }

    pub(super) fn session(&self) -> Session<'_> {
        Session {
            nodes: self,
            used: HashMap::new(),
            down: HashMap::new(),
            masters: None,
        }
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.reach, Reach::Cluster(_))
    }

    /// What messages call all of them.
    pub(super) fn shown(&self) -> String {
        match &self.reach {
            Reach::One(address) => address.to_string(),
            Reach::Cluster(seeds) => seeds
                .iter()
                .map(Address::to_string)
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

    fn take(&self, endpoint: &Endpoint) -> Option<Link> {
        self.links
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(endpoint)
    }
}

impl Session<'_> {
    /// Every server that has a part of the data.
    ///
    /// # Errors
    /// When that can't be found out.
    pub(super) async fn masters(&mut self) -> Result<Vec<Address>, Failure> {
        if let Some(masters) = &self.masters {
            return Ok(masters.clone());
        }
        let masters = match &self.nodes.reach {
            Reach::One(address) => vec![address.clone()],
            Reach::Cluster(seeds) => {
                self.first_of(seeds, slots(), "CLUSTER SLOTS", shared)
                    .await?
            }
            Reach::Watched {
                sentinels, master, ..
            } => {
                let mut cmd = redis::cmd("SENTINEL");
                cmd.arg("GET-MASTER-ADDR-BY-NAME").arg(master);
                let asked = format!("SENTINEL GET-MASTER-ADDR-BY-NAME {master}");
                let read = |reply: &Value, by: &Address| watched(reply, by, master);
                let found = self.first_of(sentinels, cmd, &asked, read).await;
                let mut last = self
                    .nodes
                    .last_master
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                match (found, &*last) {
                    (Err(failure), Some(last)) if failure.reason == Reason::Connect => {
                        vec![last.clone()]
                    }
                    (found, _) => vec![last.insert(found?).clone()],
                }
            }
        };
        self.masters = Some(masters.clone());
        Ok(masters)
    }

    /// What the first of several servers says that can say it.
    async fn first_of<T>(
        &mut self,
        servers: &[Address],
        cmd: Cmd,
        asked: &str,
        read: impl Fn(&Value, &Address) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut first = None;
        for server in servers {
            let result = match self.ask(server, &cmd, None).await {
                Ok(reply) => read(&reply, server),
                Err(trouble) => Err(trouble.failure(server, asked)),
            };
            match result {
                Ok(found) => return Ok(found),
                Err(failure) => _ = first.get_or_insert(failure),
            }
        }
        Err(first.unwrap_or_else(nobody))
    }

    /// Asks every server that has a part of the data. It is all or nothing: a part is no answer.
    pub(super) async fn ask_all(
        &mut self,
        cmd: &Cmd,
        asked: &str,
    ) -> Result<Vec<(Address, Value)>, Failure> {
        let mut replies = Vec::new();
        for master in self.masters().await? {
            match self.ask(&master, cmd, None).await {
                Ok(reply) => replies.push((master, reply)),
                Err(trouble) => return Err(trouble.failure(&master, asked)),
            }
        }
        Ok(replies)
    }

    /// Asks the server that has a key. `owner` is the one that had it last.
    pub(super) async fn ask_owner(
        &mut self,
        cmd: &Cmd,
        asked: &str,
        owner: &Mutex<Option<Address>>,
    ) -> Result<Value, Failure> {
        /// More often than this nobody is redirected who gets there at all.
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
                // That the key is on its way there is said before each question; a refusal shows in the answer to that.
                let _ = self.ask(&address, &redis::cmd("ASKING"), None).await;
            }
            let (code, detail) = match self.ask(&address, cmd, None).await {
                Err(Trouble::Refused { code, detail })
                    if self.nodes.is_cluster() && matches!(&*code, "MOVED" | "ASK") =>
                {
                    (code, detail)
                }
                result => return result.map_err(|trouble| trouble.failure(&address, asked)),
            };
            let next = Address::redirected(&detail, &address);
            address = next.ok_or_else(|| {
                Failure::decode(format!(
                    "`{address}`: `{asked}` is redirected to nowhere: {code} {detail}"
                ))
            })?;
            asking = code == "ASK";
            if !asking {
                *owner.lock().unwrap_or_else(PoisonError::into_inner) = Some(address.clone());
            }
        }
        Err(Failure::query(format!(
            "`{address}`: `{asked}` is redirected more than {REDIRECTS} times"
        )))
    }

    /// The first of several servers that there is a connection to.
    pub(super) async fn first_up(
        &mut self,
        servers: &[Address],
        asked: &str,
    ) -> Result<Address, Failure> {
        let mut first = None;
        for server in servers {
            match self.identity(server).await {
                Ok(_) => return Ok(server.clone()),
                Err(trouble) => _ = first.get_or_insert(trouble.failure(server, asked)),
            }
        }
        Err(first.unwrap_or_else(nobody))
    }

    /// Which process a server is.
    pub(super) async fn identity(&mut self, address: &Address) -> Result<String, Trouble> {
        let (link, kept) = self.link(address).await?;
        let identity = link.identity.clone();
        self.used.insert(address.endpoint.clone(), (link, kept));
        Ok(identity)
    }

    /// Asks one server; only the process `same` if that is given. A connection from an earlier fetch that turns out to
    /// be dead is replaced once.
    pub(super) async fn ask(
        &mut self,
        address: &Address,
        cmd: &Cmd,
        same: Option<&str>,
    ) -> Result<Value, Trouble> {
        let (mut link, mut kept) = self.link(address).await?;
        loop {
            if same.is_some_and(|same| same != link.identity) {
                self.used.insert(address.endpoint.clone(), (link, kept));
                return Err(Trouble::Changed);
            }
            match link.ask(cmd).await {
                Err(Trouble::Broken(_)) if kept => {
                    kept = false;
                    link = self.connect(address).await?;
                }
                result @ Err(Trouble::Broken(_) | Trouble::TooLong(_)) => return result,
                result => {
                    self.used.insert(address.endpoint.clone(), (link, false));
                    return result;
                }
            }
        }
    }

    /// A connection, and whether it may have died since an earlier fetch.
    async fn link(&mut self, address: &Address) -> Result<(Link, bool), Trouble> {
        if let Some(failure) = self.down.get(&address.endpoint) {
            return Err(Trouble::Down(failure.clone()));
        }
        if let Some(used) = self.used.remove(&address.endpoint) {
            return Ok(used);
        }
        match self.nodes.take(&address.endpoint) {
            Some(link) => Ok((link, true)),
            None => Ok((self.connect(address).await?, false)),
        }
    }

    async fn connect(&mut self, address: &Address) -> Result<Link, Trouble> {
        let connected = Link::connect(address, self.nodes.access(&address.endpoint)).await;
        let checked = connected.and_then(|link| match (&self.nodes.reach, link.role.as_deref()) {
            (Reach::Watched { sentinels, master, .. }, Some(role))
                if role != "master" && sentinels.iter().all(|it| it.endpoint != address.endpoint) =>
            {
                Err(Failure::connect(format!(
                    "`{address}` is to be the master of `{master}` but says it is a {role}; a failover may be under way"
                )))
            }
            _ => Ok(link),
        });
        checked.map_err(|failure| {
            self.down.insert(address.endpoint.clone(), failure.clone());
            Trouble::Down(failure)
        })
    }
}

impl Drop for Session<'_> {
    /// Keeps the connections that were used and are idle; those of servers that are no more are closed.
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

/// Seeds are checked to be there, and a cluster without masters is refused.
fn nobody() -> Failure {
    Failure::connect("there is no server to ask")
}

fn slots() -> Cmd {
    let mut cmd = redis::cmd("CLUSTER");
    cmd.arg("SLOTS");
    cmd
}

/// The masters that a node of a cluster names: `[from, to, [host, port, …], replicas…]` for each range of slots.
fn shared(reply: &Value, by: &Address) -> Result<Vec<Address>, Failure> {
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
fn watched(reply: &Value, by: &Address, master: &str) -> Result<Address, Failure> {
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
