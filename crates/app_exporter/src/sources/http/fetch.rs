//! One HTTP request, and the rows of its response.

use std::fmt;

use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use tokio::time::Instant;

use crate::config::Fault;
use crate::config::login::Secret;
use crate::decode::{Failure, Format, Limits, Part, Wanted};
use crate::sources::http::address::{Redirects, Stay, address};
use crate::sources::http::authority::Authority;
use crate::sources::http::client::Clients;
use crate::sources::http::compressed::{ACCEPTED, BodyReader, Unreadable};
use crate::sources::http::config::{HttpConfig, RequestMethod};
use crate::sources::http::error::is_broken_off;
use crate::sources::http::route::Route;
use crate::sources::origin::{Fetch, Surroundings};
use crate::sources::response::{Received, ResponseReader};
use crate::sources::visit::Visit;

/// Fetches from a web server.
pub(super) struct Http {
    clients: Clients,
    url: Url,
    responses: ResponseReader,
    method: Method,
    body: Option<Secret>,
    headers: HeaderMap,
    /// The `Accept` of the format, unless the configuration has one.
    accept: Option<HeaderValue>,
    authority: Authority,
    limits: Limits,
}

impl Http {
    pub(super) fn new(
        config: &HttpConfig,
        wanted: Wanted,
        limits: Limits,
        surroundings: Surroundings<'_>,
    ) -> Result<Self, Fault> {
        let variable = surroundings.variable;
        let url = address(&config.url.resolved(variable)?)
            .map_err(|message| Fault::at(config.url.place(), message))?;
        let headers = headers(config, variable)?;
        let body = config.body.as_ref().map(|body| body.resolved(variable));
        let route = Route::new(config.route(), surroundings)?;
        let authority = Authority::new(config.authority(), &route, surroundings)?;
        // An allowed target must not redirect to a forbidden one.
        let personal = surroundings.target.is_some()
            || !matches!(authority, Authority::None)
            || body.is_some()
            || !headers.is_empty();
        let redirects = Redirects {
            most: config.redirects.unwrap_or(3),
            first: url.clone(),
            stays: match route.is_socket() {
                true => Some(Stay::Socket),
                false => personal.then_some(Stay::Personal),
            },
        };
        let format = config.format.as_ref();
        let accept = format
            .and_then(Format::accept)
            .map(HeaderValue::from_static);
        Ok(Self {
            clients: Clients::new(&config.tls, route, Some(redirects), surroundings)?,
            url,
            responses: ResponseReader::new(
                surroundings.targeted(&config.url.to_string()).into_owned(),
                "check `basic`, `bearer`, `oauth2` or `headers`",
                format,
                config.success.as_ref().map(|it| it.as_slice()),
                (wanted, limits),
            ),
            method: match config.method {
                RequestMethod::Get => Method::GET,
                RequestMethod::Post => Method::POST,
            },
            body: body.transpose()?.map(Secret::new),
            accept: accept.filter(|_| !headers.contains_key(ACCEPT)),
            headers,
            authority,
            limits,
        })
    }

    /// Sends the request; once more with a new token, if the server no longer accepts a token that was used before.
    async fn ask(&self, visit: &Visit) -> Result<Response, Failure> {
        let response = self.send(self.request(visit).await?).await?;
        if response.status() == StatusCode::UNAUTHORIZED && self.authority.forget() {
            return self.send(self.request(visit).await?).await;
        }
        Ok(response)
    }

    /// Sends a request. If the connection ends before the response, sends it again: the server may just have closed a kept
    /// connection. Only for GET, which changes nothing.
    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
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
        if !self.headers.contains_key(ACCEPT_ENCODING) {
            request = request.header(ACCEPT_ENCODING, ACCEPTED);
        }
        if let Some(accept) = &self.accept {
            request = request.header(ACCEPT, accept.clone());
        }
        if let Some(body) = &self.body {
            request = request.body(body.reveal().to_owned());
        }
        self.authority.sign(request, visit).await
    }

    async fn body(&self, visit: &Visit, response: &mut Response) -> Result<Vec<u8>, Failure> {
        let unreadable = |error| match error {
            Unreadable::TooLarge => {
                let what = format_args!("`{}`", self.responses.shown());
                Failure::too_large(what, self.limits.bytes)
            }
            Unreadable::Compression(error) => {
                let shown = self.responses.shown();
                Failure::connect(format!(
                    "`{shown}`: cannot read the response: zstd: {error}"
                ))
            }
        };
        let body = BodyReader::new(response.headers(), self.limits.bytes);
        let mut body = body.map_err(unreadable)?;
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.failure(error))?
        {
            let more = body.push(&chunk).map_err(unreadable)?;
            visit.receive(more)?;
        }
        body.finish().map_err(unreadable)
    }

    fn failure(&self, error: reqwest::Error) -> Failure {
        self.clients.failure(self.responses.shown(), error)
    }
}

impl Fetch for Http {
    async fn fetch(&self, visit: &Visit) -> Result<Vec<Part>, Failure> {
        let started = Instant::now();
        let mut response = self.ask(visit).await?;
        let content_type = response.headers().get(CONTENT_TYPE);
        let content_type =
            content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let received = Received {
            status: response.status(),
            content_type,
            body: self.body(visit, &mut response).await?,
            took: started.elapsed(),
        };
        self.responses.read(visit, received).await
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("url", &self.responses.shown())
            .finish_non_exhaustive()
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
