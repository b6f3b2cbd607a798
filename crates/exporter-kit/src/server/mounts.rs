//! Paths that a program adds to those of its server: probes, and further pages.

use std::fmt;
use std::sync::Arc;

use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};

use crate::page::{self, PageLink};
use crate::scrape::answer::{Answer, method_not_allowed, plain};
use crate::scrape::body::Body;
use crate::scrape::handler::MetricsHandler;
use crate::server::builder::ServerBuilder;
use crate::server::error::ServeError;
use crate::server::path;
use crate::server::probe::{self, Choose};

impl ServerBuilder {
    /// Shows plain text at `path`, linked from the page at `/` by its title: a configuration, say, without its secrets.
    ///
    /// `content` is called for each request and must not block. The path is below the route prefix, and who may read the
    /// metrics may read the text.
    ///
    /// ```
    /// use exporter_kit::{Registry, Server};
    /// # use std::io::{Read, Write};
    ///
    /// let server = Server::builder(&Registry::new())
    ///     .listen("127.0.0.1:0")
    ///     .page("/config", "Configuration", || "shops: 3\n".to_owned())
    ///     .start()?;
    /// # let mut client = std::net::TcpStream::connect(server.local_addresses()[0])?;
    /// # client.write_all(b"GET /config HTTP/1.0\r\n\r\n")?;
    /// # let mut answer = String::new();
    /// # client.read_to_string(&mut answer)?;
    /// assert!(answer.ends_with("\r\n\r\nshops: 3\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn page(
        mut self,
        path: impl Into<String>,
        title: impl Into<String>,
        content: impl Fn() -> String + Send + Sync + 'static,
    ) -> Self {
        let (path, title) = (path.into(), title.into());
        self.mounts.push(Mount {
            path,
            content: Content::Page {
                title,
                text: Arc::new(content),
            },
        });
        self
    }
}

/// A path and what it answers.
pub(crate) struct Mount {
    path: String,
    content: Content,
}

enum Content {
    Probe(Arc<Choose>),
    Page {
        title: String,
        text: Arc<dyn Fn() -> String + Send + Sync>,
    },
}

impl Mount {
    pub(crate) fn probe(path: String, choose: Arc<Choose>) -> Self {
        let content = Content::Probe(choose);
        Self { path, content }
    }

    fn answer<B>(&self, req: &Request<B>, metrics: &MetricsHandler) -> Answer {
        match &self.content {
            Content::Probe(choose) => probe::answer(req, choose, metrics),
            Content::Page { text, .. } => Answer::ready(match *req.method() {
                Method::GET => text_page(text()),
                Method::HEAD => text_page(text()).map(|_| Body::default()),
                _ => method_not_allowed(),
            }),
        }
    }
}

/// The paths that a program has added.
#[derive(Debug, Default)]
pub(crate) struct Mounts(Vec<Mount>);

impl Mounts {
    /// # Errors
    /// When a path is none, or leads elsewhere already.
    pub(crate) fn new(mounts: Vec<Mount>, metrics_path: &str) -> Result<Self, ServeError> {
        for (i, mount) in mounts.iter().enumerate() {
            let path = mount.path.as_str();
            let others = mounts.iter().take(i).any(|other| other.path == path);
            let is_taken = path == metrics_path
                || path.starts_with("/-/")
                || path.strip_prefix('/').is_some_and(page::is_own);
            let fault = path::check(path).err().or((others || is_taken)
                .then_some("the server has it already; choose another, such as /probe"));
            if let Some(why) = fault {
                let path = path.into();
                return Err(ServeError::Mount { path, why });
            }
        }
        Ok(Self(mounts))
    }

    /// The pages for people, to be linked.
    pub(crate) fn links(&self) -> Vec<PageLink> {
        let link = |mount: &Mount| match &mount.content {
            Content::Probe(_) => None,
            Content::Page { title, .. } => Some(PageLink {
                path: mount.path.clone(),
                title: title.clone(),
            }),
        };
        self.0.iter().filter_map(link).collect()
    }

    /// Answers a request for `path`, from which the route prefix has been taken, if it is one of these.
    pub(crate) fn answer<B>(
        &self,
        req: &Request<B>,
        path: &str,
        metrics: &MetricsHandler,
    ) -> Option<Answer> {
        let mount = self.0.iter().find(|mount| mount.path == path)?;
        Some(mount.answer(req, metrics))
    }
}

fn text_page(text: String) -> Response<Body> {
    let mut response = plain(StatusCode::OK, text);
    let headers = response.headers_mut();
    page::harden(headers);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mount").field(&self.path).finish()
    }
}
