//! One scrape for one request: collects, encodes, compresses, responds.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Response;
use http::header::{self, HeaderValue};
use http_body::Body as _;
use tokio::sync::oneshot;

use crate::collect::Sink;
use crate::encode::Format;
use crate::scrape::Scrape;
use crate::scrape::body::Body;
use crate::scrape::coding::{Coder, Coding, Compressors};
use crate::scrape::deadline::Limits;
use crate::scrape::gathering;
use crate::scrape::handler_state::{HandlerState, Options, SHARED_BYTES, UNKNOWN_SIZE};
use crate::scrape::pieces::{ChunkSender, Gone};
use crate::scrape::slots::InFlight;
use crate::scrape::structures::What;

/// A body up to this size, in bytes, is sent whole, with its length.
const WHOLE_BYTES: usize = 256 * 1024;

/// The minimum size of a larger body's chunks, in bytes, except the last.
const CHUNK_BYTES: usize = 64 * 1024;

/// The longest time for which a scrape may delay other connections of its thread.
const QUICK: Duration = Duration::from_millis(1);

/// The state of a response created on the blocking pool.
enum Delivery {
    /// Nothing is sent yet.
    Whole(oneshot::Sender<Response<Body>>),
    /// The response's head is sent, and perhaps chunks.
    Chunks(ChunkSender),
    /// The reader has gone, or has all that it wants.
    Ended,
}

/// One scrape for one request.
pub(crate) struct Job {
    pub(crate) scrape: Scrape,
    pub(crate) coding: Coding,
    /// True if the request has no filter.
    pub(crate) everything: bool,
    pub(crate) head_only: bool,
    /// True if the scrape has to wait for sources or collectors.
    pub(crate) has_waiting: bool,
    pub(crate) limits: Limits,
    /// Ends once the body is made.
    pub(crate) in_flight: Option<InFlight>,
    pub(crate) options: Arc<Options>,
    pub(crate) shared: Arc<HandlerState>,
    pub(crate) compressors: Compressors,
}

impl Job {
    /// Waits on this thread for sources and collectors that may wait.
    fn gather(&mut self, is_wanted: &dyn Fn() -> bool) {
        if self.has_waiting {
            let HandlerState {
                registry, memory, ..
            } = &*self.shared;
            let gathered = gathering::gather(registry, self.limits.collected, memory, is_wanted);
            self.scrape.with_prepared(gathered);
        }
    }

    /// Writes the families of the response to any sink, within the same limits.
    pub(crate) fn collect_into(&mut self, sink: &mut dyn Sink, is_wanted: &dyn Fn() -> bool) {
        self.gather(is_wanted);
        self.scrape.collect_into(sink);
    }

    pub(crate) fn coder(&mut self) -> Coder {
        let what = What {
            format: self.scrape.format(),
            escaping: self.scrape.chosen_escaping(),
        };
        // Requests select single families in any combination, and protobuf messages have no lines.
        let has_structure = self.everything && what.format != Format::Protobuf;
        let what = has_structure.then_some(what);
        let coder = Coder::new(self.coding, what, &self.compressors);
        if coder.is_identity() {
            // Do not declare a compression that was not possible.
            self.coding = Coding::Identity;
        }
        coder
    }

    /// Encodes everything into one buffer, on this thread, without a time limit.
    pub(crate) fn run_here(mut self) -> Response<Body> {
        self.gather(&|| true);
        // No text is longer.
        let body = self.encode_whole(usize::MAX).unwrap_or_default();
        self.whole_response(Body::whole(body))
    }

    /// Encodes everything on this thread if the text is still small.
    pub(crate) fn answer_if_small(&mut self) -> Option<Response<Body>> {
        let body = self.encode_whole(WHOLE_BYTES)?;
        Some(self.whole_response(Body::whole(body)))
    }

    fn encode_whole(&mut self, limit: usize) -> Option<Vec<u8>> {
        let started = Instant::now();
        let size = match self.shared.size.load(Ordering::Relaxed) {
            UNKNOWN_SIZE => 0,
            size => size.min(WHOLE_BYTES),
        };
        // Room for growth since the last scrape.
        let mut text = Vec::with_capacity(size + size / 8);
        if !self.scrape.append_up_to(limit, &mut text) {
            self.forget();
            return None;
        }
        let size = text.len();
        let mut coder = self.coder();
        let mut body = Vec::new();
        coder.code(&mut text, &mut body);
        coder.finish(&mut body);
        self.learn(started, size);
        Some(body)
    }

    /// Returns whether simultaneous requests can share the bytes: they are equal, and small enough for memory.
    pub(crate) fn can_be_shared(&self) -> bool {
        self.everything
            && !self.has_waiting
            && self.shared.size.load(Ordering::Relaxed) <= SHARED_BYTES
    }

    /// Encodes everything; returns `None` if the text exceeds `limit` bytes.
    pub(crate) fn encode_up_to(&mut self, limit: usize) -> Option<Bytes> {
        let started = Instant::now();
        let mut coder = self.coder();
        let is_identity = coder.is_identity();
        let room = if is_identity {
            self.shared.size.load(Ordering::Relaxed).min(limit)
        } else {
            CHUNK_BYTES
        };
        // Room for growth since the last scrape.
        let mut out = Vec::with_capacity(room + room / 8);
        let mut size = 0;
        let scrape = self.scrape.clone();
        let ended = scrape.chunks(|text| {
            size += text.len();
            if size > limit {
                return ControlFlow::Break(());
            }
            if is_identity {
                // Append to the reserved buffer: the coder would replace it by the text's buffer.
                out.append(text);
            } else {
                coder.code(text, &mut out);
            }
            ControlFlow::Continue(())
        });
        if ended.is_break() {
            self.forget();
            return None;
        }
        coder.finish(&mut out);
        self.learn(started, size);
        Some(out.into())
    }

    /// Encodes on a thread that may block. Responds once the body is whole, or too large to be kept.
    pub(crate) fn run(mut self, answer: oneshot::Sender<Response<Body>>) {
        self.gather(&|| !answer.is_closed());
        let started = Instant::now();
        let mut coder = self.coder();
        let mut delivery = Delivery::Whole(answer);
        let mut size = 0;
        let mut out = Vec::new();
        let scrape = self.scrape.clone();
        let ended = scrape.chunks(|text| {
            let room = text.capacity();
            size += text.len();
            coder.code(text, &mut out);
            text.reserve(room);
            let before = std::mem::replace(&mut delivery, Delivery::Ended);
            delivery = self.deliver(before, &mut out);
            match delivery {
                Delivery::Ended => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        });
        if ended.is_break() {
            return;
        }
        coder.finish(&mut out);
        self.learn(started, size);
        match delivery {
            Delivery::Whole(answer) => {
                // A reader that has gone needs no response.
                let _ = answer.send(self.whole_response(Body::whole(out)));
            }
            Delivery::Chunks(chunks) => {
                if out.is_empty() || chunks.send(out.into()).is_ok() {
                    self.in_flight = None;
                    chunks.finish();
                }
            }
            Delivery::Ended => {}
        }
    }

    /// Sends the finished bytes, if they are enough for a chunk.
    fn deliver(&mut self, delivery: Delivery, out: &mut Vec<u8>) -> Delivery {
        let chunks = match delivery {
            Delivery::Ended => return Delivery::Ended,
            Delivery::Whole(answer) if answer.is_closed() => return Delivery::Ended,
            Delivery::Whole(answer) if out.len() <= WHOLE_BYTES => return Delivery::Whole(answer),
            Delivery::Whole(answer) => match self.begin_chunks(answer) {
                Some(chunks) => chunks,
                None => return Delivery::Ended,
            },
            Delivery::Chunks(chunks) if out.len() < CHUNK_BYTES => {
                return Delivery::Chunks(chunks);
            }
            Delivery::Chunks(chunks) => chunks,
        };
        match chunks.send(Bytes::from(std::mem::take(out))) {
            Ok(()) => Delivery::Chunks(chunks),
            Err(Gone) => Delivery::Ended,
        }
    }

    /// Responds with a body in chunks, unless the reader has gone.
    fn begin_chunks(&mut self, answer: oneshot::Sender<Response<Body>>) -> Option<ChunkSender> {
        // Recorded now, because a scrape never reaches its end after its reader has gone.
        self.shared.quick.store(false, Ordering::Relaxed);
        let (chunks, body) = Body::chunks();
        let body = if self.head_only {
            Body::default()
        } else {
            body
        };
        let answered = answer.send(self.response(body)).is_ok();
        (answered && !self.head_only).then_some(chunks)
    }

    /// Remembers whether the next scrape may run on the calling thread. A filtered scrape is not representative.
    pub(crate) fn learn(&self, started: Instant, size: usize) {
        if self.everything {
            let quick = size <= WHOLE_BYTES && started.elapsed() <= QUICK;
            self.shared.quick.store(quick, Ordering::Relaxed);
            self.shared.size.store(size, Ordering::Relaxed);
        }
    }

    /// Forgets the size of the text, which has become larger than expected.
    fn forget(&self) {
        self.shared.quick.store(false, Ordering::Relaxed);
        self.shared.size.store(UNKNOWN_SIZE, Ordering::Relaxed);
    }

    pub(crate) fn whole_response(&mut self, body: Body) -> Response<Body> {
        let length = body.size_hint().lower();
        let body = if self.head_only {
            Body::default()
        } else {
            body
        };
        let mut response = self.response(body);
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, length.into());
        self.in_flight = None;
        response
    }

    pub(crate) fn response(&mut self, mut body: Body) -> Response<Body> {
        if let Some(in_flight) = &self.in_flight {
            body.count(|pieces| in_flight.count(pieces));
        }
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        let content_type = HeaderValue::try_from(self.scrape.content_type())
            .unwrap_or_else(|_| HeaderValue::from_static(self.scrape.format().content_type()));
        headers.insert(header::CONTENT_TYPE, content_type);
        headers.insert(
            header::VARY,
            HeaderValue::from_static("Accept, Accept-Encoding"),
        );
        if let Some(coding) = self.coding.header() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        response
    }
}
