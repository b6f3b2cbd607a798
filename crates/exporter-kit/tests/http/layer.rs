//! The layer that measures requests, in axum and around plain services.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use axum::extract::MatchedPath;
use axum::routing::get;
use exporter_kit::layer::RequestMetrics;
use exporter_kit::{Format, Registry, testing};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use tower_layer::Layer;
use tower_service::Service;

type Bytes = Full<&'static [u8]>;
type Answer = Result<Response<Bytes>, &'static str>;
type Pending = Pin<Box<dyn Future<Output = Answer>>>;

/// A service with configurable answers.
#[derive(Clone)]
struct Answers(fn(Request<Bytes>) -> Pending);

impl Service<Request<Bytes>> for Answers {
    type Response = Response<Bytes>;
    type Error = &'static str;
    type Future = Pending;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, req: Request<Bytes>) -> Pending {
        (self.0)(req)
    }
}

fn answer(body: &'static str) -> Response<Bytes> {
    Response::new(Full::new(body.as_bytes()))
}

fn request(method: &str, body: &'static str) -> Request<Bytes> {
    let body = Full::new(body.as_bytes());
    Request::builder().method(method).body(body).unwrap()
}

/// The output of a future that is ready at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("it waits"),
    }
}

fn ask(metrics: &RequestMetrics, service: fn(Request<Bytes>) -> Pending, req: Request<Bytes>) {
    let _ = now(metrics.layer(Answers(service)).call(req));
}

fn requests(registry: &Registry, method: &str, code: &str) -> Option<f64> {
    let labels = [("method", method), ("code", code)];
    registry.snapshot().value("http_requests_total", &labels)
}

#[test]
fn axum_routes_are_labels_and_paths_are_not() {
    let registry = Registry::new();
    let metrics = RequestMetrics::builder(&registry)
        .route(|parts| {
            let matched = parts.extensions.get::<MatchedPath>()?;
            Some(matched.as_str().to_owned())
        })
        .size_buckets([10.0, 100.0])
        .build()
        .unwrap();
    let mut app = axum::Router::<()>::new()
        .route("/users/{id}", get(|| async { "someone\n" }))
        .route(
            "/broken",
            get(|| async { StatusCode::INTERNAL_SERVER_ERROR }),
        )
        .layer(metrics)
        .route("/unmeasured", get(|| async { "" }));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut ask = |method: &str, path: &str| {
        let req = Request::builder().method(method).uri(path);
        let req = req.body(axum::body::Body::empty()).unwrap();
        runtime.block_on(async { app.call(req).await.unwrap().into_body().collect().await })
    };
    for (method, path) in [
        ("GET", "/users/1"),
        ("GET", "/users/2"),
        ("HEAD", "/users/1"),
        ("BREW", "/users/1"),
        ("GET", "/broken"),
        ("GET", "/nowhere"),
        ("GET", "/unmeasured"),
    ] {
        ask(method, path).unwrap();
    }
    let text = registry.to_text();
    let counts: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("http_requests_total"))
        .collect();
    assert_eq!(
        counts,
        [
            r#"http_requests_total{method="GET",route="/broken",code="500"} 1.0"#,
            r#"http_requests_total{method="GET",route="/users/{id}",code="200"} 2.0"#,
            r#"http_requests_total{method="GET",route="none",code="404"} 1.0"#,
            r#"http_requests_total{method="HEAD",route="/users/{id}",code="200"} 1.0"#,
            r#"http_requests_total{method="other",route="/users/{id}",code="405"} 1.0"#,
        ]
    );
    for line in [
        r#"http_request_duration_seconds_count{method="GET",route="/users/{id}",code="200"} 2"#,
        r#"http_request_size_bytes_sum{method="GET",route="/users/{id}",code="200"} 0.0"#,
        r#"http_response_size_bytes_bucket{method="GET",route="/users/{id}",code="200",le="10.0"} 2"#,
        r#"http_response_size_bytes_sum{method="GET",route="/users/{id}",code="200"} 16.0"#,
        r#"http_response_size_bytes_sum{method="HEAD",route="/users/{id}",code="200"} 0.0"#,
        "http_requests_in_flight 0.0",
    ] {
        assert!(text.lines().any(|have| have == line), "{line}\n{text}");
    }
    testing::assert_lint(&registry);
}

#[test]
fn nothing_is_shown_before_the_first_request() {
    let registry = Registry::new();
    RequestMetrics::new(&registry).unwrap();
    assert!(registry.to_text().contains("\nhttp_requests_in_flight 0.0"));
    assert!(!registry.to_text().contains("\nhttp_requests_total{"));
}

#[test]
fn a_failed_service_counts_as_error() {
    let registry = Registry::new();
    let metrics = RequestMetrics::new(&registry).unwrap();
    ask(
        &metrics,
        |_| Box::pin(async { Err("connection refused") }),
        request("POST", ""),
    );
    assert_eq!(requests(&registry, "POST", "error"), Some(1.0));
    testing::assert_value(&registry, "http_requests_in_flight", &[], 0.0);
}

#[test]
fn a_request_nobody_waits_for_counts_as_dropped_and_is_in_flight_no_more() {
    let registry = Registry::new();
    let metrics = RequestMetrics::new(&registry).unwrap();
    let mut service = metrics.layer(Answers(|_| Box::pin(std::future::pending())));
    let mut polled = Box::pin(service.call(request("GET", "")));
    let unpolled = service.call(request("GET", ""));
    assert!(
        polled
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    testing::assert_value(&registry, "http_requests_in_flight", &[], 2.0);
    assert_eq!(requests(&registry, "GET", "dropped"), None);
    drop(polled);
    testing::assert_value(&registry, "http_requests_in_flight", &[], 1.0);
    drop(unpolled);
    testing::assert_value(&registry, "http_requests_in_flight", &[], 0.0);
    assert_eq!(requests(&registry, "GET", "dropped"), Some(2.0));
}

#[test]
fn a_panic_is_counted_and_ends_the_request() {
    let registry = Registry::new();
    let metrics = RequestMetrics::new(&registry).unwrap();
    let in_future: fn(_) -> Pending = |_| Box::pin(async { panic!("in the future") });
    let in_call: fn(_) -> Pending = |_| panic!("in the call");
    for service in [in_future, in_call] {
        let asked = catch_unwind(AssertUnwindSafe(|| {
            ask(&metrics, service, request("PUT", ""));
        }));
        assert!(asked.is_err());
    }
    assert_eq!(requests(&registry, "PUT", "dropped"), Some(2.0));
    testing::assert_value(&registry, "http_requests_in_flight", &[], 0.0);
}

#[test]
fn an_answer_that_is_there_is_counted_once() {
    let registry = Registry::new();
    let metrics = RequestMetrics::new(&registry).unwrap();
    let mut service = metrics.layer(Answers(|_| Box::pin(async { Ok(answer("")) })));
    let mut future = Box::pin(service.call(request("GET", "")));
    assert!(now(future.as_mut()).is_ok());
    testing::assert_value(&registry, "http_requests_in_flight", &[], 0.0);
    drop(future);
    assert_eq!(requests(&registry, "GET", "200"), Some(1.0));
    assert_eq!(requests(&registry, "GET", "dropped"), None);
}

#[test]
fn other_methods_are_one_series_unless_they_are_named() {
    let registry = Registry::new();
    let metrics = RequestMetrics::builder(&registry)
        .extra_methods(["PROPFIND"])
        .build()
        .unwrap();
    for method in [
        "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "CONNECT", "PATCH", "TRACE", "PROPFIND",
        "INVENTED", "get",
    ] {
        ask(
            &metrics,
            |_| Box::pin(async { Ok(answer("")) }),
            request(method, ""),
        );
        let (method, count) = match method {
            "INVENTED" => ("other", 1.0),
            "get" => ("other", 2.0),
            named => (named, 1.0),
        };
        assert_eq!(requests(&registry, method, "200"), Some(count), "{method}");
    }
}

/// A body that does not say how large it is.
struct Unknown;

impl http_body::Body for Unknown {
    type Data = &'static [u8];
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Self::Data>, Infallible>>> {
        Poll::Ready(None)
    }
}

/// Answers with an unknown body, and the length that the request's head says.
struct Streams;

impl Service<Request<Empty<&'static [u8]>>> for Streams {
    type Response = Response<Unknown>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, req: Request<Empty<&'static [u8]>>) -> Self::Future {
        let mut res = Response::new(Unknown);
        if let Some(length) = req.headers().get("content-length") {
            res.headers_mut().insert("content-length", length.clone());
        }
        std::future::ready(Ok(res))
    }
}

#[test]
fn sizes_are_the_bodys_or_else_the_heads() {
    let registry = Registry::new();
    let metrics = RequestMetrics::builder(&registry)
        .size_buckets([1000.0])
        .build()
        .unwrap();
    let mut service = metrics.layer(Streams);
    for length in [None, Some("700"), Some("many")] {
        let mut req = Request::builder();
        if let Some(length) = length {
            req = req.header("content-length", length);
        }
        let _ = now(service.call(req.body(Empty::new()).unwrap()));
    }
    let sizes = |family: &str| {
        let labels = [("method", "GET"), ("code", "200")];
        let value = |suffix| {
            registry
                .snapshot()
                .value(&format!("{family}{suffix}"), &labels)
        };
        (value("_count"), value("_sum"))
    };
    assert_eq!(sizes("http_request_size_bytes"), (Some(3.0), Some(0.0)));
    assert_eq!(sizes("http_response_size_bytes"), (Some(1.0), Some(700.0)));
}

#[test]
fn exemplars_come_from_the_request() {
    let registry = Registry::new();
    let metrics = RequestMetrics::builder(&registry)
        .exemplar("trace_id", |parts| {
            let id = parts.headers.get("x-trace")?.to_str().ok()?;
            Some(id.to_owned())
        })
        .build()
        .unwrap();
    let too_long = "x".repeat(200);
    for id in ["4bf92f35", &too_long] {
        let mut req = request("GET", "");
        req.headers_mut().insert("x-trace", id.parse().unwrap());
        ask(&metrics, |_| Box::pin(async { Ok(answer("")) }), req);
    }
    ask(
        &metrics,
        |_| Box::pin(async { Ok(answer("")) }),
        request("GET", ""),
    );
    assert_eq!(requests(&registry, "GET", "200"), Some(3.0));
    let text = testing::scrape(&registry, Format::OpenMetrics);
    let with_exemplars: Vec<&str> = text
        .lines()
        .filter(|line| line.contains(r#"# {trace_id="4bf92f35"}"#))
        .collect();
    assert_eq!(with_exemplars.len(), 2, "{text}");
    assert!(with_exemplars[0].starts_with("http_request_duration_seconds_bucket{"));
    assert!(with_exemplars[1].starts_with("http_requests_total{"));
}

#[test]
fn routes_past_the_limit_are_refused() {
    let registry = Registry::new();
    let metrics = RequestMetrics::builder(&registry)
        .route(|parts| Some(parts.uri.path().to_owned()))
        .series_limit(2)
        .build()
        .unwrap();
    for path in ["/a", "/b", "/c", "/d"] {
        let mut req = request("GET", "");
        *req.uri_mut() = path.parse().unwrap();
        ask(&metrics, |_| Box::pin(async { Ok(answer("")) }), req);
    }
    let text = registry.to_text();
    let shown = |name: &str| text.lines().filter(|line| line.starts_with(name)).count();
    assert_eq!(shown("http_requests_total{"), 2);
    assert_eq!(shown("http_request_duration_seconds_count{"), 2);
}

#[test]
fn two_in_one_registry_need_a_prefix() {
    let registry = Registry::new();
    RequestMetrics::new(&registry).unwrap();
    let before = registry.to_text();
    let error = RequestMetrics::new(&registry).unwrap_err();
    assert!(error.to_string().contains("`http_request"), "{error}");
    assert_eq!(registry.to_text(), before);
    RequestMetrics::new(&registry.scoped("client_", &[("to", "db")]).unwrap()).unwrap();
    let text = registry.to_text();
    assert!(text.contains("client_http_requests_in_flight{to=\"db\"} 0.0\n"));
}

#[test]
fn buckets_that_do_not_rise_are_refused() {
    let builder = RequestMetrics::builder(&Registry::new()).duration_buckets([1.0, 0.5]);
    let error = builder.build().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`http_request_duration_seconds`")
    );
}
