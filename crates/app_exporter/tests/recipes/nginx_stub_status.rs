use super::Recipe;
use crate::support::{Port, Scratch, nginx};

#[test]
fn a_real_nginx_tells_its_connections() {
    let scratch = Scratch::new("nginx");
    let port = Port::reserve();
    let Some(_running) = nginx(&scratch, &port, "location = /stub_status { stub_status; }") else {
        return;
    };
    let recipe = Recipe::new("nginx-stub-status").with("127.0.0.1:8081", port.address.to_string());
    // The exporter's own request is the first one.
    assert_eq!(
        recipe.samples(),
        [
            "nginx_connections{state=\"Reading\"} 0.0",
            "nginx_connections{state=\"Writing\"} 1.0",
            "nginx_connections{state=\"Waiting\"} 0.0",
            "nginx_connections_accepted_total 1.0",
            "nginx_connections_active 1.0",
            "nginx_connections_handled_total 1.0",
            "nginx_http_requests_total 1.0",
        ]
    );
}
