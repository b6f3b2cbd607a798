//! Requests with any `Accept`, `Accept-Encoding` and query.

use std::pin::pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};

use exporter_kit::scrape::MetricsHandler;
use exporter_kit::{Format, Gauge, Registry};
use http::{HeaderValue, Request, StatusCode, header};

fn handler() -> &'static MetricsHandler {
    static HANDLER: OnceLock<MetricsHandler> = OnceLock::new();
    HANDLER.get_or_init(|| {
        let registry = Registry::new();
        let gauge = Gauge::define("a.b", "h").utf8_names();
        registry.add(gauge).expect("a valid definition").set(1);
        MetricsHandler::new(&registry)
    })
}

/// Whatever is asked for, the answer is a scrape in a format and coding that exist.
///
/// The data is lines: `Accept`, `Accept-Encoding`, and what stands after `?`; further lines are more of `Accept`.
pub fn negotiation(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (accept, coding, query) = (line(), line(), line());
    let mut request = Request::builder();
    if let Some(headers) = request.headers_mut() {
        for accept in std::iter::once(accept).chain(lines.by_ref().take(4)) {
            if let Ok(value) = HeaderValue::from_bytes(accept) {
                headers.append(header::ACCEPT, value);
            }
        }
        if let Ok(value) = HeaderValue::from_bytes(coding) {
            headers.append(header::ACCEPT_ENCODING, value);
        }
    }
    let uri = [b"/metrics?", query].concat();
    let Ok(request) = request.uri(uri.as_slice()).body(()) else {
        return;
    };
    let mut answer = pin!(handler().respond(&request));
    // Outside a runtime everything is encoded at once.
    let Poll::Ready(answer) = answer
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    else {
        panic!("it waits for something");
    };
    assert_eq!(answer.status(), StatusCode::OK);
    let headers = answer.headers();
    let content_type = headers[header::CONTENT_TYPE].to_str().expect("ASCII");
    let known = |format: &&Format| content_type.starts_with(format.content_type());
    let format = Format::ALL.iter().find(known);
    assert!(format.is_some(), "{content_type}");
    if let Some(coding) = headers.get(header::CONTENT_ENCODING) {
        assert_eq!(coding, "gzip");
        assert!(request.headers().contains_key(header::ACCEPT_ENCODING));
    }
}
