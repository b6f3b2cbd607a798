//! The keys of the source `http`.

use std::collections::BTreeMap;

use reqwest::header::HeaderName;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::login::LoginKeys;
use crate::config::{At, Fault, HiddenTemplate, Place, TargetString, Template};
use crate::decode::{Format, Limits, Parts, Wanted};
use crate::sources::http::address::address;
use crate::sources::http::authority::AuthorityKeys;
use crate::sources::http::fetch::Http;
use crate::sources::http::oauth2::OAuth2Config;
use crate::sources::http::route::RouteKeys;
use crate::sources::origin::{Fetcher, Origin, Surroundings};
use crate::sources::response;
use crate::sources::tls::TlsConfig;

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
    basic: Option<At<Basic>>,
    /// A bearer token; prefer `${VARIABLE}`.
    #[serde(default)]
    bearer: Option<At<HiddenTemplate>>,
    /// A file with the token. It is read for each request, so that it can change.
    #[serde(default)]
    bearer_file: Option<At<Template>>,
    /// OAuth 2.0 with client credentials, for tokens that expire.
    #[serde(default)]
    oauth2: Option<At<OAuth2Config>>,
    /// The limit of redirects; default 3. A redirect to another server is an error for requests with a login, a body or
    /// headers, because these are meant for the named server.
    #[serde(default)]
    pub(super) redirects: Option<u8>,
    /// Response statuses that mean success; default 200 to 299.
    #[serde(default)]
    pub(super) success: Option<At<Vec<u16>>>,
    /// TLS: how to verify the server, and a client certificate.
    #[serde(default)]
    pub(super) tls: TlsConfig,
    /// The Unix socket of the server, such as `/run/docker.sock`. The host of `url` is then only the header `Host`.
    #[serde(default)]
    socket: Option<At<TargetString>>,
    /// The URL of a proxy, such as `http://proxy.example:3128`. Schemes are `http`, `https`, `socks5`, and `socks5h`, which
    /// resolves names at the proxy.
    #[serde(default)]
    proxy_url: Option<At<Template>>,
    /// User name and password for the proxy.
    #[serde(default)]
    proxy_basic: Option<At<Basic>>,
    /// Hosts that are reached without the proxy: names with their subdomains, addresses and networks, as in
    /// `localhost,example.org,10.0.0.0/8`.
    #[serde(default)]
    no_proxy: Option<At<String>>,
    /// `true` uses the proxies of the environment variables `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`.
    #[serde(default)]
    proxy_from_environment: Option<At<bool>>,
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
    password_file: Option<At<Template>>,
}

impl Basic {
    fn keys(&self) -> LoginKeys<'_> {
        LoginKeys {
            user: Some(&self.user),
            password: self.password.as_ref(),
            password_file: self.password_file.as_ref(),
        }
    }
}

impl Origin for HttpConfig {
    fn parts(&self) -> Parts {
        response::parts(self.format.as_ref())
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
        response::check_success(self.success.as_ref(), faults);
        self.authority().check(place, faults);
        self.route().check(faults);
        self.tls.check(faults);
    }

    fn warning(&self) -> Option<String> {
        let oauth2 = self.oauth2.as_deref();
        let warning = self.tls.warning();
        warning.or_else(|| oauth2.and_then(OAuth2Config::warning))
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

impl HttpConfig {
    pub(super) fn authority(&self) -> AuthorityKeys<'_> {
        AuthorityKeys {
            basic: self.basic.as_deref().map(Basic::keys),
            oauth2: self.oauth2.as_ref(),
            bearer: self.bearer.as_ref(),
            bearer_file: self.bearer_file.as_ref(),
        }
    }

    pub(super) fn route(&self) -> RouteKeys<'_> {
        RouteKeys {
            socket: self.socket.as_ref(),
            proxy_url: self.proxy_url.as_ref(),
            proxy_basic: self.proxy_basic.as_deref().map(Basic::keys),
            proxy_basic_place: self.proxy_basic.as_ref().map(At::place),
            no_proxy: self.no_proxy.as_ref(),
            proxy_from_environment: self.proxy_from_environment.as_ref(),
        }
    }
}
