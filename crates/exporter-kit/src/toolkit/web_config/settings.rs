//! A web configuration in force: everything its file says, checked and built.

use std::path::Path;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use ring::hmac;

use super::bearer_tokens::BearerTokens;
use super::certificates::Sources;
use super::error::{Problem, WebConfigError};
use super::file::{self, ExporterKit, File, items, place_of};
use super::headers;
use super::rate_limit::RateLimit;
use super::tls::{self, Tls};
use super::users::Users;
use super::watched::{self, Watched};

/// A web configuration in force. Never changed: a reload makes another.
pub(super) struct Settings {
    /// Counts the readings: verdicts about logins belong to one.
    pub(super) generation: u64,
    pub(super) tls: Option<Tls>,
    pub(super) http2: bool,
    pub(super) headers: Arc<HeaderMap>,
    pub(super) users: Arc<Users>,
    pub(super) tokens: BearerTokens,
    /// Paths that need no login.
    pub(super) open_paths: Vec<String>,
    pub(super) rate_limit: Option<RateLimit>,
    /// How to log in, for who has not.
    pub(super) challenges: Vec<HeaderValue>,
    /// What an operator should know although nothing is wrong.
    pub(super) notices: Vec<String>,
}

impl Settings {
    /// Reads and checks a file and all that it names. What was read is `watched`, even if it can't be used.
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
            .map_err(|error| Problem::new(watched::reason(path, &error)))?;
        let text = str::from_utf8(&content)
            .map_err(|_| Problem::new("yaml: the file is not UTF-8; write it in UTF-8"))?;
        let file = File::parse(text)?;
        let mut notices = Vec::new();
        let mut sources = Sources::new(path, watched);

        let http = file.http_server_config.unwrap_or_default();
        let headers = headers::build(http.headers.as_ref())?;
        let users = Users::build(file.basic_auth_users.as_ref(), &mut notices)?;
        let rate_limit = RateLimit::build(file.rate_limit.as_ref())?;
        let own = file.exporter_kit.as_ref();
        let tokens = BearerTokens::build(own, key, &mut sources)?;
        let open_paths = open_paths(own)?;
        let http2 = http.http2.unwrap_or(true);
        let section = file.tls_server_config.as_ref();
        let tls = match section.and_then(|section| section.value.as_ref()) {
            Some(tls) => {
                let place = section.and_then(place_of);
                tls::build(tls, place, http2, &mut sources, &mut notices)?
            }
            None => None,
        };

        let needs_login = !users.is_empty() || !tokens.is_empty();
        if tls.is_none() && needs_login {
            notices.push("logins are asked for, but TLS is not: passwords and tokens can be read on their way".to_owned());
        }
        if !open_paths.is_empty() && !needs_login {
            notices.push("open_paths has no effect: no login is asked for".to_owned());
        }
        let mut challenges = Vec::new();
        if !users.is_empty() {
            challenges.push(HeaderValue::from_static("Basic"));
        }
        if !tokens.is_empty() {
            challenges.push(HeaderValue::from_static("Bearer"));
        }
        Ok(Self {
            generation: 0,
            http2: http2 && tls.is_some(),
            tls,
            headers: Arc::new(headers),
            users: Arc::new(users),
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
                "`{text}` is no path; write a whole one, as requests have it, without a query or `*`: `/-/healthy`"
            );
            Err(Problem::new(message).at(place_of(path)))
        })
        .collect()
}
