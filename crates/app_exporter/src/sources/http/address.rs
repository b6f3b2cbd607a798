//! Addresses of web servers, and the redirects that are followed.

use std::net::Ipv4Addr;

use reqwest::Url;
use reqwest::redirect::Policy;

use crate::sources::host;

/// The limits of redirects.
#[derive(Clone)]
pub(super) struct Redirects {
    pub(super) most: u8,
    /// The configured address.
    pub(super) first: Url,
    /// The reason not to go to another server.
    pub(super) stays: Option<Stay>,
}

/// A reason to send requests to the configured server alone.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stay {
    /// They carry something for that server, such as a login.
    Personal,
    /// A Unix socket leads to no other.
    Socket,
}

impl Redirects {
    /// Follows redirects, except to another server with what is meant for the first.
    pub(super) fn policy(&self) -> Policy {
        let Self { most, first, stays } = self.clone();
        Policy::custom(move |attempt| {
            if attempt.previous().len() > usize::from(most) {
                return attempt.error(format!(
                    "more than {most} redirects; check the address, or raise `redirects`"
                ));
            }
            let next = attempt.url().origin();
            if let Some(stay) = stays.filter(|_| next != first.origin()) {
                let next = next.ascii_serialization();
                return attempt.error(match stay {
                    Stay::Personal => format!(
                        "it redirects to another server, `{next}`, which must not receive the login, body, headers or \
                         target; write that address as `url`"
                    ),
                    Stay::Socket => format!(
                        "it redirects to another server, `{next}`, which is not at the socket; write that address as \
                         `url`, without `socket`"
                    ),
                });
            }
            attempt.follow()
        })
    }
}

/// Parses an address.
///
/// # Errors
/// When it is invalid. The message does not repeat the text, which may have secrets.
pub(super) fn address(text: &str) -> Result<Url, String> {
    if text.starts_with("unix:") || text.contains("://unix:") {
        return Err(
            "the address is a Unix socket; write its path as `socket`, and the rest as in `http://localhost/status`"
                .to_owned(),
        );
    }
    let url = Url::parse(text).map_err(|error| {
        format!("invalid address: {error}; write it as in `https://shop.example/status`")
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!(
            "unsupported scheme `{}`; write `http` or `https`",
            url.scheme()
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the address has a user or password; write them under `basic`".to_owned());
    }
    check_host(&url, text)?;
    Ok(url)
}

/// # Errors
/// When the host is a number in an unusual form: `http://2130706433` and `http://0x7f.1` are 127.0.0.1.
pub(super) fn check_host(url: &Url, text: &str) -> Result<(), String> {
    let Some(host) = url.host_str() else {
        return Ok(());
    };
    // Not all schemes have hosts that are made usual.
    host::check(host.trim_matches(['[', ']']))?;
    let is_usual = |(_, rest): (&str, &str)| {
        let rest = rest.strip_prefix(host);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#', ':']))
    };
    if host.parse::<Ipv4Addr>().is_ok() && !text.split_once("://").is_some_and(is_usual) {
        return Err(format!(
            "the host of the address is `{host}` in an unusual form; write it as `{host}`"
        ));
    }
    Ok(())
}
