//! What is known about a registry's expositions between scrapes, and whether it is worth using.

use std::sync::{Arc, Mutex};

use super::stream::{Learned, Stream, Structure};
use super::units::MAX_LINES;
use crate::encode::{Escaping, Format};
use crate::sync::lock;

/// Smaller texts, in bytes, are left to the ordinary compressor. Measured with gauges that have three labels: from
/// here on the body is no larger than the one it makes. The codes at the beginning of a stream, 160 bytes that
/// it writes in fewer, make smaller ones larger, and there are only some 20 microseconds to be saved.
const WORTHWHILE_BYTES: usize = 8 * 1024;

/// Structures of this many expositions are kept, those asked for last: one in each text format, as scrapers of
/// one place escape names alike.
const KEPT: usize = 3;

/// Codes are made anew every so many scrapes, and more often at first: after 1, 2, 4, 8 and 16. Counting symbols
/// for it costs a tenth of a scrape.
const SCRAPES_PER_CODES: u32 = 32;

/// After so many scrapes something that was not worthwhile is tried again.
const REST: u32 = 100;

/// So many scrapes may begin while one learns; if nothing was learned by then its reader went away.
const LEARNING: u32 = 32;

/// Which exposition: what makes text another text at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct What {
    pub(crate) format: Format,
    pub(crate) escaping: Option<Escaping>,
}

/// The structures of one registry's expositions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Structures(Arc<Mutex<Vec<Kept>>>);

#[derive(Debug)]
struct Kept {
    what: What,
    /// How often its structure was used.
    scrapes: u32,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing is known but how large the text was last.
    Unknown(Size),
    Known(Structure),
    /// Structure is being learned, or was found not to be worthwhile, for so many scrapes from now.
    Rests(u32),
}

/// How large a text is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Size {
    pub(crate) bytes: usize,
    pub(crate) lines: usize,
}

impl Size {
    fn is_worthwhile(self) -> bool {
        self.bytes >= WORTHWHILE_BYTES && self.lines <= MAX_LINES
    }
}

/// How to compress a scrape.
pub(crate) enum Plan {
    /// With the ordinary compressor.
    Ordinary,
    /// With the ordinary compressor, giving this stream the text as well.
    Learn(Box<Stream>),
    /// With this stream.
    Known(Box<Stream>),
}

impl Structures {
    pub(crate) fn plan(&self, what: What) -> Plan {
        let mut all = lock(&self.0);
        let kept = find(&mut all, what);
        match &mut kept.state {
            State::Unknown(size) if !size.is_worthwhile() => Plan::Ordinary,
            State::Unknown(_) => {
                kept.state = State::Rests(LEARNING);
                Plan::Learn(Box::new(Stream::new(Structure::empty(), true)))
            }
            State::Known(structure) => {
                kept.scrapes = kept.scrapes.wrapping_add(1);
                let counts = kept.scrapes.is_power_of_two()
                    || kept.scrapes.is_multiple_of(SCRAPES_PER_CODES);
                Plan::Known(Box::new(Stream::new(structure.clone(), counts)))
            }
            State::Rests(scrapes) => {
                *scrapes -= 1;
                if *scrapes == 0 {
                    kept.state = State::Unknown(Size::default());
                }
                Plan::Ordinary
            }
        }
    }

    /// Says how large a text was that was compressed the ordinary way.
    pub(crate) fn saw(&self, what: What, size: Size) {
        if let State::Unknown(last) = &mut find(&mut lock(&self.0), what).state {
            *last = size;
        }
    }

    /// Keeps what a stream has learned beside an ordinary compressor, which made `ordinary_bytes`.
    pub(crate) fn learned(&self, what: What, stream: Stream, ordinary_bytes: usize) {
        let learned = stream.finish(&mut Vec::new());
        self.keep(what, learned, |learned| {
            // It takes a quarter of the time, but not for a body that is much larger.
            let bytes = learned.bytes.unwrap_or(usize::MAX);
            bytes <= ordinary_bytes + ordinary_bytes / 5
        });
    }

    /// Ends a stream, and keeps what it has learned.
    pub(crate) fn finish(&self, what: What, stream: Stream, out: &mut Vec<u8>) {
        let learned = stream.finish(out);
        if learned.as_ref().is_some_and(|learned| !learned.changed) {
            return;
        }
        // Searching is what the ordinary compressor does better.
        self.keep(what, learned, |learned| {
            learned.missed <= learned.size.lines / 2
        });
    }

    fn keep(&self, what: What, learned: Option<Learned>, worthwhile: impl Fn(&Learned) -> bool) {
        let state = match learned {
            Some(Learned { size, .. }) if !size.is_worthwhile() => State::Unknown(size),
            Some(learned) if worthwhile(&learned) => {
                log::debug!(
                    "the structure of {} takes {} bytes for {} lines",
                    what.format,
                    learned.structure.bytes(),
                    learned.size.lines,
                );
                State::Known(learned.structure)
            }
            _ => State::Rests(REST),
        };
        find(&mut lock(&self.0), what).state = state;
    }
}

/// What is kept of an exposition, the one used last first.
fn find(all: &mut Vec<Kept>, what: What) -> &mut Kept {
    let kept = match all.iter().position(|kept| kept.what == what) {
        Some(at) => all.remove(at),
        None => Kept {
            what,
            scrapes: 0,
            state: State::Unknown(Size::default()),
        },
    };
    all.truncate(KEPT - 1);
    all.insert(0, kept);
    &mut all[0]
}
