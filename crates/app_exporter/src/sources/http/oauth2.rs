//! OAuth 2.0: tokens for client credentials (RFC 6749, section 4.4).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, Response, StatusCode, Url};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::time::Instant;

use crate::config::login::{Credential, Secret};
use crate::config::{At, Fault, HiddenTemplate, Place, Template};
use crate::decode::Failure;
use crate::sources::failures;
use crate::sources::http::address::address;
use crate::sources::http::client::Clients;
use crate::sources::http::route::Route;
use crate::sources::origin::Surroundings;
use crate::sources::tls::TlsConfig;
use crate::sources::visit::Visit;

/// The limit of bytes of a token response.
const LONGEST: usize = 64 * 1024;
/// A token is renewed this long before it expires.
const MARGIN: Duration = Duration::from_secs(10);
/// The errors that RFC 6749 defines for token requests. Other texts of a server could repeat a secret.
const ERRORS: [&str; 6] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
];

/// OAuth 2.0 with client credentials: a token from `token_url`, which is reused until it expires, and renewed when the server
/// rejects it.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Oauth2Config")]
pub(super) struct OAuth2Config {
    /// The name of this client.
    client_id: At<Template>,
    /// The secret of this client; prefer `${VARIABLE}`.
    #[serde(default)]
    client_secret: Option<At<HiddenTemplate>>,
    /// A file with the secret. It is read for each token, so that it can change.
    #[serde(default)]
    client_secret_file: Option<At<Template>>,
    /// The URL of the tokens. Redirects are an error. The proxy of the source applies.
    token_url: At<Template>,
    /// The scopes to ask for.
    #[serde(default)]
    scopes: Vec<String>,
    /// Further parameters of the token request, such as `audience`.
    #[serde(default)]
    endpoint_params: BTreeMap<String, At<HiddenTemplate>>,
    /// TLS for the server of the tokens.
    #[serde(default)]
    tls: TlsConfig,
}

/// Tokens, the last of which is kept.
pub(super) struct Tokens {
    clients: Clients,
    url: Url,
    /// The address for messages, without the values of variables.
    shown: String,
    id: Secret,
    secret: Credential,
    /// The parameters, without client and secret.
    form: Vec<(String, Secret)>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// True if the server wants client and secret as parameters instead of in a header.
    in_body: bool,
}

struct Token {
    text: Secret,
    /// The time of its renewal; `None` for a token that does not expire.
    until: Option<Instant>,
    /// True if it was accepted, or sent, before.
    is_used: bool,
}

/// The response of the server of the tokens.
#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    #[serde(default)]
    expires_in: Option<Lifetime>,
}

/// Seconds, which some servers send as a string.
#[derive(Deserialize)]
#[serde(untagged)]
enum Lifetime {
    Number(f64),
    Text(String),
}

#[derive(Deserialize)]
struct ErrorResponse {
    error: String,
}

impl OAuth2Config {
    pub(super) fn check(&self, place: Place, faults: &mut Vec<Fault>) {
        if let Some(Err(message)) = self.token_url.literal().map(address) {
            faults.push(Fault::at(self.token_url.place(), message));
        }
        if self.client_secret.is_none() && self.client_secret_file.is_none() {
            faults.push(Fault::at(
                place,
                "`oauth2` without a secret; add `client_secret` or `client_secret_file`",
            ));
        }
        self.tls.check(faults);
    }

    pub(super) fn warning(&self) -> Option<String> {
        self.tls.warning()
    }
}

impl Tokens {
    /// # Errors
    /// When a variable is not set, or a certificate cannot be loaded.
    pub(super) fn new(
        config: &OAuth2Config,
        route: &Route,
        surroundings: Surroundings<'_>,
    ) -> Result<Self, Fault> {
        let Surroundings {
            folder, variable, ..
        } = surroundings;
        let url = address(&config.token_url.resolved(variable)?)
            .map_err(|message| Fault::at(config.token_url.place(), message))?;
        let secret = Credential::choose(
            config.client_secret.as_ref(),
            config.client_secret_file.as_ref(),
            folder,
            variable,
        )?;
        let mut form = vec![("grant_type".to_owned(), Secret::new("client_credentials"))];
        if !config.scopes.is_empty() {
            form.push(("scope".to_owned(), Secret::new(config.scopes.join(" "))));
        }
        for (name, value) in &config.endpoint_params {
            form.push((name.clone(), Secret::new(value.resolved(variable)?)));
        }
        Ok(Self {
            clients: Clients::new(&config.tls, route.elsewhere(), None, surroundings)?,
            url,
            shown: surroundings
                .targeted(&config.token_url.to_string())
                .into_owned(),
            id: Secret::new(config.client_id.resolved(variable)?),
            secret: secret.unwrap_or_else(|| Credential::Known(Secret::new(""))),
            form,
            state: Mutex::default(),
        })
    }

    /// The current token.
    ///
    /// # Errors
    /// When there is none, and the server gives none.
    pub(super) async fn token(&self, visit: &Visit) -> Result<Secret, Failure> {
        if let Some(token) = &mut self.state().token
            && token.until.is_none_or(|until| Instant::now() < until)
        {
            token.is_used = true;
            return Ok(token.text.clone());
        }
        let token = self.request(visit).await?;
        let text = token.text.clone();
        self.state().token = Some(token);
        Ok(text)
    }

    /// Forgets the token. Returns false if it was new, so that another one would be rejected as well.
    pub(super) fn forget(&self) -> bool {
        let token = self.state().token.take();
        token.is_some_and(|token| token.is_used)
    }

    async fn request(&self, visit: &Visit) -> Result<Token, Failure> {
        let client = self.clients.client(visit).await?;
        let secret = visit.secret(&self.secret).await?;
        let in_body = self.state().in_body;
        let mut response = self.send(&client, &secret, in_body).await?;
        let refused = [StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED];
        if !in_body && refused.contains(&response.status()) {
            // Every server should accept the header, but some accept only parameters.
            let other = self.send(&client, &secret, true).await?;
            if other.status().is_success() {
                self.state().in_body = true;
                response = other;
            }
        }
        self.read(response).await
    }

    async fn send(
        &self,
        client: &Client,
        secret: &Secret,
        in_body: bool,
    ) -> Result<Response, Failure> {
        let form = self.form.iter();
        let form = form.map(|(name, value)| (name.as_str(), value.reveal()));
        let own = [
            ("client_id", self.id.reveal()),
            ("client_secret", secret.reveal()),
        ];
        let own = own.into_iter().filter(|_| in_body);
        let mut request = client
            .post(self.url.clone())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(self.encoded(form.chain(own)));
        if !in_body {
            let [id, secret] = [&self.id, secret].map(|text| self.encoded_alone(text));
            request = request.basic_auth(id, Some(secret));
        }
        let response = request.send().await;
        response.map_err(|error| self.clients.failure(&self.shown, error))
    }

    async fn read(&self, mut response: Response) -> Result<Token, Failure> {
        let shown = &self.shown;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.clients.failure(shown, error))?
        {
            if body.len() + chunk.len() > LONGEST {
                return Err(Failure::limit(format!(
                    "`{shown}`: more than {LONGEST} bytes; check `token_url`"
                )));
            }
            body.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            let error = serde_json::from_slice::<ErrorResponse>(&body).ok();
            let known = error.and_then(|it| ERRORS.into_iter().find(|known| *known == it.error));
            let known = known.map_or_else(String::new, |known| format!(", `{known}`"));
            let remedy = "check `client_id`, `client_secret`, `scopes` and `endpoint_params`";
            return Err(failures::login(
                shown,
                format_args!("status {status}{known}"),
                remedy,
            ));
        }
        // The error of the parser could repeat the token.
        let token: TokenResponse = serde_json::from_slice(&body).map_err(|_| {
            let cause = "the response is not JSON with an `access_token`";
            failures::login(shown, cause, "check `token_url`")
        })?;
        let lifetime = token.expires_in.as_ref().and_then(Lifetime::duration);
        let until = lifetime.map(|it| Instant::now().checked_add(it.saturating_sub(MARGIN)));
        Ok(Token {
            text: Secret::new(token.access_token),
            until: until.flatten(),
            is_used: false,
        })
    }

    /// Parameters as HTML forms encode them.
    fn encoded<'p>(&self, pairs: impl Iterator<Item = (&'p str, &'p str)>) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        url.query_pairs_mut().extend_pairs(pairs);
        url.query().unwrap_or_default().to_owned()
    }

    /// A name or secret as HTML forms encode it, which the header wants.
    fn encoded_alone(&self, text: &Secret) -> String {
        let pair = self.encoded(std::iter::once(("", text.reveal())));
        pair.strip_prefix('=').unwrap_or(&pair).to_owned()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lifetime {
    /// The time until the token expires; `None` if it does not, in any time that matters.
    fn duration(&self) -> Option<Duration> {
        let seconds = match self {
            Self::Number(seconds) => *seconds,
            Self::Text(text) => text.trim().parse().ok()?,
        };
        Duration::try_from_secs_f64(seconds.max(0.0)).ok()
    }
}
