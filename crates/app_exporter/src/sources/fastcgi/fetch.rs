//! One FastCGI request, and the rows of its response.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;

use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::time::Instant;

use crate::config::Fault;
use crate::config::login::Secret;
use crate::decode::{Failure, Format, Limits, Part, Wanted};
use crate::sources::endpoint::Endpoint;
use crate::sources::failures;
use crate::sources::fastcgi::config::{FastCgiConfig, PORT, check_path};
use crate::sources::fastcgi::head;
use crate::sources::fastcgi::record::{self, Unreadable};
use crate::sources::lookups::Lookups;
use crate::sources::metered::{Meter, Metered};
use crate::sources::origin::{Fetch, Surroundings};
use crate::sources::response::{Received, ResponseReader};
use crate::sources::visit::Visit;

/// Fetches from a FastCGI server.
pub(super) struct FastCgi {
    endpoint: Endpoint,
    lookups: Lookups,
    /// The request, which may have secrets.
    request: Vec<(String, Secret)>,
    responses: ResponseReader,
    /// The limit of bytes of a response.
    most: usize,
}

impl FastCgi {
    pub(super) fn new(
        config: &FastCgiConfig,
        wanted: Wanted,
        limits: Limits,
        surroundings: Surroundings<'_>,
    ) -> Result<Self, Fault> {
        let address = config.address.resolved(surroundings.variable)?;
        let endpoint = Endpoint::parse(&address, PORT)
            .map_err(|message| Fault::at(config.address.place(), message))?;
        let format = config.format.as_ref();
        let shown = format!("{} {}", *config.address, *config.path);
        Ok(Self {
            endpoint: endpoint.below(surroundings.folder),
            lookups: surroundings.lookups.clone(),
            request: parameters(config, surroundings)?,
            responses: ResponseReader::new(
                surroundings.targeted(&shown).into_owned(),
                "check `path`, and `security.limit_extensions` of PHP-FPM for the `script`",
                format,
                config.success.as_ref().map(|it| it.as_slice()),
                (wanted, limits),
            ),
            most: limits.bytes,
        })
    }

    async fn output(&self) -> Result<Vec<u8>, Failure> {
        let shown = self.responses.shown();
        let stream = self.endpoint.connect(&self.lookups).await;
        let stream = stream.map_err(|error| failures::connect(shown, error))?;
        // Standard error and the heads of records are not in the limit, but not without one.
        let meter = Meter::new(self.most.saturating_mul(4).saturating_add(64 * 1024));
        let mut stream = BufReader::new(Metered::new(stream, meter.clone()));
        let request = self.request.iter();
        let request = request.map(|(name, value)| (name.clone(), value.reveal().to_owned()));
        let output = async {
            stream.write_all(&record::request(request)).await?;
            stream.flush().await?;
            record::response(&mut stream, self.most).await
        };
        output.await.map_err(|error| match error {
            _ if meter.is_used_up() => self.too_large(),
            Unreadable::TooLarge => self.too_large(),
            Unreadable::Connection(error) if error.kind() == ErrorKind::UnexpectedEof => {
                self.unreadable("the connection ended before the end of the response")
            }
            Unreadable::Connection(error) => self.unreadable(error),
            Unreadable::Record(cause) => self.unreadable(format_args!(
                "{cause}; check that a FastCGI server such as PHP-FPM listens there"
            )),
            Unreadable::Refused(cause) => Failure::query(format!(
                "`{shown}`: cannot fetch: the server says that {cause}"
            )),
        })
    }

    fn too_large(&self) -> Failure {
        Failure::too_large(format_args!("`{}`", self.responses.shown()), self.most)
    }

    fn unreadable(&self, cause: impl fmt::Display) -> Failure {
        let shown = self.responses.shown();
        Failure::connect(format!("`{shown}`: cannot read the response: {cause}"))
    }
}

impl Fetch for FastCgi {
    async fn fetch(&self, visit: &Visit) -> Result<Vec<Part>, Failure> {
        let started = Instant::now();
        let output = self.output().await?;
        let took = started.elapsed();
        visit.receive(output.len())?;
        let (head, body) = head::split(output).map_err(|cause| self.unreadable(cause))?;
        let received = Received {
            status: head.status,
            content_type: head.content_type,
            body,
            took,
        };
        self.responses.read(visit, received).await
    }
}

/// The parameters of the request; those of the configuration replace those that it implies.
fn parameters(
    config: &FastCgiConfig,
    surroundings: Surroundings<'_>,
) -> Result<Vec<(String, Secret)>, Fault> {
    let variable = surroundings.variable;
    let path = config.path.resolved(variable)?;
    check_path(&path).map_err(|message| Fault::at(config.path.place(), message))?;
    let query = config.query.as_ref().map(|it| it.resolved(variable));
    let query = query.transpose()?.unwrap_or_default();
    let script = config.script.as_ref().map(|it| it.resolved(variable));
    let script = script.transpose()?.unwrap_or_else(|| path.clone());
    let uri = match &*query {
        "" => path.clone(),
        query => format!("{path}?{query}"),
    };
    let mut parameters: BTreeMap<&str, String> = [
        ("GATEWAY_INTERFACE", "CGI/1.1"),
        (
            "SERVER_SOFTWARE",
            concat!("app_exporter/", env!("CARGO_PKG_VERSION")),
        ),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("SERVER_NAME", "localhost"),
        ("REQUEST_METHOD", "GET"),
        ("REMOTE_ADDR", "127.0.0.1"),
        ("REQUEST_URI", &uri),
        ("QUERY_STRING", &query),
        ("SCRIPT_NAME", &path),
        ("SCRIPT_FILENAME", &script),
        (
            "HTTP_ACCEPT",
            config
                .format
                .as_ref()
                .and_then(Format::accept)
                .unwrap_or("*/*"),
        ),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into();
    for (name, value) in &config.parameters {
        parameters.insert(name, value.resolved(variable)?);
    }
    let parameters = parameters.into_iter();
    let parameters = parameters.map(|(name, value)| (name.to_owned(), Secret::new(value)));
    Ok(parameters.collect())
}

impl fmt::Debug for FastCgi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FastCgi")
            .field("address", &self.responses.shown())
            .finish_non_exhaustive()
    }
}
