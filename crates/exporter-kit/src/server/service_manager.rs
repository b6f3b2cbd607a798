//! The service manager that started the program, and the events that it is notified of.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::server::lifecycle::Lifecycle;

/// A service manager that follows the state of a server, such as systemd.
///
/// Notified from the server's thread and from threads that reload; must not block for long. Handles its own errors.
pub(crate) trait ServiceManager: fmt::Debug + Send + Sync {
    /// Reports an event.
    fn notify(&self, event: Event<'_>);

    /// The interval at which it wants [`Event::Alive`], if it does.
    fn keep_alive_interval(&self) -> Option<Duration>;
}

/// An event in the life of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    /// The server answers and the program is ready; with a status for operators.
    Ready(&'a str),
    /// The program begins to reload its configuration.
    Reloading,
    /// The reload is over, successful or not.
    Reloaded,
    /// The server still accepts connections and runs requests.
    Alive,
    /// The server is about to end.
    Stopping,
}

/// The notifications of one server to its service manager, if there is one.
#[derive(Debug)]
pub(crate) struct Notifications {
    service_manager: Option<Arc<dyn ServiceManager>>,
    status: String,
}

impl Notifications {
    pub(crate) fn new(service_manager: Option<Arc<dyn ServiceManager>>, urls: &[String]) -> Self {
        Self {
            service_manager,
            status: match urls {
                [] => "Serving metrics".to_owned(),
                urls => format!("Serving metrics at {}", urls.join(", ")),
            },
        }
    }

    pub(crate) fn send(&self, event: Event<'_>) {
        if let Some(service_manager) = &self.service_manager {
            service_manager.notify(event);
        }
    }

    /// Reports when the server is ready, and from then on, at intervals, that it accepts connections and that its
    /// runtime runs tasks. Never returns.
    pub(crate) async fn keep_sending(&self, lifecycle: &Lifecycle, accepting: &[JoinHandle<()>]) {
        lifecycle.ready().await;
        self.send(Event::Ready(&self.status));
        let interval = self
            .service_manager
            .as_ref()
            .and_then(|manager| manager.keep_alive_interval());
        if let Some(interval) = interval {
            while accepting.iter().all(|task| !task.is_finished()) {
                // A task, as a request is: it waits as long as a request would if no thread is free.
                if tokio::spawn(async {}).await.is_ok() {
                    self.send(Event::Alive);
                }
                tokio::time::sleep(interval).await;
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
    use crate::sync::first;

    const PULSE: Duration = Duration::from_secs(5);

    #[derive(Debug, Default)]
    struct Recorder(Mutex<Vec<String>>);

    impl Recorder {
        fn take(&self) -> Vec<String> {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    impl ServiceManager for Recorder {
        fn notify(&self, event: Event<'_>) {
            self.0.lock().unwrap().push(format!("{event:?}"));
        }

        fn keep_alive_interval(&self) -> Option<Duration> {
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
            let told = Arc::new(Recorder::default());
            let urls = ["http://localhost:8000/metrics".to_owned()];
            let notifications = Notifications::new(Some(told.clone()), &urls);
            let readiness = Readiness::waiting();
            let lifecycle = Lifecycle::new(readiness.clone());
            let accepts = tokio::spawn(std::future::pending());
            let stop = accepts.abort_handle();
            let accepting = [accepts];
            let mut sending = pin!(notifications.keep_sending(&lifecycle, &accepting));
            let mut later = async |time| {
                first(tokio::time::sleep(time), sending.as_mut()).await;
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
