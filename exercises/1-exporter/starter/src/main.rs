//! Exercise 1: create a basic exporter. Do TODO 1, 2 and 3, in this order; each is one line to write.
//!
//! Run it at any time with `cargo run -p exercise-1-starter`, also when only the first TODO is done.
//! What the task is, and how to test it, is in `exercises/1-exporter/README.md`.

use std::error::Error;
use std::thread;
use std::time::Duration;

use exporter_kit::Registry;

fn main() -> Result<(), Box<dyn Error>> {
    // Given: the port, which is 8000, or what you say in `cargo run -p exercise-1-starter -- 9000`.
    let port: u16 = match std::env::args().nth(1) {
        Some(port) => port.parse()?,
        None => 8000,
    };

    // Given: the registry. It makes metrics and keeps them; what Prometheus scrapes is what it holds.
    let registry = Registry::new();

    // TODO 1: Define a gauge.
    //   Its name is `app_active_sessions`, its description "Number of active user sessions".
    //   Let the registry make it, and keep what it gives you in a variable `active_sessions`.
    //   That can fail (a name may be invalid, or taken), so end the line with `?;`.

    // Given: `collect_metrics()` finds out what there is to tell. It is a closure: a function that
    // can use the variables above it. A real exporter would ask the application here.
    let collect_metrics = || {
        // TODO 2: Set the gauge to a random number from 10 to 100.
        //   `fastrand::u32(1..=6)` throws a die.
    };

    // Given: collect once before anyone can ask, so that no scrape shows a 0 that nobody measured.
    collect_metrics();

    // TODO 3: Start the HTTP server.
    //   Let it listen on every IPv4 address of this machine, `[0, 0, 0, 0]`, on the port `port`,
    //   and let it show this `registry`. It runs beside this program for as long as you keep what
    //   you get back, so give that a name: `let _server = ...`. This, too, can fail.
    println!("With TODO 3 done, others see it at http://localhost:{port}/metrics");

    // Given: print what a scrape would show, wait, collect again; until you press Ctrl-C, which ends
    // the program and frees the port.
    loop {
        println!("A scrape now shows:\n{}", registry.to_text());
        thread::sleep(Duration::from_secs(5));
        collect_metrics();
    }
}
