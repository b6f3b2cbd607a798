//! The multi-target pattern: metrics of what a request names, chosen by the program.

use std::fmt;
use std::sync::Arc;

use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::scrape::answer::{Answer, method_not_allowed, plain};
use crate::scrape::body::Body;
use crate::scrape::handler::MetricsHandler;
use crate::server::builder::ServerBuilder;
use crate::server::mounts::Mount;

/// What a program does to find what a request asks about.
pub(crate) type Choose = dyn Fn(&ProbeQuery) -> Result<MetricsHandler, ProbeRefusal> + Send + Sync;

impl ServerBuilder {
    /// Answers requests for `path` with the metrics of what their query names: the [multi-target exporter
    /// pattern](https://prometheus.io/docs/guides/multi-target-exporter/).
    ///
    /// `choose` looks at the query and gives the handler of what is to be shown, or says why there is none. It runs on a
    /// thread that may block, for many requests at once, and decides alone what can be reached: allow what you know, and
    /// never pass on what a client says. Keep the handlers of targets that are asked often; with
    /// [`Sources`](crate::source::Sources) requests that arrive together then share one collection.
    ///
    /// Apart from that an answer is one of [`metrics_path`](Self::metrics_path): format, compression, `name[]`, the
    /// scraper's deadline, the limit on scrapes and the web configuration hold for both together, and the path is below
    /// the route prefix.
    ///
    /// ```
    /// use exporter_kit::scrape::MetricsHandler;
    /// use exporter_kit::server::ProbeRefusal;
    /// use exporter_kit::{Registry, Server};
    /// # use std::io::{Read, Write};
    ///
    /// let server = Server::builder(&Registry::new())
    ///     .listen("127.0.0.1:0")
    ///     .probe("/probe", |query| {
    ///         let sessions = match query.one("target")? {
    ///             "shop" => 45,
    ///             "forum" => 7,
    ///             _ => return Err(ProbeRefusal::not_found("unknown target; there are `shop` and `forum`")),
    ///         };
    ///         let registry = Registry::new();
    ///         let gauge = registry.gauge("app_active_sessions", "Number of active user sessions");
    ///         gauge.map_err(|error| ProbeRefusal::unavailable(error.to_string()))?.set(sessions);
    ///         Ok(MetricsHandler::new(&registry))
    ///     })
    ///     .start()?;
    /// # let address = server.local_addresses()[0];
    /// # let get = |path: &str| {
    /// #     let mut client = std::net::TcpStream::connect(address)?;
    /// #     write!(client, "GET {path} HTTP/1.0\r\n\r\n")?;
    /// #     let mut answer = String::new();
    /// #     client.read_to_string(&mut answer)?;
    /// #     std::io::Result::Ok(answer)
    /// # };
    ///
    /// assert!(get("/probe?target=forum")?.ends_with("\napp_active_sessions 7.0\n"));
    /// assert!(get("/probe?target=bank")?.starts_with("HTTP/1.0 404 "));
    /// assert!(get("/probe")?.starts_with("HTTP/1.0 400 "));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn probe(
        mut self,
        path: impl Into<String>,
        choose: impl Fn(&ProbeQuery) -> Result<MetricsHandler, ProbeRefusal> + Send + Sync + 'static,
    ) -> Self {
        self.mounts
            .push(Mount::probe(path.into(), Arc::new(choose)));
        self
    }
}

/// The parameters of a request for a probe, decoded.
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

    /// The value of a parameter that must be there once.
    ///
    /// # Errors
    /// When it is not there, or more than once: with two values two programs could each see another one.
    pub fn one(&self, name: &str) -> Result<&str, ProbeRefusal> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            (None, _) => Err(ProbeRefusal::bad_request(format!(
                "the parameter `{name}` is missing; add it, as in `?{name}=…`"
            ))),
            (Some(_), Some(_)) => Err(ProbeRefusal::bad_request(format!(
                "the parameter `{name}` is there more than once; drop all but one"
            ))),
        }
    }

    /// All values of a parameter, in the order of the request.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(key, _)| key == name);
        named.map(|(_, value)| value.as_str())
    }
}

/// Why a request for a probe gets no metrics: a status, and a text for people.
#[derive(Clone, PartialEq, Eq)]
pub struct ProbeRefusal {
    status: StatusCode,
    text: String,
}

impl ProbeRefusal {
    /// 400: the request can't be understood.
    pub fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text.into())
    }

    /// 403: what it names must not be reached.
    pub fn forbidden(text: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, text.into())
    }

    /// 404: there is nothing by the name that it gives.
    pub fn not_found(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, text.into())
    }

    /// 503: it can't be answered now.
    pub fn unavailable(text: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, text.into())
    }

    fn new(status: StatusCode, text: String) -> Self {
        Self { status, text }
    }

    fn response(self, head_only: bool) -> Response<Body> {
        let mut response = plain(self.status, format!("{}\n", self.text));
        // The text may repeat what the request says.
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

/// Answers a request for a probe, as one of the scrapes that `metrics` admits.
pub(crate) fn answer<B>(
    req: &Request<B>,
    choose: &Arc<Choose>,
    metrics: &MetricsHandler,
) -> Answer {
    if !matches!(*req.method(), Method::GET | Method::HEAD) {
        return Answer::ready(method_not_allowed());
    }
    let Some(admitted) = metrics.admit(req.headers()) else {
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
        // Someone who has gone needs no probe.
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
            assert!(refusal.starts_with("400: the parameter `target` is "));
            assert!(refusal.contains(problem), "{text}: {refusal}");
        }
        assert_eq!(query("target=").one("target"), Ok(""));
    }
}
