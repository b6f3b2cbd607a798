//! The multi-target exporter pattern: metrics of a target that the request names.

use std::fmt;
use std::sync::Arc;

use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::scrape::answer::{Answer, method_not_allowed, plain};
use crate::scrape::body::Body;
use crate::scrape::handler::MetricsHandler;

/// Finds the metrics of the target that a request names.
pub(crate) type Choose = dyn Fn(&ProbeQuery) -> Result<MetricsHandler, ProbeRefusal> + Send + Sync;

/// The decoded query parameters of a probe request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProbeQuery(Vec<(String, String)>);

impl ProbeQuery {
    fn of<B>(req: &Request<B>) -> Self {
        let query = req.uri().query().unwrap_or_default();
        Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// The value of a parameter that must occur exactly once.
    ///
    /// # Errors
    /// If it is missing, or occurs more than once: a proxy and the program could each read a different value.
    pub fn one(&self, name: &str) -> Result<&str, ProbeRefusal> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            (None, _) => Err(ProbeRefusal::bad_request(format!(
                "the parameter `{name}` is missing; add it: `?{name}=…`"
            ))),
            (Some(_), Some(_)) => Err(ProbeRefusal::bad_request(format!(
                "the parameter `{name}` occurs more than once; remove all but one"
            ))),
        }
    }

    /// All values of a parameter, in the order of the request.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(key, _)| key == name);
        named.map(|(_, value)| value.as_str())
    }
}

/// The refusal of a probe request: a status and a text.
#[derive(Clone, PartialEq, Eq)]
pub struct ProbeRefusal {
    status: StatusCode,
    text: String,
}

impl ProbeRefusal {
    /// 400: the request is malformed.
    pub fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text.into())
    }

    /// 403: the target is not allowed.
    pub fn forbidden(text: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, text.into())
    }

    /// 404: the target is unknown.
    pub fn not_found(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, text.into())
    }

    /// 503: the target is not available now.
    pub fn unavailable(text: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, text.into())
    }

    fn new(status: StatusCode, text: String) -> Self {
        Self { status, text }
    }

    fn response(self, head_only: bool) -> Response<Body> {
        let mut response = plain(self.status, format!("{}\n", self.text));
        // The text may repeat parts of the request.
        response.headers_mut().insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        if head_only {
            *response.body_mut() = Body::default();
        }
        response
    }
}

impl fmt::Display for ProbeRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status.as_u16(), self.text)
    }
}

crate::error::debug_by_display!(ProbeRefusal);

impl std::error::Error for ProbeRefusal {}

/// Answers a probe request, within the limits of `metrics`.
pub(crate) fn answer<B>(
    req: &Request<B>,
    choose: &Arc<Choose>,
    metrics: &MetricsHandler,
) -> Answer {
    if !matches!(*req.method(), Method::GET | Method::HEAD) {
        return Answer::ready(method_not_allowed());
    }
    let Some(admitted) = metrics.admit(req) else {
        return metrics.overloaded();
    };
    let mut asked = Request::new(());
    *asked.method_mut() = req.method().clone();
    *asked.uri_mut() = req.uri().clone();
    *asked.headers_mut() = req.headers().clone();
    let (choose, metrics) = (Arc::clone(choose), metrics.clone());
    let head_only = *req.method() == Method::HEAD;
    let begin = move || {
        let chosen = choose(&ProbeQuery::of(&asked))?;
        Ok::<_, ProbeRefusal>(chosen.job_for(&metrics, &asked, admitted))
    };
    let Ok(runtime) = Handle::try_current() else {
        return Answer::ready(match begin() {
            Ok(job) => job.run_here(),
            Err(refusal) => refusal.response(head_only),
        });
    };
    let (sender, receiver) = oneshot::channel();
    runtime.spawn_blocking(move || {
        // A client that has gone needs no probe.
        if sender.is_closed() {
            return;
        }
        match begin() {
            Ok(job) => job.run(sender),
            Err(refusal) => drop(sender.send(refusal.response(head_only))),
        }
    });
    Answer::waiting(receiver)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> ProbeQuery {
        let req = Request::builder().uri(format!("/probe?{text}")).body(());
        ProbeQuery::of(&req.unwrap())
    }

    #[test]
    fn a_parameter_is_decoded_and_there_once() {
        let one = query("source=db&target=a%2Fb+c%0A");
        assert_eq!(one.one("source"), Ok("db"));
        assert_eq!(one.one("target"), Ok("a/b c\n"));
        for (text, problem) in [
            ("", "missing"),
            ("targets=a", "missing"),
            ("target=a&target=a", "more than once"),
            ("target=a&%74arget=b", "more than once"),
        ] {
            let refusal = query(text).one("target").unwrap_err().to_string();
            assert!(refusal.starts_with("400: the parameter `target` "));
            assert!(refusal.contains(problem), "{text}: {refusal}");
        }
        assert_eq!(query("target=").one("target"), Ok(""));
    }
}
