//! One connection, from its first byte to its end, whatever the protocol.

use std::sync::Arc;

use tokio::time::timeout;

use crate::server::encryption::Encryption;
use crate::server::http1;
use crate::server::peer::Peer;
use crate::server::service::Service;
use crate::server::shutdown::Stopped;
use crate::server::timeouts::HEAD_TIMEOUT;
use crate::server::tracked_stream::TrackedStream;
use crate::sync::first;

/// Serves the connections of a server.
#[derive(Clone)]
pub(crate) struct Connections {
    pub(crate) service: Arc<Service>,
    pub(crate) encryption: Option<Arc<dyn Encryption>>,
    pub(crate) stopped: Stopped,
}

impl Connections {
    /// Serves one connection until its client closes it, or the server stops.
    pub(crate) async fn serve(mut self, stream: TrackedStream, peer: Peer) {
        // An answer is one write; waiting for more would only delay it. If this fails, answers arrive later.
        let _ = stream.stream.set_nodelay();
        let _open = self
            .service
            .self_metrics()
            .map(|metrics| metrics.connected());
        // A silent client costs no buffers.
        let mut spoke = false;
        let speaks = async {
            // tokio reports `readable` before it has tried; peeking does try.
            spoke = matches!(timeout(HEAD_TIMEOUT, stream.stream.peek()).await, Ok(Ok(1)));
        };
        first(speaks, self.stopped.wait()).await;
        if spoke {
            match self.encryption {
                Some(encryption) => {
                    encryption
                        .serve(stream, self.service, peer, self.stopped)
                        .await;
                }
                None => Box::pin(http1::serve(stream, self.service, peer, self.stopped)).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncReadExt as _;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::Instant;

    use super::*;
    use crate::server::router::Router;
    use crate::server::shutdown;
    use crate::server::tracked_stream::Activity;

    fn connections(stopped: Stopped) -> Connections {
        Connections {
            service: Arc::new(Service::new(Router::with_page(0), None, None)),
            encryption: None,
            stopped,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(address).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let (_stop, stopped) = shutdown::channel();
        let stream = TrackedStream {
            stream: stream.into(),
            activity: Activity::new(Instant::now()),
        };
        tokio::spawn(connections(stopped).serve(stream, Peer::Local));
        let before = Instant::now();
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).await.unwrap();
        let took = before.elapsed();
        assert!(took >= HEAD_TIMEOUT, "{took:?}");
        assert!(took < HEAD_TIMEOUT + Duration::from_millis(10), "{took:?}");
        assert!(rest.is_empty());
    }
}
