//! Addresses of a server, and the errors about unusable ones.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use exporter_kit::{Registry, ServeError, Server, serve};

use super::client::{get, serve_one_gauge};

/// Returns whether this machine has an IPv6 loopback.
fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

fn answers(address: impl Into<SocketAddr>) -> bool {
    get(address.into(), "/metrics", &[]).status == 200
}

#[test]
fn a_port_alone_is_every_address() {
    let registry = Registry::new();
    let server = serve(":0", &registry).unwrap();
    let [address] = server.local_addresses() else {
        panic!("{server:?}")
    };
    let port = address.port();
    assert!(answers((Ipv4Addr::LOCALHOST, port)));
    if has_ipv6() {
        assert!(answers((Ipv6Addr::LOCALHOST, port)));
    }
    assert_eq!(server.urls(), [format!("http://localhost:{port}/metrics")]);
}

#[test]
fn addresses_may_be_written_as_the_caller_has_them() {
    let registry = Registry::new();
    for server in [
        serve(0, &registry),
        serve(([0, 0, 0, 0], 0), &registry),
        serve((Ipv4Addr::LOCALHOST, 0), &registry),
        serve(SocketAddr::from(([127, 0, 0, 1], 0)), &registry),
        serve("0.0.0.0:0", &registry),
    ] {
        let server = server.unwrap();
        assert!(answers((
            Ipv4Addr::LOCALHOST,
            server.local_addresses()[0].port()
        )));
    }
    // Of IPv4 and IPv6 the first that the system names.
    let server = serve(String::from("localhost:0"), &registry).unwrap();
    assert!(answers(server.local_addresses()[0]));
}

#[test]
fn the_ipv6_wildcard_takes_ipv4_as_well() {
    if !has_ipv6() {
        return;
    }
    let registry = Registry::new();
    let server = serve("[::]:0", &registry).unwrap();
    let port = server.local_addresses()[0].port();
    assert!(answers((Ipv4Addr::LOCALHOST, port)));
    assert!(answers((Ipv6Addr::LOCALHOST, port)));
}

#[test]
fn both_wildcards_may_be_listed_with_one_port() {
    if !has_ipv6() {
        return;
    }
    let registry = Registry::new();
    // A port that was free a moment ago may be taken by another test by now.
    let server = (0..20)
        .find_map(|_| {
            let port = TcpListener::bind("[::]:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port();
            let server = Server::builder(&registry)
                .listen(format!("[::]:{port}"))
                .listen(([0, 0, 0, 0], port))
                .start();
            match server {
                Err(ServeError::Listen { source, .. }) if source.kind() == ErrorKind::AddrInUse => {
                    None
                }
                server => Some(server.unwrap()),
            }
        })
        .unwrap();
    let [v6, v4] = server.local_addresses() else {
        panic!("{server:?}")
    };
    assert!(v6.is_ipv6() && v4.is_ipv4());
    assert!(answers((Ipv4Addr::LOCALHOST, v4.port())));
    assert!(answers((Ipv6Addr::LOCALHOST, v6.port())));
    assert_eq!(server.urls().len(), 1);
}

#[test]
fn a_server_may_have_several_addresses_and_the_callers_listeners() {
    let (registry, _server, _) = serve_one_gauge();
    let own = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::builder(&registry)
        .listen("127.0.0.1:0")
        .listen("127.0.0.1:0")
        .listener(own)
        .start()
        .unwrap();
    assert_eq!(server.local_addresses().len(), 3);
    assert!(
        server
            .local_addresses()
            .iter()
            .all(|address| answers(*address))
    );
}

#[test]
fn a_taken_port_is_named_with_what_to_do() {
    let (registry, _server, address) = serve_one_gauge();
    let error = serve(address, &registry).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot listen on `{address}`: the port is in use; stop the program that listens on it (`ss -ltnp` names it) or choose another port"
        )
    );
}

#[test]
fn what_cannot_be_served_is_an_error_that_says_why() {
    let registry = Registry::new();
    let builder = || Server::builder(&registry);
    for (error, expected) in [
        (
            builder().listen("nonsense").start().unwrap_err(),
            "`nonsense` is not an address to listen on; write `:8000`",
        ),
        (
            builder().start().unwrap_err(),
            "cannot start the server: it has no address to listen on; add one with `listen`",
        ),
        (
            builder()
                .listen("127.0.0.1:0")
                .metrics_path("metrics")
                .start()
                .unwrap_err(),
            "cannot serve the metrics at `metrics`: the path is invalid; write one that begins with `/`",
        ),
        (
            // An address for documentation, which no machine has.
            builder().listen("192.0.2.1:0").start().unwrap_err(),
            "cannot listen on `192.0.2.1:0`: this machine does not have the address; choose one",
        ),
        (
            builder()
                .listen("no-such-host.invalid:0")
                .start()
                .unwrap_err(),
            "cannot listen on `no-such-host.invalid:0`: ",
        ),
    ] {
        let error = error.to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}
