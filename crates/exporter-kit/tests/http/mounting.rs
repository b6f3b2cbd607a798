//! The handler in the caller's own server, and the server in the caller's own runtime.

use std::convert::Infallible;
use std::net::SocketAddr;

use exporter_kit::scrape::MetricsHandler;
use exporter_kit::{Registry, Server};
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use super::client::{Client, get};
use super::port::Port;

fn runtimes() -> [Runtime; 2] {
    [
        Builder::new_current_thread().enable_all().build().unwrap(),
        Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap(),
    ]
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.gauge("up", "Help.").unwrap().set(1);
    registry
}

/// Runs a server in each kind of runtime, and a blocking client beside it.
fn with_server<S: Future<Output = ()> + Send + 'static>(
    server: impl Fn(TcpListener) -> S,
    client: fn(SocketAddr),
) {
    for runtime in runtimes() {
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let server = tokio::spawn(server(listener));
            tokio::task::spawn_blocking(move || client(address))
                .await
                .unwrap();
            server.abort();
        });
    }
}

fn scrape_twice(address: SocketAddr) {
    let mut client = Client::connect(address);
    // The first scrape runs on the pool of blocking threads, the second where it is asked for.
    for _ in 0..2 {
        let answer = client.get("/metrics?name[]=up", &[]);
        assert!(answer.text().ends_with("\nup 1.0\n"), "{}", answer.text());
        let answer = client.get("/metrics", &["Accept: application/openmetrics-text"]);
        assert!(answer.text().ends_with("\nup 1.0\n# EOF\n"));
        let head = client.request("HEAD", "/metrics", &[]);
        let length: usize = head.header("content-length").unwrap().parse().unwrap();
        assert_eq!(length, client.get("/metrics", &[]).body.len());
        assert_eq!(client.request("POST", "/metrics", &[]).status, 405);
    }
}

#[test]
fn in_axum() {
    with_server(
        |listener| {
            let app = axum::Router::<()>::new()
                .route_service("/metrics", MetricsHandler::new(&registry()));
            async { axum::serve(listener, app).await.unwrap() }
        },
        scrape_twice,
    );
}

#[test]
fn in_hyper() {
    with_server(
        |listener| {
            let handler = MetricsHandler::new(&registry());
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let service = hyper_util::service::TowerToHyperService::new(handler.clone());
                    let io = hyper_util::rt::TokioIo::new(stream);
                    tokio::spawn(
                        hyper::server::conn::http1::Builder::new().serve_connection(io, service),
                    );
                }
            }
        },
        scrape_twice,
    );
}

#[test]
fn in_a_function_of_the_callers() {
    with_server(
        |listener| {
            let handler = MetricsHandler::new(&registry());
            async move {
                let (stream, _) = listener.accept().await.unwrap();
                let service = hyper::service::service_fn(move |req| {
                    let response = handler.respond(&req);
                    async { Ok::<_, Infallible>(response.await) }
                });
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(hyper_util::rt::TokioIo::new(stream), service)
                    .await
                    .unwrap();
            }
        },
        scrape_twice,
    );
}

#[test]
fn without_any_server_or_runtime() {
    let handler = MetricsHandler::new(&registry());
    let req = http::Request::new(());
    let mut response = std::pin::pin!(async {
        let response = handler.respond(&req).await;
        response.into_body().collect().await.unwrap().to_bytes()
    });
    let mut ctx = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(body) = response.as_mut().poll(&mut ctx) else {
        panic!("nothing to wait for")
    };
    assert!(body.ends_with(b"\nup 1.0\n"));
}

#[test]
fn the_server_runs_in_the_callers_runtime_until_its_future_resolves() {
    for runtime in runtimes() {
        let (stop, stopped) = oneshot::channel::<()>();
        runtime.block_on(async {
            let port = Port::reserve();
            let address = port.address;
            let listener = TcpListener::bind(address).await.unwrap();
            let server = Server::builder(&registry())
                .listener(listener)
                .self_metrics(false)
                .bind()
                .unwrap();
            assert_eq!(server.local_addresses(), [address]);
            let server = tokio::spawn(server.run(async { stopped.await.unwrap() }));
            tokio::task::spawn_blocking(move || {
                scrape_twice(address);
                assert_eq!(get(address, "/", &[]).status, 200);
            })
            .await
            .unwrap();
            stop.send(()).unwrap();
            server.await.unwrap().unwrap();
            // The port is free at once.
            TcpListener::bind(address).await.unwrap();
        });
    }
}

#[test]
fn dropping_the_servers_future_frees_its_port() {
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let server = Server::builder(&registry())
            .listen("127.0.0.1:0")
            .bind()
            .unwrap();
        let address = server.local_addresses()[0];
        let server = tokio::spawn(server.run(std::future::pending()));
        let mut client = tokio::task::spawn_blocking(move || {
            let mut client = Client::connect(address);
            client.get("/metrics", &[]);
            client
        })
        .await
        .unwrap();
        server.abort();
        let rest = tokio::task::spawn_blocking(move || client.receive_all());
        assert!(rest.await.unwrap().is_empty());
    });
}
