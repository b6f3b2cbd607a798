//! Names of servers to addresses, on threads of their own.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// The limit of names that one source looks up at once.
const MOST_THREADS: usize = 16;

/// The lookups of one source, or of all targets of one template. A name without an answer takes a thread of its own source,
/// however often it is wanted.
#[derive(Clone)]
pub(crate) struct Lookups(Arc<Lane>);

struct Lane {
    /// The resolver of the system, which blocks.
    resolve: Box<Resolve>,
    threads: Arc<Semaphore>,
    running: Mutex<HashMap<Box<str>, watch::Receiver<Option<Answer>>>>,
}

type Resolve = dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// The addresses of a name, with the port 0; or the kind and text of the error.
type Answer = Result<Arc<[SocketAddr]>, (io::ErrorKind, Arc<str>)>;

/// A lookup on its thread. Dropping it makes room for the next one.
struct Running {
    lane: Arc<Lane>,
    name: Box<str>,
    found: Option<Answer>,
    answer: watch::Sender<Option<Answer>>,
    _thread: OwnedSemaphorePermit,
}

impl Lookups {
    pub(crate) fn new() -> Self {
        Self::with(|name| Ok((name, 0).to_socket_addrs()?.collect()))
    }

    fn with(resolve: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(Lane {
            resolve: Box::new(resolve),
            threads: Arc::new(Semaphore::new(MOST_THREADS)),
            running: Mutex::default(),
        }))
    }

    /// Connects to the first address of the host that accepts.
    ///
    /// # Errors
    /// When the host has no address, or none accepts. The error is that of the last one.
    pub(super) async fn connect(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in self.resolve(host).await?.iter() {
            let mut address = *address;
            address.set_port(port);
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// The addresses of a host. Waits for a thread while the source has too many names without an answer.
    pub(super) async fn resolve(&self, host: &str) -> io::Result<Arc<[SocketAddr]>> {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok([SocketAddr::new(ip, 0)].into());
        }
        let under_way = self.0.running().get(host).cloned();
        let mut answer = match under_way {
            Some(answer) => answer,
            None => {
                let threads = Arc::clone(&self.0.threads);
                let thread = threads.acquire_owned().await;
                self.0.start(host, thread.map_err(io::Error::other)?)?
            }
        };
        let answer = answer.wait_for(Option::is_some).await;
        match answer.as_deref() {
            Ok(Some(Ok(addresses))) => Ok(Arc::clone(addresses)),
            Ok(Some(Err((kind, text)))) => Err(io::Error::new(*kind, &**text)),
            Ok(None) | Err(_) => Err(io::Error::other("the lookup of the name was broken off")),
        }
    }
}

impl Lane {
    /// Starts a lookup, or joins the one that has started meanwhile.
    fn start(
        self: &Arc<Self>,
        name: &str,
        thread: OwnedSemaphorePermit,
    ) -> io::Result<watch::Receiver<Option<Answer>>> {
        let mut running = self.running();
        if let Some(answer) = running.get(name) {
            return Ok(answer.clone());
        }
        let (sender, receiver) = watch::channel(None);
        running.insert(name.into(), receiver.clone());
        drop(running);
        let lookup = Running {
            lane: Arc::clone(self),
            name: name.into(),
            found: None,
            answer: sender,
            _thread: thread,
        };
        // A failure drops the lookup, which has ended then.
        thread::Builder::new()
            .name("lookup".to_owned())
            .spawn(move || lookup.run())?;
        Ok(receiver)
    }

    fn running(&self) -> MutexGuard<'_, HashMap<Box<str>, watch::Receiver<Option<Answer>>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    fn run(mut self) {
        let found = (self.lane.resolve)(&self.name);
        let found = found.map(Arc::from);
        self.found = Some(found.map_err(|error| (error.kind(), error.to_string().into())));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.lane.running().remove(&self.name);
        if let Some(found) = self.found.take() {
            self.answer.send_replace(Some(found));
        }
    }
}

impl fmt::Debug for Lookups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lookups")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::runtime::Builder;
    use tokio::task::JoinSet;
    use tokio::time::timeout;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Lookups that say each name as they begin, and answer when `go` is dropped.
    fn silent() -> (Lookups, mpsc::Sender<()>, mpsc::Receiver<String>) {
        let (go, stop) = mpsc::channel::<()>();
        let (begun, names) = mpsc::channel();
        let stop = Mutex::new(stop);
        let lookups = Lookups::with(move |name| {
            begun.send(name.to_owned()).unwrap();
            let _ = stop.lock().unwrap().recv();
            Ok(vec![SocketAddr::from(([127, 0, 0, 1], 0))])
        });
        (lookups, go, names)
    }

    #[test]
    fn eight_hundred_names_without_an_answer_take_sixteen_threads_of_their_own() {
        // Files are read on such threads; there is one.
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (hung, go, names) = silent();
        let other = Lookups::with(|_| Ok(vec![SocketAddr::from(([127, 0, 0, 2], 0))]));
        runtime.block_on(async {
            let mut all = JoinSet::new();
            for number in 0..800 {
                let hung = hung.clone();
                all.spawn(async move { hung.resolve(&format!("shop-{number}")).await });
            }
            for _ in 0..MOST_THREADS {
                names.recv_timeout(PATIENCE).unwrap();
            }
            let read = timeout(PATIENCE, tokio::task::spawn_blocking(|| 7)).await;
            assert_eq!(read.unwrap().unwrap(), 7);
            let found = timeout(PATIENCE, other.resolve("db")).await.unwrap();
            assert_eq!(found.unwrap().len(), 1);
            assert!(names.try_recv().is_err(), "a seventeenth lookup");
            assert_eq!(hung.0.running().len(), MOST_THREADS);
            drop(go);
            while let Some(found) = timeout(PATIENCE, all.join_next()).await.unwrap() {
                assert!(found.unwrap().is_ok());
            }
        });
    }

    #[test]
    fn a_name_that_hangs_is_looked_up_once_and_again_when_it_has_ended() {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (hung, go, names) = silent();
        runtime.block_on(async {
            let mut all = JoinSet::new();
            for _ in 0..100 {
                let hung = hung.clone();
                // As at a deadline.
                all.spawn(async move {
                    timeout(Duration::from_millis(1), hung.resolve("db"))
                        .await
                        .is_err()
                });
            }
            while let Some(late) = all.join_next().await {
                assert!(late.unwrap());
            }
            names.recv_timeout(PATIENCE).unwrap();
            assert!(names.try_recv().is_err());
            drop(go);
            assert!(hung.resolve("db").await.is_ok());
            assert!(hung.resolve("db").await.is_ok());
            // One of them, or both, are lookups of their own.
            assert!(names.recv_timeout(PATIENCE).is_ok());
        });
    }

    #[test]
    fn errors_keep_their_text_and_numbers_need_no_lookup() {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let lookups = Lookups::with(move |name| {
            counted.fetch_add(1, Ordering::Relaxed);
            match name {
                "panic" => panic!("as asked"),
                _ => Err(io::Error::other("failed to lookup address information")),
            }
        });
        runtime.block_on(async {
            for ip in ["127.0.0.1", "::1"] {
                let found = lookups.resolve(ip).await.unwrap();
                assert_eq!(found[0].ip().to_string(), ip);
            }
            assert_eq!(asked.load(Ordering::Relaxed), 0);
            for _ in 0..2 {
                let error = lookups.resolve("a").await.unwrap_err();
                assert!(error.to_string().contains("lookup address"), "{error}");
                assert!(lookups.resolve("panic").await.is_err());
            }
        });
    }
}
