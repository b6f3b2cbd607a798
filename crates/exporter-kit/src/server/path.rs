//! Paths and URLs of a server, as operators write them.

use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// The ASCII characters that clients encode in a path, or that end it.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Checks that a request can have this path, character by character.
///
/// # Errors
/// The reason why not, and the remedy.
pub(crate) fn check(path: &str) -> Result<(), &'static str> {
    if !path.starts_with('/') {
        return Err("a path begins with `/`, such as /metrics");
    }
    if utf8_percent_encode(path, ENCODED).next() != Some(path) {
        return Err(
            "a path contains no query, fragment or white space; encode other characters, such as %20",
        );
    }
    Ok(())
}

/// The prefix of all paths of a server; `/` stands for an empty prefix.
///
/// ```
/// use exporter_kit::server::RoutePrefix;
///
/// let prefix: RoutePrefix = "/shop/".parse()?;
/// assert_eq!(prefix.to_string(), "/shop");
/// assert_eq!("/".parse(), Ok(RoutePrefix::default()));
/// # Ok::<(), exporter_kit::server::PathError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RoutePrefix {
    /// Invariant: empty, or begins with `/` and does not end with one.
    path: Box<str>,
}

impl RoutePrefix {
    /// The prefix for a path that begins with `/`.
    pub(crate) fn as_str(&self) -> &str {
        &self.path
    }
}

impl FromStr for RoutePrefix {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let fault = |fault| PathError {
            text: text.into(),
            fault: PathFault::Prefix(fault),
        };
        check(text).map_err(fault)?;
        Ok(Self {
            path: text
                .trim_matches('/')
                .split('/')
                .fold(String::new(), |mut path, segment| {
                    if !segment.is_empty() {
                        path.push('/');
                        path.push_str(segment);
                    }
                    path
                })
                .into(),
        })
    }
}

impl TryFrom<&str> for RoutePrefix {
    type Error = PathError;

    fn try_from(text: &str) -> Result<Self, PathError> {
        text.parse()
    }
}

impl TryFrom<String> for RoutePrefix {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, PathError> {
        text.parse()
    }
}

impl fmt::Display for RoutePrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.path.is_empty() {
            "/"
        } else {
            &self.path
        })
    }
}

/// The URL at which browsers reach a server through a proxy, or only its path.
///
/// ```
/// use exporter_kit::server::ExternalUrl;
///
/// let url: ExternalUrl = "https://example.org/shop/".parse()?;
/// assert_eq!(url.path().to_string(), "/shop");
/// # Ok::<(), exporter_kit::server::PathError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExternalUrl {
    text: Box<str>,
    path: RoutePrefix,
}

impl ExternalUrl {
    /// The path of the URL.
    pub fn path(&self) -> &RoutePrefix {
        &self.path
    }
}

impl FromStr for ExternalUrl {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        path_of(text)
            .map(|path| Self {
                text: text.into(),
                path,
            })
            .ok_or_else(|| PathError {
                text: text.into(),
                fault: PathFault::Url,
            })
    }
}

/// The path of an HTTP URL, or the text itself if it is a path.
fn path_of(text: &str) -> Option<RoutePrefix> {
    if text.starts_with('/') {
        return text.parse().ok();
    }
    // `http::Uri` drops a fragment without an error.
    if text.contains('#') {
        return None;
    }
    let url: http::Uri = text.parse().ok()?;
    let is_http = matches!(url.scheme_str(), Some("http" | "https"));
    let is_whole = url.host().is_some_and(|host| !host.is_empty()) && url.query().is_none();
    (is_http && is_whole).then(|| url.path().parse().ok())?
}

impl TryFrom<&str> for ExternalUrl {
    type Error = PathError;

    fn try_from(text: &str) -> Result<Self, PathError> {
        text.parse()
    }
}

impl TryFrom<String> for ExternalUrl {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, PathError> {
        text.parse()
    }
}

impl fmt::Display for ExternalUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Invalid text for a [`RoutePrefix`] or an [`ExternalUrl`].
#[derive(Clone, PartialEq, Eq)]
pub struct PathError {
    text: Box<str>,
    fault: PathFault,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PathFault {
    Prefix(&'static str),
    Url,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = &self.text;
        match self.fault {
            PathFault::Prefix(why) => write!(f, "`{text}` is not a path prefix: {why}"),
            PathFault::Url => write!(
                f,
                "`{text}` is not an external URL; write `https://example.org/exporter` or its path `/exporter`, without a query or fragment"
            ),
        }
    }
}

crate::error::debug_by_display!(PathError);

impl std::error::Error for PathError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_that_a_request_can_have() {
        for path in ["/", "/metrics", "/a/b-c_d.e~f", "/%20"] {
            assert_eq!(check(path), Ok(()), "{path}");
            assert!(
                path.parse::<http::Uri>()
                    .is_ok_and(|uri| uri.path() == path)
            );
        }
        for path in [
            "",
            "metrics",
            "/a b",
            "/a?b",
            "/a#b",
            "/é",
            "/a\n",
            "*",
            "http://a/b",
        ] {
            assert!(check(path).is_err(), "{path}");
        }
    }

    #[test]
    fn slashes_around_a_prefix_do_not_count() {
        for (text, path) in [
            ("/", ""),
            ("//", ""),
            ("/a", "/a"),
            ("/a/", "/a"),
            ("//a//b//", "/a/b"),
        ] {
            assert_eq!(text.parse::<RoutePrefix>().unwrap().as_str(), path);
        }
        let error = "a".parse::<RoutePrefix>().unwrap_err().to_string();
        assert_eq!(
            error,
            "`a` is not a path prefix: a path begins with `/`, such as /metrics"
        );
    }

    #[test]
    fn the_path_of_a_url_is_what_follows_its_host() {
        for (text, path) in [
            ("http://example.org", ""),
            ("https://example.org:8443/", ""),
            ("http://[::1]:8000/a/b/", "/a/b"),
            ("/a/", "/a"),
            ("/", ""),
        ] {
            let url: ExternalUrl = text.parse().unwrap();
            assert_eq!(url.path().as_str(), path);
            assert_eq!(url.to_string(), text);
        }
        for text in [
            "",
            "example.org",
            "ftp://a/b",
            "http://",
            "http://a/?b",
            "http://a/#b",
            "/a?b",
            "\"http://a\"",
        ] {
            let error = text.parse::<ExternalUrl>().unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("`{text}` is not an external URL; write ")),
                "{error}"
            );
        }
    }
}
