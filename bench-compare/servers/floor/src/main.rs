//! The least a server can do: hyper on one thread, answering a body that stands ready.

#[path = "../../serve.rs"]
#[allow(dead_code, reason = "a fixed body does not change")]
mod serve;
#[path = "../../../src/workload.rs"]
#[allow(dead_code, reason = "it serves more than this program")]
mod workload;

use std::convert::Infallible;
use std::fmt::Write as _;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Response, server::conn::http1};
use hyper_util::rt::TokioIo;
use serve::{arguments, sessions};
use workload::{EXERCISE, EXERCISE_HELP, GAUGE_FAMILIES, HELP, LABELS, gauge_name, labels, value};

fn main() -> std::io::Result<()> {
    let (port, series) = arguments();
    let body = Bytes::from(body(series));
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
            loop {
                let (stream, _) = listener.accept().await?;
                let body = body.clone();
                tokio::spawn(async move {
                    let answer = service_fn(move |_| {
                        let mut response = Response::new(Full::new(body.clone()));
                        let text = "text/plain; version=0.0.4; charset=utf-8";
                        response
                            .headers_mut()
                            .insert(CONTENT_TYPE, text.parse().expect("is valid"));
                        async { Ok::<_, Infallible>(response) }
                    });
                    // A client that goes away is no concern of the others.
                    _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), answer)
                        .await;
                });
            }
        })
}

fn body(series: usize) -> String {
    let mut body = String::new();
    let family = |name: &str, help: &str| format!("# HELP {name} {help}\n# TYPE {name} gauge\n");
    if series == 1 {
        body += &family(EXERCISE, EXERCISE_HELP);
        _ = writeln!(body, "{EXERCISE} {:?}", sessions(0));
        return body;
    }
    for number in 0..GAUGE_FAMILIES {
        let name = gauge_name(number);
        body += &family(&name, HELP);
        for series in 0..series / GAUGE_FAMILIES {
            let values_of = labels(series);
            let pairs: Vec<_> = LABELS
                .iter()
                .zip(&values_of)
                .map(|(name, value)| format!("{name}=\"{value}\""))
                .collect();
            _ = writeln!(
                body,
                "{name}{{{}}} {:?}",
                pairs.join(","),
                value(number, series)
            );
        }
    }
    body
}
