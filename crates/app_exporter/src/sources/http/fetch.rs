//! One HTTP request, and the rows of its response.

use std::fmt;
use std::sync::Arc;

use exporter_kit::Number;
use exporter_kit::source::SourceErrorReason as Reason;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use tokio::time::Instant;

use crate::config::Fault;
use crate::config::login::{Credential, Login, Secret};
use crate::decode::{Cell, Decoder, Failure, Format, Limits, Part, Parts, Table, Wanted};
use crate::sources::failures;
use crate::sources::http::address::{Redirects, address};
use crate::sources::http::client::Clients;
use crate::sources::http::config::{HttpConfig, RESPONSE, RequestMethod};
use crate::sources::http::error::{describe, is_broken_off};
use crate::sources::origin::{Fetch, Surroundings};
use crate::sources::visit::Visit;

/// Fetches from a web server.
pub(super) struct Http {
    clients: Clients,
    url: Url,
    /// The address for messages: with the target, and without the values of variables, which may be secret.
    shown: String,
    method: Method,
    body: Option<Secret>,
    headers: HeaderMap,
    authority: Authority,
    success: Option<Vec<u16>>,
    decoder: Option<Arc<Decoder>>,
    parts: Parts,
    wants_response: bool,
    limits: Limits,
}

/// The credentials of a request.
#[derive(Debug)]
enum Authority {
    None,
    Basic(Login),
    Bearer(Credential),
}

impl Http {
    pub(super) fn new(
        config: &HttpConfig,
        wanted: Wanted,
        limits: Limits,
        surroundings: Surroundings<'_>,
    ) -> Result<Self, Fault> {
        let Surroundings {
            folder, variable, ..
        } = surroundings;
        let url = address(&config.url.resolved(variable)?)
            .map_err(|message| Fault::at(config.url.place(), message))?;
        let headers = headers(config, variable)?;
        let body = config.body.as_ref().map(|body| body.resolved(variable));
        let authority = Authority::new(config, surroundings)?;
        // An allowed target must not redirect to a forbidden one.
        let personal = surroundings.target.is_some()
            || !matches!(authority, Authority::None)
            || body.is_some()
            || !headers.is_empty();
        let redirects = Redirects {
            most: config.redirects.unwrap_or(3),
            first: url.clone(),
            personal,
        };
        let format = config.format.as_ref();
        Ok(Self {
            clients: Clients::new(&config.tls, redirects, folder)?,
            url,
            shown: surroundings.targeted(&config.url.to_string()).into_owned(),
            method: match config.method {
                RequestMethod::Get => Method::GET,
                RequestMethod::Post => Method::POST,
            },
            body: body.transpose()?.map(Secret::new),
            headers,
            authority,
            success: config.success.as_ref().map(|it| it.to_vec()),
            parts: format.map(Format::parts).unwrap_or_default(),
            wants_response: !wanted.of(RESPONSE).is_empty() || format.is_none(),
            decoder: format.map(|format| Arc::new(format.decoder(wanted, limits))),
            limits,
        })
    }

    /// Sends the request. If the connection ends before the response, sends it again: the server may just have closed a
    /// kept connection. Only for GET, which changes nothing.
    async fn ask(&self, visit: &Visit) -> Result<Response, Failure> {
        let request = self.request(visit).await?;
        let again = request.try_clone().filter(|_| self.method == Method::GET);
        let answer = match (request.send().await, again) {
            (Err(error), Some(again)) if is_broken_off(&error) => again.send().await,
            (answer, _) => answer,
        };
        answer.map_err(|error| self.failure(error))
    }

    async fn request(&self, visit: &Visit) -> Result<RequestBuilder, Failure> {
        let client = self.clients.client(visit).await?;
        let mut request = client
            .request(self.method.clone(), self.url.clone())
            .headers(self.headers.clone());
        if let Some(body) = &self.body {
            request = request.body(body.reveal().to_owned());
        }
        match &self.authority {
            Authority::None => Ok(request),
            Authority::Basic(Login { user, password }) => {
                let password = match password {
                    Some(password) => Some(visit.secret(password).await?),
                    None => None,
                };
                let user = user.as_ref().map_or("", Secret::reveal);
                Ok(request.basic_auth(user, password.as_ref().map(Secret::reveal)))
            }
            Authority::Bearer(token) => {
                let token = visit.secret(token).await?;
                let value = HeaderValue::from_str(&format!("Bearer {}", token.reveal()));
                let mut value = value.map_err(|_| {
                    Failure::new(
                        Reason::Login,
                        "cannot send the token: a header cannot hold one of its characters; check its file or variable",
                    )
                })?;
                value.set_sensitive(true);
                Ok(request.header(AUTHORIZATION, value))
            }
        }
    }

    async fn body(&self, response: &mut Response) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.failure(error))?
        {
            if body.len() + chunk.len() > self.limits.bytes {
                let what = format_args!("`{}`", self.shown);
                return Err(Failure::too_large(what, self.limits.bytes));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn failure(&self, error: reqwest::Error) -> Failure {
        let shown = &self.shown;
        if error.is_connect() {
            return failures::connect(shown, describe(error));
        }
        if error.is_redirect() {
            let cause = describe(error);
            return Failure::query(format!("`{shown}`: cannot follow the redirect: {cause}"));
        }
        let cause = describe(error);
        Failure::connect(format!("`{shown}`: cannot read the response: {cause}"))
    }

    fn refused(&self, status: StatusCode) -> Failure {
        let shown = &self.shown;
        let remedy = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let remedy = "check `basic`, `bearer` or `headers`";
                return failures::login(shown, format_args!("status {status}"), remedy);
            }
            StatusCode::NOT_FOUND => "; check the path",
            _ => "",
        };
        Failure::query(format!("`{shown}`: cannot fetch: status {status}{remedy}"))
    }
}

impl Fetch for Http {
    async fn fetch(&self, visit: &Visit) -> Result<Vec<Part>, Failure> {
        let started = Instant::now();
        let mut response = self.ask(visit).await?;
        let status = response.status();
        let body = self.body(&mut response).await?;
        let mut parts = Vec::new();
        if self.wants_response {
            let table = Table::of_one_row([
                ("status", Cell::Number(Number::U64(status.as_u16().into()))),
                ("bytes", Cell::Number(Number::U64(body.len() as u64))),
                (
                    "seconds",
                    Cell::Number(Number::F64(started.elapsed().as_secs_f64())),
                ),
            ]);
            parts.push(Part::rows(RESPONSE, Ok(table)));
        }
        let Some(decoder) = &self.decoder else {
            return Ok(parts);
        };
        let good = match &self.success {
            Some(statuses) => statuses.contains(&status.as_u16()),
            None => status.is_success(),
        };
        if good {
            let decoded = visit.decode(decoder, body).await;
            parts.extend(decoded.map_err(|failure| failure.about(format!("`{}`", self.shown)))?);
            return Ok(parts);
        }
        let failure = self.refused(status);
        if !self.wants_response {
            return Err(failure);
        }
        parts.extend(self.parts.failed(&failure));
        Ok(parts)
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("url", &self.shown)
            .finish_non_exhaustive()
    }
}

impl Authority {
    fn new(config: &HttpConfig, surroundings: Surroundings<'_>) -> Result<Self, Fault> {
        let Surroundings {
            folder, variable, ..
        } = surroundings;
        if let Some(basic) = &config.basic {
            return basic.keys().resolve(folder, variable).map(Self::Basic);
        }
        let token = Credential::choose(
            config.bearer.as_ref(),
            config.bearer_file.as_ref(),
            folder,
            variable,
        )?;
        Ok(token.map_or(Self::None, Self::Bearer))
    }
}

fn headers(
    config: &HttpConfig,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<HeaderMap, Fault> {
    let mut headers = HeaderMap::new();
    for (name, value) in &config.headers {
        let text = value.resolved(variable)?;
        let (Ok(header), Ok(mut text)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&text))
        else {
            return Err(Fault::at(
                value.place(),
                format!(
                    "the value of the header `{}` has a character that headers cannot hold; remove it",
                    name.as_str()
                ),
            ));
        };
        text.set_sensitive(true);
        headers.insert(header, text);
    }
    Ok(headers)
}
