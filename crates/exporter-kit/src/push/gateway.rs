//! Pushes to a Pushgateway: replaces, adds to or deletes one group of metrics.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use http::{Method, Request};
use tokio::sync::oneshot;

use super::error::PushError;
use super::exchange::{ExchangeFailure, PushResponse, exchange};
use super::target::Target;
use crate::encode::Format;
use crate::model::MetricType;
use crate::name::{self, NameError, NameErrorKind, NameScheme};
use crate::registry::Registry;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// A group of metrics in a Pushgateway, by its job and grouping labels.
///
/// For jobs that end before a scrape. Pushed metrics stay in the Pushgateway until they are replaced or deleted. Push at
/// the end of the job, and prefer gauges to counters, which begin at 0 in each run.
///
/// ```
/// use exporter_kit::{Registry, push::PushGateway};
///
/// let registry = Registry::new();
/// registry.gauge("backup_size_bytes", "Size of the last backup.")?.set(1_048_576);
///
/// let url = "http://pushgateway:9091";
/// # use std::io::{Read, Write};
/// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let url = &*listener.local_addr()?.to_string();
/// # let gateway = std::thread::spawn(move || -> std::io::Result<String> {
/// #     let (mut stream, _) = listener.accept()?;
/// #     let mut request = Vec::new();
/// #     while !request.ends_with(b"\nbackup_size_bytes 1048576.0\n") {
/// #         let mut byte = [0];
/// #         stream.read_exact(&mut byte)?;
/// #         request.push(byte[0]);
/// #     }
/// #     stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
/// #     Ok(String::from_utf8_lossy(&request).into_owned())
/// # });
/// PushGateway::new(url, "backup")?.grouping("instance", "db-1")?.push(&registry)?;
/// # let request = gateway.join().unwrap()?;
/// # assert!(request.starts_with("PUT /metrics/job/backup/instance/db-1 HTTP/1.1\r\n"), "{request}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Each push runs on a thread of its own, which ends with it. The program needs no async runtime, and a push does not
/// block one: synchronous code calls [`push`](Self::push), a future of any runtime awaits
/// [`push_async`](Self::push_async).
#[derive(Clone, Debug)]
pub struct PushGateway {
    target: Target,
    job: String,
    grouping: BTreeMap<String, String>,
    /// Marked as sensitive, so that no output shows it.
    authorization: Option<HeaderValue>,
    timeout: Duration,
}

impl PushGateway {
    /// Makes the group of `job` at the Pushgateway with that URL: `http://pushgateway:9091`, or without `http://`. A path
    /// in it is kept, for a Pushgateway behind a proxy.
    ///
    /// # Errors
    /// When the URL is not valid, begins with `https://` (a push does not use TLS) or has a password in it, and when the
    /// job is empty.
    pub fn new(url: &str, job: &str) -> Result<Self, PushError> {
        let target = Target::parse(url)?;
        if job.is_empty() {
            return Err(PushError::NoJob);
        }
        Ok(Self {
            target,
            job: job.to_owned(),
            grouping: BTreeMap::new(),
            authorization: None,
            timeout: DEFAULT_TIMEOUT,
        })
    }

    /// Adds a grouping label, such as `instance`, which identifies the group. All series of the group get it.
    ///
    /// # Errors
    /// When the name is not a legacy label name, is `job`, or was added before.
    pub fn grouping(mut self, name: &str, value: &str) -> Result<Self, PushError> {
        let refused = |fault| PushError::Grouping(NameError::new(name, fault));
        name::check_label_name(name, MetricType::Gauge, NameScheme::Legacy).map_err(refused)?;
        if name == "job" || self.grouping.contains_key(name) {
            return Err(refused(NameErrorKind::DuplicateLabel));
        }
        self.grouping.insert(name.to_owned(), value.to_owned());
        Ok(self)
    }

    /// Sets user and password for HTTP basic authentication. A user name cannot have a colon. Without TLS everyone on
    /// the network path can read the password.
    #[must_use]
    pub fn basic_auth(mut self, user: &str, password: &str) -> Self {
        let coded = STANDARD.encode(format!("{user}:{password}"));
        // Letters, digits and `+/=` are a valid header.
        self.authorization = HeaderValue::try_from(format!("Basic {coded}")).ok();
        if let Some(authorization) = &mut self.authorization {
            authorization.set_sensitive(true);
        }
        self
    }

    /// Sets the timeout of a push, including collectors and the look-up of the host; 30 s by default.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Replaces all metrics of the group (`PUT`). Blocks until the answer; code of an asynchronous runtime awaits
    /// [`push_async`](Self::push_async).
    ///
    /// # Errors
    /// When a series has the label `job` or a grouping label, the Pushgateway does not answer in time, or answers with
    /// another status than 200 to 299.
    pub fn push(&self, registry: &Registry) -> Result<(), PushError> {
        self.wait(Method::PUT, Some(registry))
    }

    /// Replaces metrics of the group that have the same names as those of the registry; others stay (`POST`). Blocks
    /// until the answer.
    ///
    /// # Errors
    /// As for [`push`](Self::push).
    pub fn push_add(&self, registry: &Registry) -> Result<(), PushError> {
        self.wait(Method::POST, Some(registry))
    }

    /// Deletes all metrics of the group (`DELETE`), if there are any. Blocks until the answer.
    ///
    /// # Errors
    /// When the Pushgateway does not answer in time, or answers with another status than 200 to 299.
    pub fn delete(&self) -> Result<(), PushError> {
        self.wait(Method::DELETE, None)
    }

    /// [`push`](Self::push) for asynchronous code, of any runtime. Dropping the future ends the push.
    ///
    /// # Errors
    /// As for [`push`](Self::push).
    pub async fn push_async(&self, registry: &Registry) -> Result<(), PushError> {
        self.send(Method::PUT, Some(registry)).await
    }

    /// [`push_add`](Self::push_add) for asynchronous code, of any runtime. Dropping the future ends the push.
    ///
    /// # Errors
    /// As for [`push`](Self::push).
    pub async fn push_add_async(&self, registry: &Registry) -> Result<(), PushError> {
        self.send(Method::POST, Some(registry)).await
    }

    /// [`delete`](Self::delete) for asynchronous code, of any runtime. Dropping the future ends it.
    ///
    /// # Errors
    /// As for [`delete`](Self::delete).
    pub async fn delete_async(&self) -> Result<(), PushError> {
        self.send(Method::DELETE, None).await
    }

    fn wait(&self, method: Method, registry: Option<&Registry>) -> Result<(), PushError> {
        let run = self.clone().run(method, registry.cloned());
        let thread =
            spawn(move || block_on(run).unwrap_or_else(|error| Err(PushError::Run(error))))?;
        thread.join().unwrap_or_else(|_| Err(panicked()))
    }

    async fn send(&self, method: Method, registry: Option<&Registry>) -> Result<(), PushError> {
        let (mut done, result) = oneshot::channel();
        let run = self.clone().run(method, registry.cloned());
        spawn(move || {
            let finished = block_on(async {
                let mut run = pin!(run);
                let mut unwanted = pin!(done.closed());
                poll_fn(|cx| match run.as_mut().poll(cx) {
                    Poll::Ready(result) => Poll::Ready(Some(result)),
                    Poll::Pending => unwanted.as_mut().poll(cx).map(|()| None),
                })
                .await
            });
            let finished = finished.unwrap_or_else(|error| Some(Err(PushError::Run(error))));
            if let Some(result) = finished {
                // It fails if the receiver was dropped.
                let _ = done.send(result);
            }
        })?;
        result.await.unwrap_or_else(|_| Err(panicked()))
    }

    async fn run(self, method: Method, registry: Option<Registry>) -> Result<(), PushError> {
        let (timeout, url) = (self.timeout, self.url());
        tokio::time::timeout(timeout, self.attempt(method, registry, &url))
            .await
            .unwrap_or_else(|_| {
                Err(PushError::Timeout {
                    url: url.into(),
                    timeout,
                })
            })
    }

    async fn attempt(
        self,
        method: Method,
        registry: Option<Registry>,
        url: &str,
    ) -> Result<(), PushError> {
        let mut request = Request::builder()
            .method(method)
            .uri(self.path())
            .header(HOST, &self.target.authority)
            .header(
                USER_AGENT,
                concat!("exporter-kit/", env!("CARGO_PKG_VERSION")),
            );
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let Self {
            target, grouping, ..
        } = self;
        let body = match registry {
            Some(registry) => {
                request = request.header(CONTENT_TYPE, Format::Text.content_type());
                // Collectors may block, and must not delay the timeout.
                tokio::task::spawn_blocking(move || render(&registry, &grouping))
                    .await
                    .map_err(|error| PushError::Run(error.into()))??
            }
            None => String::new(),
        };
        let broken = |source| PushError::Exchange {
            url: url.into(),
            source,
        };
        let request = request.body(body).map_err(|error| broken(error.into()))?;
        let PushResponse { status, body } =
            exchange(&target, request)
                .await
                .map_err(|failure| match failure {
                    ExchangeFailure::Connect(source) => PushError::Connect {
                        url: url.into(),
                        source,
                    },
                    ExchangeFailure::Exchange(source) => broken(source.into()),
                })?;
        if status.is_success() {
            return Ok(());
        }
        Err(PushError::Answer {
            url: url.into(),
            status: status.as_u16(),
            body: String::from_utf8_lossy(&body).trim().into(),
        })
    }

    fn url(&self) -> String {
        format!("http://{}{}", self.target.authority, self.path())
    }

    /// The path of the group: its job, and its labels by their names.
    fn path(&self) -> String {
        let mut path = format!("{}/metrics", self.target.path);
        segment(&mut path, "job", &self.job);
        for (name, value) in &self.grouping {
            segment(&mut path, name, value);
        }
        path
    }
}

/// Appends `/name/value`, in Base64 if a path cannot carry the value as it is.
fn segment(path: &mut String, name: &str, value: &str) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte);
    path.push('/');
    path.push_str(name);
    if value.is_empty() {
        // The Base64 of an empty text, with its padding: an empty part of a path would be lost.
        path.push_str("@base64/=");
    } else if value.bytes().all(plain) && value != "." && value != ".." {
        path.push('/');
        path.push_str(value);
    } else {
        path.push_str("@base64/");
        path.push_str(&URL_SAFE_NO_PAD.encode(value));
    }
}

/// Renders the registry, if no series has a label of the group.
fn render(registry: &Registry, grouping: &BTreeMap<String, String>) -> Result<String, PushError> {
    let snapshot = registry.snapshot();
    let of_the_group = |label: &str| label == "job" || grouping.contains_key(label);
    for family in snapshot.families() {
        let name = family.descriptor().name();
        let of_lines = family.descriptor().metric_type().line_label(name);
        let labels = family.series().flat_map(|(key, _)| key.labels());
        let taken = labels
            .map(|(label, _)| label)
            .chain(of_lines.map(Into::into))
            .find(|label| of_the_group(label));
        if let Some(label) = taken {
            return Err(PushError::LabelTaken {
                family: name.into(),
                label: label.into(),
            });
        }
    }
    let text = String::from_utf8(snapshot.encode(Format::Text));
    Ok(text.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

fn spawn<T: Send + 'static>(
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<thread::JoinHandle<T>, PushError> {
    let builder = thread::Builder::new().name("exporter-push".to_owned());
    builder.spawn(run).map_err(PushError::Run)
}

fn panicked() -> PushError {
    PushError::Run(io::Error::other("the thread panicked"))
}

/// Runs a future to its end in a runtime of its own. For a thread of its own: on others there may be a runtime already,
/// which would panic.
fn block_on<T>(work: impl Future<Output = T>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .thread_name("exporter-push-collect")
        .build()?;
    let done = runtime.block_on(work);
    // A collector or a look-up that still blocks must not delay the answer.
    runtime.shutdown_background();
    Ok(done)
}
