//! The part of a configuration that names a web server.

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

/// What is known of an answer beside its body.
pub(super) const RESPONSE: &str = "response";

/// What a web server answers.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpConfig {
    /// The address, as `https://shop.example/status`.
    pub(super) url: At<Template>,
    /// How the answer is read. Without it there is only the `response`: status, bytes, seconds.
    #[serde(default)]
    pub(super) format: Option<Format>,
    /// How it is asked: GET unless this says otherwise.
    #[serde(default)]
    pub(super) method: RequestMethod,
    /// What is sent with a POST.
    #[serde(default)]
    pub(super) body: Option<At<HiddenTemplate>>,
    /// Headers of the request.
    #[serde(default)]
    pub(super) headers: BTreeMap<At<String>, At<HiddenTemplate>>,
    /// A user's name and password.
    #[serde(default)]
    pub(super) basic: Option<At<Basic>>,
    /// A token, best as `${VARIABLE}`.
    #[serde(default)]
    pub(super) bearer: Option<At<HiddenTemplate>>,
    /// A file that has the token; read anew each time, so that it can be changed.
    #[serde(default)]
    pub(super) bearer_file: Option<At<PathBuf>>,
    /// How many redirects are followed: 3 unless this says otherwise. One to another server is an error if there is a
    /// login, a body or a header, as these are meant for the one that is named.
    #[serde(default)]
    pub(super) redirects: Option<u8>,
    /// The statuses of answers that count: any from 200 to 299 unless this says otherwise.
    #[serde(default)]
    pub(super) success: Option<At<Vec<u16>>>,
    /// Whom to trust, and who we are.
    #[serde(default)]
    pub(super) tls: TlsConfig,
}

/// How a server is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum RequestMethod {
    /// Asks for what is there.
    #[default]
    Get,
    /// Sends a body.
    Post,
}

/// A user's name and password.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Basic {
    /// The name.
    user: At<Template>,
    /// The password, best as `${VARIABLE}`.
    #[serde(default)]
    password: Option<At<HiddenTemplate>>,
    /// A file that has the password; read anew each time, so that it can be changed.
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
