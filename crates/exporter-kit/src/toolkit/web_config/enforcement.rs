//! A web configuration in effect on a server, and its reload.

use std::fmt;
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use http::header::{self, HeaderValue};
use http::{Request, Response, StatusCode};
use ring::hmac;

use super::checks::{Checks, LoginResult};
use super::error::{Problem, WebConfigError};
use super::handshake;
use super::rate_limit::TokenBucket;
use super::settings::WebSettings;
use super::status::Status;
use super::users::Login;
use super::watched::Watched;
use crate::collect::Collect;
use crate::scrape::answer::plain;
use crate::scrape::body::Body;
use crate::server::access::{AccessControl, Admission, BoxFuture, Decision};
use crate::server::encryption::Encryption;
use crate::server::peer::Peer;
use crate::server::service::Service;
use crate::server::shutdown::Stopped;
use crate::server::tracked_stream::TrackedStream;

/// The interval at which files are checked for changes.
const POLL: Duration = Duration::from_secs(1);

/// The value of `Retry-After` while too many logins are being checked, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// A web configuration in effect: TLS, access control, and the thread that reloads the files.
pub(super) struct Enforcement {
    shared: Arc<EnforcementState>,
    /// Ends the reloading thread when dropped.
    _alive: mpsc::Sender<()>,
}

struct EnforcementState {
    path: PathBuf,
    key: hmac::Key,
    settings: RwLock<Arc<WebSettings>>,
    watched: Mutex<Watched>,
    checks: Checks,
    bucket: Option<TokenBucket>,
    status: Arc<Status>,
}

impl fmt::Debug for Enforcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enforcement")
            .field("path", &self.shared.path)
            .finish_non_exhaustive()
    }
}

impl Enforcement {
    /// Reads the file, and reloads it from now on when it changes.
    pub(super) fn open(path: PathBuf) -> Result<Self, WebConfigError> {
        let failed = |problem| WebConfigError::new(&path, problem);
        let key = secret().map_err(failed)?;
        let mut watched = Watched::default();
        let settings = WebSettings::load(&path, &key, &mut watched)?;
        announce(&settings);
        let shared = Arc::new(EnforcementState {
            checks: Checks::new(key.clone()),
            bucket: settings
                .rate_limit
                .map(|limit| TokenBucket::new(limit, Instant::now())),
            status: Arc::new(Status::new(not_after(&settings))),
            settings: RwLock::new(Arc::new(settings)),
            watched: Mutex::new(watched),
            key,
            path,
        });
        let (alive, gone) = mpsc::channel();
        let looking = Arc::clone(&shared);
        thread::Builder::new()
            .name("exporter-config".to_owned())
            .spawn(move || {
                while gone.recv_timeout(POLL) == Err(RecvTimeoutError::Timeout) {
                    looking.reload_if_changed();
                }
            })
            .map_err(|error| {
                let message = format!(
                    "cannot start the thread that reloads the file: {error}; raise the limit on threads"
                );
                WebConfigError::new(&shared.path, Problem::new(message))
            })?;
        Ok(Self {
            shared,
            _alive: alive,
        })
    }

    /// Returns whether connections are encrypted. A reload does not change it.
    pub(super) fn is_encrypted(&self) -> bool {
        self.shared.settings().tls.is_some()
    }

    /// The metrics about the configuration.
    pub(super) fn metrics(&self) -> Arc<dyn Collect> {
        Arc::clone(&self.shared.status) as Arc<dyn Collect>
    }
}

/// A random key for this process.
pub(super) fn secret() -> Result<hmac::Key, Problem> {
    hmac::Key::generate(hmac::HMAC_SHA256, &ring::rand::SystemRandom::new()).map_err(|_| {
        Problem::new(
            "cannot read random numbers from the system; allow the program to read /dev/urandom",
        )
    })
}

fn announce(settings: &WebSettings) {
    for notice in &settings.notices {
        log::warn!("web configuration: {notice}");
    }
    if settings.tls.is_some() {
        log::info!("TLS is enabled. http2={}", settings.http2);
    } else {
        log::info!("TLS is disabled. http2=false");
    }
}

fn not_after(settings: &WebSettings) -> Option<i64> {
    settings.tls.as_ref().and_then(|tls| tls.not_after)
}

impl EnforcementState {
    fn settings(&self) -> Arc<WebSettings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads everything again if a file has changed. An invalid change has no effect, and is logged once.
    fn reload_if_changed(&self) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if !watched.have_changed() {
            return;
        }
        let mut read = Watched::default();
        let settings = WebSettings::load(&self.path, &self.key, &mut read)
            .and_then(|settings| self.check_what_stays(settings));
        *watched = read;
        match settings {
            Ok(settings) => {
                for notice in &settings.notices {
                    log::warn!("web configuration: {notice}");
                }
                self.status.succeed(not_after(&settings));
                *self
                    .settings
                    .write()
                    .unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
                log::info!(
                    "Reloaded the web configuration from {}",
                    self.path.display()
                );
            }
            Err(error) => {
                self.status.fail();
                log::error!(
                    "cannot reload the web configuration, the previous one stays in effect: {error}"
                );
            }
        }
    }

    /// Rejects changes that need a restart.
    fn check_what_stays(&self, mut settings: WebSettings) -> Result<WebSettings, WebConfigError> {
        let before = self.settings();
        if settings.tls.is_some() != before.tls.is_some() {
            let message = "cannot switch TLS on or off while the server runs; restart the program";
            return Err(WebConfigError::new(&self.path, Problem::new(message)));
        }
        if settings.rate_limit != self.bucket.as_ref().map(TokenBucket::limit) {
            settings
                .notices
                .push("the rate limit has changed; restart the program to apply it".to_owned());
        }
        Ok(settings)
    }
}

impl Encryption for Enforcement {
    fn serve(
        self: Arc<Self>,
        stream: TrackedStream,
        service: Arc<Service>,
        peer: Peer,
        stopped: Stopped,
    ) -> BoxFuture<()> {
        let settings = self.shared.settings();
        let config = settings.tls.as_ref().map(|tls| Arc::clone(&tls.config));
        Box::pin(async move {
            // A server that began with TLS keeps TLS.
            if let Some(config) = config {
                handshake::serve(config, stream, service, peer, stopped).await;
            }
        })
    }
}

impl AccessControl for Enforcement {
    fn admit(&self, req: &Request<()>, peer: Peer) -> Admission {
        let now = Instant::now();
        if self
            .shared
            .bucket
            .as_ref()
            .is_some_and(|bucket| !bucket.take(now))
        {
            // As in Go, this answer lacks the configured headers.
            return Admission::Decided(Decision::Refused(refusal(StatusCode::TOO_MANY_REQUESTS)));
        }
        let settings = self.shared.settings();
        if needs_no_login(&settings, req) {
            return Admission::Decided(Decision::Admitted(Arc::clone(&settings.headers)));
        }
        let Some(authorization) = req.headers().get(header::AUTHORIZATION) else {
            return Admission::Decided(settings.unauthorized());
        };
        let authorization = authorization.as_bytes();
        if settings.tokens.accept(authorization) {
            return Admission::Decided(Decision::Admitted(Arc::clone(&settings.headers)));
        }
        if settings.users.is_empty() {
            return Admission::Decided(settings.unauthorized());
        }
        let Some(login) = Login::read(authorization) else {
            return Admission::Decided(settings.unauthorized());
        };
        let check = settings.users.check(&login);
        match self.shared.checks.ask(authorization, check, peer, now) {
            LoginResult::Known(verdict) => Admission::Decided(settings.decide(verdict)),
            LoginResult::Busy => Admission::Decided(settings.busy()),
            LoginResult::Pending(verdict) => Admission::Pending(Box::pin(async move {
                match verdict.await {
                    Ok(verdict) => settings.decide(verdict),
                    Err(_) => settings.busy(),
                }
            })),
        }
    }
}

fn needs_no_login(settings: &WebSettings, req: &Request<()>) -> bool {
    (settings.users.is_empty() && settings.tokens.is_empty())
        || settings
            .open_paths
            .iter()
            .any(|path| path == req.uri().path())
}

impl WebSettings {
    fn decide(&self, is_right: bool) -> Decision {
        if is_right {
            Decision::Admitted(Arc::clone(&self.headers))
        } else {
            self.unauthorized()
        }
    }

    fn unauthorized(&self) -> Decision {
        let mut response = refusal(StatusCode::UNAUTHORIZED);
        for challenge in &self.challenges {
            response
                .headers_mut()
                .append(header::WWW_AUTHENTICATE, challenge.clone());
        }
        self.refused(response)
    }

    fn busy(&self) -> Decision {
        let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE);
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, RETRY_AFTER);
        self.refused(response)
    }

    fn refused(&self, mut response: Response<Body>) -> Decision {
        for (name, value) in self.headers.iter() {
            response.headers_mut().insert(name, value.clone());
        }
        Decision::Refused(response)
    }
}

/// An answer with the status alone: a rejected client learns nothing else.
fn refusal(status: StatusCode) -> Response<Body> {
    let reason = status.canonical_reason().unwrap_or_default();
    plain(status, format!("{reason}\n"))
}
