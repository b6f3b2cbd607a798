//! A web configuration in effect: the content of its file, checked and built.

use std::path::Path;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use ring::hmac;

use super::bearer_tokens::BearerTokens;
use super::certificates::NamedFiles;
use super::error::{Problem, WebConfigError};
use super::file::{self, ExporterKit, File, items, place_of};
use super::headers;
use super::rate_limit::RateLimit;
use super::tls::{self, Tls};
use super::users::Users;
use super::watched::{self, Watched};

/// The remedy for a missing configuration file.
const CREATE: &str = "create the file, or correct its path";

/// A web configuration in effect. Immutable: a reload creates another.
pub(super) struct WebSettings {
    pub(super) tls: Option<Tls>,
    pub(super) http2: bool,
    pub(super) headers: Arc<HeaderMap>,
    pub(super) users: Users,
    pub(super) tokens: BearerTokens,
    /// Paths that need no login.
    pub(super) open_paths: Vec<String>,
    pub(super) rate_limit: Option<RateLimit>,
    /// The challenges of a 401.
    pub(super) challenges: Vec<HeaderValue>,
    /// Warnings about a valid configuration.
    pub(super) notices: Vec<String>,
}

impl WebSettings {
    /// Reads and checks a file and every file that it names. The files are `watched` even if they are invalid.
    pub(super) fn load(
        path: &Path,
        key: &hmac::Key,
        watched: &mut Watched,
    ) -> Result<Self, WebConfigError> {
        Self::build(path, key, watched).map_err(|problem| WebConfigError::new(path, problem))
    }

    fn build(path: &Path, key: &hmac::Key, watched: &mut Watched) -> Result<Self, Problem> {
        let content = watched
            .read(path)
            .map_err(|error| Problem::new(watched::explain(path, &error, CREATE)))?;
        let text = str::from_utf8(&content)
            .map_err(|_| Problem::new("yaml: the file is not UTF-8; save it as UTF-8"))?;
        let file = File::parse(text)?;
        let mut notices = Vec::new();
        let mut files = NamedFiles::new(path, watched);

        let http = file.http_server_config.unwrap_or_default();
        let headers = headers::build(http.headers.as_ref())?;
        let users = Users::build(file.basic_auth_users.as_ref(), &mut notices)?;
        let rate_limit = RateLimit::build(file.rate_limit.as_ref())?;
        let own = file.exporter_kit.as_ref();
        let tokens = BearerTokens::build(own, key, &mut files)?;
        let open_paths = open_paths(own)?;
        let http2 = http.http2.unwrap_or(true);
        let section = file.tls_server_config.as_ref();
        let tls = match section.and_then(|section| section.value.as_ref()) {
            Some(tls) => {
                let place = section.and_then(place_of);
                tls::build(tls, place, http2, &mut files, &mut notices)?
            }
            None => None,
        };

        let needs_login = !users.is_empty() || !tokens.is_empty();
        if tls.is_none() && needs_login {
            notices.push("logins are required without TLS: passwords and tokens are sent unencrypted; set cert_file and key_file".to_owned());
        }
        if !open_paths.is_empty() && !needs_login {
            notices.push("open_paths has no effect: no login is required".to_owned());
        }
        let mut challenges = Vec::new();
        if !users.is_empty() {
            challenges.push(HeaderValue::from_static("Basic"));
        }
        if !tokens.is_empty() {
            challenges.push(HeaderValue::from_static("Bearer"));
        }
        Ok(Self {
            http2: http2 && tls.is_some(),
            tls,
            headers: Arc::new(headers),
            users,
            tokens,
            open_paths,
            rate_limit,
            challenges,
            notices,
        })
    }
}

fn open_paths(file: Option<&ExporterKit>) -> Result<Vec<String>, Problem> {
    let paths = file.map_or(&[] as &[file::Text], |file| items(&file.open_paths));
    paths
        .iter()
        .map(|path| {
            let text = &path.value;
            if text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#*".contains(&byte)) {
                return Ok(text.clone());
            }
            let message = format!(
                "`{text}` is not a path; write a whole path without a query or `*`, such as `/-/healthy`"
            );
            Err(Problem::new(message).at(place_of(path)))
        })
        .collect()
}
