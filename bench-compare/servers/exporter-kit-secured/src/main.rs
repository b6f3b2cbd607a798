//! One gauge with exporter-kit, behind a web configuration file: `PORT FILE`.

use exporter_kit::{Registry, Server};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(port), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("usage: PORT FILE".into());
    };
    let registry = Registry::new();
    let sessions = registry.gauge("app_active_sessions", "Number of active user sessions")?;
    sessions.set(45);
    let _server = Server::builder(&registry)
        .listen(([127, 0, 0, 1], port.parse()?))
        .with(exporter_kit::toolkit::WebConfigFile::new(file))
        // The peers show nothing of their own.
        .self_metrics(false)
        .start()?;
    loop {
        std::thread::park();
    }
}
