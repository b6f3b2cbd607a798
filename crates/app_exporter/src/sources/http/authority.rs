//! The credentials of a request.

use exporter_kit::source::SourceErrorReason as Reason;
use reqwest::RequestBuilder;
use reqwest::header::{AUTHORIZATION, HeaderValue};

use crate::config::login::{Credential, Login, LoginKeys, Secret};
use crate::config::{At, Fault, HiddenTemplate, Place, Template};
use crate::decode::Failure;
use crate::sources::http::oauth2::{OAuth2Config, Tokens};
use crate::sources::http::route::Route;
use crate::sources::origin::Surroundings;
use crate::sources::visit::Visit;

/// The credentials of requests.
pub(super) enum Authority {
    None,
    Basic(Login),
    Bearer(Credential),
    OAuth2(Box<Tokens>),
}

/// The keys of credentials, of which a configuration has one.
#[derive(Clone, Copy)]
pub(super) struct AuthorityKeys<'c> {
    pub(super) basic: Option<LoginKeys<'c>>,
    pub(super) oauth2: Option<&'c At<OAuth2Config>>,
    pub(super) bearer: Option<&'c At<HiddenTemplate>>,
    pub(super) bearer_file: Option<&'c At<Template>>,
}

impl AuthorityKeys<'_> {
    /// Finds several credentials for one request at `place`.
    pub(super) fn check(&self, place: Place, faults: &mut Vec<Fault>) {
        let bearer = self.bearer.is_some() || self.bearer_file.is_some();
        let logins = [
            (self.basic.is_some(), "`basic`"),
            (self.oauth2.is_some(), "`oauth2`"),
            (bearer, "a bearer token"),
        ];
        let mut logins = logins.into_iter().filter(|(is_there, _)| *is_there);
        if let (Some((_, a)), Some((_, b))) = (logins.next(), logins.next()) {
            faults.push(Fault::at(
                place,
                format!("both {a} and {b}; drop one of the two"),
            ));
        }
        if let Some(basic) = &self.basic {
            basic.check(faults);
        }
        if let Some(oauth2) = self.oauth2 {
            oauth2.check(oauth2.place(), faults);
        }
    }
}

impl Authority {
    /// # Errors
    /// When a variable is not set, or a certificate cannot be loaded.
    pub(super) fn new(
        keys: AuthorityKeys<'_>,
        route: &Route,
        surroundings: Surroundings<'_>,
    ) -> Result<Self, Fault> {
        let Surroundings {
            folder, variable, ..
        } = surroundings;
        if let Some(basic) = keys.basic {
            return basic.resolve(folder, variable).map(Self::Basic);
        }
        if let Some(oauth2) = keys.oauth2 {
            let tokens = Tokens::new(oauth2, route, surroundings)?;
            return Ok(Self::OAuth2(Box::new(tokens)));
        }
        let token = Credential::choose(keys.bearer, keys.bearer_file, folder, variable)?;
        Ok(token.map_or(Self::None, Self::Bearer))
    }

    /// Adds the credentials.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(super) async fn sign(
        &self,
        request: RequestBuilder,
        visit: &Visit,
    ) -> Result<RequestBuilder, Failure> {
        match self {
            Self::None => Ok(request),
            Self::Basic(login) => basic(request, login, visit).await,
            Self::Bearer(token) => bearer(request, &visit.secret(token).await?),
            Self::OAuth2(tokens) => bearer(request, &tokens.token(visit).await?),
        }
    }

    /// Forgets a token that the server rejected. Returns whether another one may be accepted.
    pub(super) fn forget(&self) -> bool {
        match self {
            Self::OAuth2(tokens) => tokens.forget(),
            _ => false,
        }
    }
}

/// Adds a user and password.
///
/// # Errors
/// When the password cannot be read.
async fn basic(
    request: RequestBuilder,
    Login { user, password }: &Login,
    visit: &Visit,
) -> Result<RequestBuilder, Failure> {
    let password = match password {
        Some(password) => Some(visit.secret(password).await?),
        None => None,
    };
    let user = user.as_ref().map_or("", Secret::reveal);
    Ok(request.basic_auth(user, password.as_ref().map(Secret::reveal)))
}

fn bearer(request: RequestBuilder, token: &Secret) -> Result<RequestBuilder, Failure> {
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
