//! What a service manager is told about a server.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::server::lifecycle::Lifecycle;

/// A service manager that started the program and wants to know how it does.
///
/// Told from the server's thread, and from those that reload; telling must not block for long. What it can't be
/// told is its own loss.
pub(crate) trait Supervisor: fmt::Debug + Send + Sync {
    fn tell(&self, news: News<'_>);

    /// How often it wants to hear [`News::Alive`], if at all.
    fn pulse(&self) -> Option<Duration>;
}

/// What a service manager is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News<'a> {
    /// The server answers and the program is ready; with what is served where, for people.
    Ready(&'a str),
    /// The program has begun to read its configuration anew.
    Reloading,
    /// It has done so, or has failed and goes on as before.
    Reloaded,
    /// Connections are still accepted and requests still run.
    Alive,
    /// The program is to end.
    Stopping,
}

/// The supervisor of one server, if it has one, and what it is told that is served.
#[derive(Debug)]
pub(crate) struct Attended {
    supervisor: Option<Arc<dyn Supervisor>>,
    status: String,
}

impl Attended {
    pub(crate) fn new(supervisor: Option<Arc<dyn Supervisor>>, urls: &[String]) -> Self {
        Self {
            supervisor,
            status: match urls {
                [] => "Serving metrics".to_owned(),
                urls => format!("Serving metrics at {}", urls.join(", ")),
            },
        }
    }

    pub(crate) fn tell(&self, news: News<'_>) {
        if let Some(supervisor) = &self.supervisor {
            supervisor.tell(news);
        }
    }

    /// Tells when the server is ready, and from then on that it is alive: that it still accepts, and that its runtime
    /// still runs what is asked of it. Never ends.
    pub(crate) async fn attend(&self, lifecycle: &Lifecycle, accepting: &[JoinHandle<()>]) {
        lifecycle.ready().await;
        self.tell(News::Ready(&self.status));
        if let Some(pulse) = self.supervisor.as_ref().and_then(|it| it.pulse()) {
            while accepting.iter().all(|task| !task.is_finished()) {
                // As a request would be served; where no thread is free for that, this waits with them.
                if tokio::spawn(async {}).await.is_ok() {
                    self.tell(News::Alive);
                }
                tokio::time::sleep(pulse).await;
            }
        }
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Mutex;

    use super::*;
    use crate::server::lifecycle::Readiness;
    use crate::server::server::first;

    const PULSE: Duration = Duration::from_secs(5);

    #[derive(Debug, Default)]
    struct Told(Mutex<Vec<String>>);

    impl Told {
        fn take(&self) -> Vec<String> {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    impl Supervisor for Told {
        fn tell(&self, news: News<'_>) {
            self.0.lock().unwrap().push(format!("{news:?}"));
        }

        fn pulse(&self) -> Option<Duration> {
            Some(PULSE)
        }
    }

    #[test]
    fn a_service_manager_hears_of_a_server_while_it_accepts_and_no_longer() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let told = Arc::new(Told::default());
            let urls = ["http://localhost:8000/metrics".to_owned()];
            let attended = Attended::new(Some(told.clone()), &urls);
            let readiness = Readiness::waiting();
            let lifecycle = Lifecycle::new(readiness.clone());
            let accepts = tokio::spawn(std::future::pending());
            let stop = accepts.abort_handle();
            let accepting = [accepts];
            let mut attending = pin!(attended.attend(&lifecycle, &accepting));
            let mut later = async |time| {
                first(tokio::time::sleep(time), attending.as_mut()).await;
                told.take()
            };
            assert!(later(PULSE * 3).await.is_empty());
            readiness.set_ready(true);
            let news = later(PULSE / 2).await;
            assert_eq!(
                news,
                [
                    r#"Ready("Serving metrics at http://localhost:8000/metrics")"#,
                    "Alive"
                ]
            );
            assert_eq!(later(PULSE * 3).await, ["Alive"; 3]);
            stop.abort();
            assert!(later(PULSE * 3).await.is_empty());
        });
    }
}
