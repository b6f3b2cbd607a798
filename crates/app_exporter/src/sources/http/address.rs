//! Which addresses are asked: those that are written, and those that they redirect to.

use std::net::Ipv4Addr;

use reqwest::Url;
use reqwest::redirect::Policy;

/// Which redirects are followed.
#[derive(Clone)]
pub(super) struct Redirects {
    pub(super) most: u8,
    /// The server that is named.
    pub(super) first: Url,
    /// Whether something is sent that is meant for that one alone.
    pub(super) personal: bool,
}

impl Redirects {
    /// Follows them, but takes nothing that is meant for one server to another.
    pub(super) fn policy(&self) -> Policy {
        let Self {
            most,
            first,
            personal,
        } = self.clone();
        Policy::custom(move |attempt| {
            if attempt.previous().len() > usize::from(most) {
                return attempt.error(format!("there are more than {most} redirects"));
            }
            let next = attempt.url().origin();
            if personal && next != first.origin() {
                let next = next.ascii_serialization();
                return attempt.error(format!(
                    "it redirects to `{next}`, which the login, body, headers or target are not meant for; \
                     name that address instead"
                ));
            }
            attempt.follow()
        })
    }
}

/// # Errors
/// When it is no address of a web server. The text may have secrets, so it is not repeated.
pub(super) fn address(text: &str) -> Result<Url, String> {
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
