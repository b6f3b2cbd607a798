//! What a web server answers.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use exporter_kit::Number;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode, Url};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::time::Instant;

use exporter_kit::scrape::{Deadline, SourceErrorReason as Reason};

use crate::config::{At, Basic, Fault, HiddenTemplate, Login, Place, Secret, Template};
use crate::decode::{Cell, Decoder, Failure, Format, Limits, Part, PartInfo, Parts, Table, Wanted};
use crate::sources::origin::{Fetch, Fetcher, Origin, SourceInfo, Surroundings, decode};
use crate::sources::tls::TlsConfig;

/// What is known of an answer beside its body.
const RESPONSE: &str = "response";

/// What is said of it where sources are listed.
pub(super) const INFO: SourceInfo = SourceInfo {
    name: "http",
    about: "what a web server answers, in any format",
    rows: "the format's, and `response` with status, bytes, seconds",
    configured: |source| SourceInfo::under("http", source.http.as_ref()),
};

/// What a web server answers.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpConfig {
    /// The address, as `https://shop.example/status`.
    url: At<Template>,
    /// How the answer is read. Without it there is only the `response`: status, bytes, seconds.
    #[serde(default)]
    format: Option<Format>,
    /// How it is asked: GET unless this says otherwise.
    #[serde(default)]
    method: RequestMethod,
    /// What is sent with a POST.
    #[serde(default)]
    body: Option<At<HiddenTemplate>>,
    /// Headers of the request.
    #[serde(default)]
    headers: BTreeMap<At<String>, At<HiddenTemplate>>,
    /// A user's name and password.
    #[serde(default)]
    basic: Option<At<Basic>>,
    /// A token, best as `${VARIABLE}`.
    #[serde(default)]
    bearer: Option<At<HiddenTemplate>>,
    /// A file that has the token; read anew each time, so that it can be changed.
    #[serde(default)]
    bearer_file: Option<At<PathBuf>>,
    /// How many redirects are followed: 3 unless this says otherwise. One to another server is an error if there is a
    /// login, a body or a header, as these are meant for the one that is named.
    #[serde(default)]
    redirects: Option<u8>,
    /// The statuses of answers that count: any from 200 to 299 unless this says otherwise.
    #[serde(default)]
    success: Option<Vec<u16>>,
    /// Whom to trust, and who we are.
    #[serde(default)]
    tls: TlsConfig,
}

/// How a server is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum RequestMethod {
    /// Asks for what is there.
    #[default]
    Get,
    /// Sends a body.
    Post,
}

impl Origin for HttpConfig {
    fn parts(&self) -> Parts {
        let response = PartInfo::new(RESPONSE, &["status", "bytes", "seconds"]);
        match &self.format {
            None => Parts {
                list: vec![response],
                first_is_default: true,
            },
            Some(format) => format.parts().and(response),
        }
    }

    fn format(&self) -> Option<&Format> {
        self.format.as_ref()
    }

    fn check(&self, place: Place, faults: &mut Vec<Fault>) {
        if let Some(Err(message)) = self.url.literal().map(address) {
            faults.push(Fault::at(self.url.place(), message));
        }
        for name in self.headers.keys() {
            if name.parse::<HeaderName>().is_err() {
                let name_text = name.escape_debug();
                faults.push(Fault::at(
                    name.place(),
                    format!("`{name_text}` is no name of a header; it has letters, digits and `-`"),
                ));
            }
        }
        if let (Some(body), RequestMethod::Get) = (&self.body, self.method) {
            faults.push(Fault::at(
                body.place(),
                "a body is sent with `method: POST`; add that, or drop the `body`",
            ));
        }
        if let Some(basic) = &self.basic {
            basic.check(basic.place(), faults);
            if self.bearer.is_some() || self.bearer_file.is_some() {
                faults.push(Fault::at(
                    place,
                    "there is a `basic` login and a bearer token; drop one of the two",
                ));
            }
        }
        self.tls.check(faults);
    }

    fn build(
        &self,
        wanted: Wanted,
        limits: Limits,
        surroundings: Surroundings<'_>,
    ) -> Result<Fetcher, Fault> {
        Ok(Fetcher::new(Http::new(self, wanted, limits, surroundings)?))
    }
}

/// Asks a web server.
pub(crate) struct Http {
    client: Client,
    url: Url,
    /// The address as it was written, with the target: what variables hold may be secret.
    shown: String,
    method: Method,
    body: Option<Secret>,
    headers: HeaderMap,
    login: Option<Credentials>,
    success: Option<Vec<u16>>,
    decoder: Option<Arc<Decoder>>,
    parts: Parts,
    wants_response: bool,
    limits: Limits,
}

#[derive(Debug)]
enum Credentials {
    Basic { user: Secret, password: Login },
    Bearer(Login),
}

impl Http {
    fn new(
        config: &HttpConfig,
        wanted: Wanted,
        limits: Limits,
        surroundings: Surroundings<'_>,
    ) -> Result<Self, Fault> {
        let variable = surroundings.variable;
        let at_url = |message| Fault::at(config.url.place(), message);
        let url = config.url.resolve(variable).map_err(at_url)?;
        let url = address(&url).map_err(at_url)?;
        let mut headers = HeaderMap::new();
        for (name, value) in &config.headers {
            let at_value = |message| Fault::at(value.place(), message);
            let text = value.resolve(variable).map_err(at_value)?;
            let (Ok(header), Ok(mut text)) =
                (name.parse::<HeaderName>(), HeaderValue::from_str(&text))
            else {
                return Err(at_value(format!(
                    "the header `{}` has a character that headers can't have",
                    name.as_str()
                )));
            };
            text.set_sensitive(true);
            headers.insert(header, text);
        }
        let body = config.body.as_ref().map(|body| {
            let resolved = body.resolve(variable);
            resolved.map_err(|message| Fault::at(body.place(), message))
        });
        let login = credentials(config, surroundings)?;
        // A target that was allowed must not lead to one that was not.
        let personal = surroundings.target.is_some()
            || login.is_some()
            || body.is_some()
            || !headers.is_empty();
        let redirects = redirects(config.redirects.unwrap_or(3), &url, personal);
        let client = Client::builder()
            .tls_backend_preconfigured(config.tls.client(surroundings.folder)?)
            .user_agent(concat!("app_exporter/", env!("CARGO_PKG_VERSION")))
            .redirect(redirects)
            .referer(false)
            .no_proxy()
            .build()
            .map_err(|error| at_url(describe(error)))?;
        Ok(Self {
            client,
            url,
            shown: surroundings.targeted(&config.url.to_string()).into_owned(),
            method: match config.method {
                RequestMethod::Get => Method::GET,
                RequestMethod::Post => Method::POST,
            },
            body: body.transpose()?.map(Secret::new),
            headers,
            login,
            success: config.success.clone(),
            parts: config
                .format
                .as_ref()
                .map(Format::parts)
                .unwrap_or_default(),
            wants_response: !wanted.of(RESPONSE).is_empty() || config.format.is_none(),
            decoder: config
                .format
                .as_ref()
                .map(|format| Arc::new(format.decoder(wanted, limits))),
            limits,
        })
    }

    async fn ask(&self) -> Result<Response, Failure> {
        let mut request = self
            .client
            .request(self.method.clone(), self.url.clone())
            .headers(self.headers.clone());
        if let Some(body) = &self.body {
            request = request.body(body.reveal().to_owned());
        }
        let unreadable = |message| Failure::new(Reason::Login, message);
        request = match &self.login {
            None => request,
            Some(Credentials::Basic { user, password }) => {
                let password = password.read().map_err(unreadable)?;
                request.basic_auth(user.reveal(), Some(password.reveal()))
            }
            Some(Credentials::Bearer(token)) => {
                let token = token.read().map_err(unreadable)?;
                let value = HeaderValue::from_str(&format!("Bearer {}", token.reveal()));
                let mut value = value.map_err(|_| {
                    unreadable("the token has a character that headers can't have".to_owned())
                })?;
                value.set_sensitive(true);
                request.header(AUTHORIZATION, value)
            }
        };
        request.send().await.map_err(|error| self.failure(error))
    }

    async fn body(&self, response: &mut Response) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.failure(error))?
        {
            if body.len() + chunk.len() > self.limits.bytes {
                return Err(Failure::limit(format!(
                    "`{}` answers with more than {} bytes; raise `max_bytes`",
                    self.shown, self.limits.bytes
                )));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn failure(&self, error: reqwest::Error) -> Failure {
        let redirected = error.is_redirect();
        let message = format!("`{}`: {}", self.shown, describe(error));
        if redirected {
            Failure::query(message)
        } else {
            Failure::connect(message)
        }
    }

    fn refused(&self, status: StatusCode) -> Failure {
        let reason = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Reason::Login,
            _ => Reason::Query,
        };
        Failure::new(
            reason,
            format!("`{}` answers with status {status}", self.shown),
        )
    }
}

impl Fetch for Http {
    async fn fetch(&self, _: Deadline) -> Result<Vec<Part>, Failure> {
        let started = Instant::now();
        let mut response = self.ask().await?;
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
            let decoded = decode(decoder, body).await;
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

fn credentials(
    config: &HttpConfig,
    surroundings: Surroundings<'_>,
) -> Result<Option<Credentials>, Fault> {
    let Surroundings {
        folder, variable, ..
    } = surroundings;
    let token = Login::choose(
        config.bearer.as_ref(),
        config.bearer_file.as_ref(),
        folder,
        variable,
    )?;
    let Some(basic) = &config.basic else {
        return Ok(token.map(Credentials::Bearer));
    };
    let user = basic
        .user
        .resolve(variable)
        .map_err(|message| Fault::at(basic.user.place(), message))?;
    let password = Login::choose(
        basic.password.as_ref(),
        basic.password_file.as_ref(),
        folder,
        variable,
    )?;
    Ok(password.map(|password| Credentials::Basic {
        user: Secret::new(user),
        password,
    }))
}

/// Follows redirects, but takes nothing that is meant for one server to another.
fn redirects(most: u8, first: &Url, personal: bool) -> Policy {
    let origin = first.origin();
    Policy::custom(move |attempt| {
        if attempt.previous().len() > usize::from(most) {
            return attempt.error(format!("there are more than {most} redirects"));
        }
        let next = attempt.url().origin();
        if personal && next != origin {
            let next = next.ascii_serialization();
            return attempt.error(format!(
                "it redirects to `{next}`, which the login, body, headers or target are not meant for; \
                 name that address instead"
            ));
        }
        attempt.follow()
    })
}

/// # Errors
/// When it is no address of a web server. The text may have secrets, so it is not repeated.
fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| {
        format!("the address can't be read: {error}; write it as in `https://shop.example/status`")
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!(
            "`{}` is no scheme that is spoken here; write `http` or `https`",
            url.scheme()
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "the address has a user or password in it; write them under `basic`".to_owned(),
        );
    }
    // `http://2130706433` and `http://0x7f.1` are this machine.
    if let Some(host) = url.host_str()
        && host.parse::<Ipv4Addr>().is_ok()
        && !text
            .split_once("://")
            .is_some_and(|(_, rest)| rest.starts_with(host))
    {
        return Err(format!(
            "the address names its host by another writing of `{host}`; write it so"
        ));
    }
    Ok(url)
}

/// An error with everything that it came from, without the address.
fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message.push_str(": ");
        message.push_str(&cause.to_string());
        source = cause.source();
    }
    message
}
