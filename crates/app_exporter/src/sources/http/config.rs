//! The keys of the source `http`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use reqwest::header::HeaderName;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::login::LoginKeys;
use crate::config::{At, Fault, HiddenTemplate, Place, Template};
use crate::decode::{Format, Limits, PartInfo, Parts, Wanted};
use crate::sources::http::address::address;
use crate::sources::http::fetch::Http;
use crate::sources::origin::{Fetcher, Origin, Surroundings};
use crate::sources::tls::TlsConfig;

/// The result set of the response itself.
pub(super) const RESPONSE: &str = "response";

/// Response of a web server.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpConfig {
    /// The URL, such as `https://shop.example/status`.
    pub(super) url: At<Template>,
    /// The format of the response. Without it, only the result set `response` exists: status, bytes, seconds.
    #[serde(default)]
    pub(super) format: Option<Format>,
    /// The request method; default GET.
    #[serde(default)]
    pub(super) method: RequestMethod,
    /// The body of a POST request.
    #[serde(default)]
    pub(super) body: Option<At<HiddenTemplate>>,
    /// Request headers.
    #[serde(default)]
    pub(super) headers: BTreeMap<At<String>, At<HiddenTemplate>>,
    /// User name and password.
    #[serde(default)]
    pub(super) basic: Option<At<Basic>>,
    /// A bearer token; prefer `${VARIABLE}`.
    #[serde(default)]
    pub(super) bearer: Option<At<HiddenTemplate>>,
    /// A file with the token. It is read for each request, so that it can change.
    #[serde(default)]
    pub(super) bearer_file: Option<At<PathBuf>>,
    /// The limit of redirects; default 3. A redirect to another server is an error for requests with a login, a body or
    /// headers, because these are meant for the named server.
    #[serde(default)]
    pub(super) redirects: Option<u8>,
    /// Response statuses that mean success; default 200 to 299.
    #[serde(default)]
    pub(super) success: Option<At<Vec<u16>>>,
    /// TLS: CA certificates and client certificate.
    #[serde(default)]
    pub(super) tls: TlsConfig,
}

/// The request method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum RequestMethod {
    /// Requests without a body.
    #[default]
    Get,
    /// Requests with a body.
    Post,
}

/// User name and password.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Basic {
    /// The user name.
    user: At<Template>,
    /// The password; prefer `${VARIABLE}`.
    #[serde(default)]
    password: Option<At<HiddenTemplate>>,
    /// A file with the password. It is read for each request, so that it can change.
    #[serde(default)]
    password_file: Option<At<PathBuf>>,
}

impl Basic {
    pub(super) fn keys(&self) -> LoginKeys<'_> {
        LoginKeys {
            user: Some(&self.user),
            password: self.password.as_ref(),
            password_file: self.password_file.as_ref(),
        }
    }
}

impl Origin for HttpConfig {
    fn parts(&self) -> Parts {
        let response = PartInfo::new(RESPONSE, &["status", "bytes", "seconds"]);
        Format::parts_beside(self.format.as_ref(), response)
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
                    format!(
                        "`{name_text}` is not the name of a header; write letters, digits and `-`"
                    ),
                ));
            }
        }
        if let (Some(body), RequestMethod::Get) = (&self.body, self.method) {
            faults.push(Fault::at(
                body.place(),
                "a body is sent with `method: POST`; add that, or drop the `body`",
            ));
        }
        if let Some(success) = self.success.as_ref().filter(|it| it.is_empty()) {
            faults.push(Fault::at(
                success.place(),
                "`success` is empty, so that no answer counts; name the statuses that do, or drop it",
            ));
        }
        if let Some(basic) = &self.basic {
            basic.keys().check(faults);
            if self.bearer.is_some() || self.bearer_file.is_some() {
                faults.push(Fault::at(
                    place,
                    "both `basic` and a bearer token; drop one of the two",
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
