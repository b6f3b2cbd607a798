//! The headers that can be added to every answer.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::error::Problem;
use super::file::{Text, place_of};
use super::suggestion::{listed, nearest};

/// The allowed headers. An empty list of values allows every value.
const ALLOWED: [(&str, &[&str]); 5] = [
    ("Content-Security-Policy", &[]),
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
];

/// Checks the headers of a file. Names are case-sensitive, as in Go.
pub(super) fn build(headers: Option<&BTreeMap<String, Text>>) -> Result<HeaderMap, Problem> {
    let mut built = HeaderMap::new();
    for (name, value) in headers.into_iter().flatten() {
        let at = place_of(value);
        let Some((name, allowed)) = ALLOWED.iter().find(|(allowed, _)| allowed == name) else {
            let names = ALLOWED.map(|(name, _)| name);
            let remedy = match nearest(name, names) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("only {} can be", listed(&names)),
            };
            let message = format!("HTTP header \"{name}\" can not be configured; {remedy}");
            return Err(Problem::new(message).at(at));
        };
        let text = value.value.as_str();
        if !allowed.is_empty() && !allowed.contains(&text) {
            let message = format!(
                "invalid value for {name}. Expected one of: {}, but got: `{text}`",
                listed(allowed)
            );
            return Err(Problem::new(message).at(at));
        }
        let value = HeaderValue::from_str(text).map_err(|_| {
            let message = format!("invalid value for {name}; a header cannot contain line breaks or control characters; write it in one line");
            Problem::new(message).at(at)
        })?;
        // The five names are valid.
        if let Ok(name) = HeaderName::try_from(*name) {
            built.insert(name, value);
        }
    }
    Ok(built)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_allowed_name_is_a_name() {
        for (name, _) in ALLOWED {
            assert!(HeaderName::try_from(name).is_ok(), "{name}");
        }
    }
}
