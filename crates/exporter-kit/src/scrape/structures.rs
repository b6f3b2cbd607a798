//! The structures of a registry's expositions, kept between scrapes, and the decision when to use them.

use std::sync::{Arc, Mutex};

use structural_gzip::{Encoder, Learned, Structure};

use crate::encode::{Escaping, Format};
use crate::sync::lock;

/// Smaller texts, in bytes, use the ordinary compressor. Measured with gauges that have three labels: from this size
/// on, its body is not smaller. The codes at the beginning of a body take 160 bytes, and a small text would save only
/// 20 microseconds.
const WORTHWHILE_BYTES: usize = 8 * 1024;

/// The number of structures to keep, for the latest expositions: one for each text format, because the scrapers of one
/// site escape names alike.
const KEPT: usize = 3;

/// The number of scrapes between new codes. The first codes follow after 1, 2, 4, 8 and 16 scrapes. Counting symbols
/// for them takes 10 % of a scrape.
const SCRAPES_PER_CODES: u32 = 32;

/// The number of scrapes before the next attempt with a structure that was not worthwhile.
const REST: u32 = 100;

/// The number of scrapes that may begin while another one learns. After them, that scrape's client is considered gone.
const LEARNING: u32 = 32;

/// The settings that distinguish the text of one scrape from another's.
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
    /// The number of scrapes that used the structure.
    scrapes: u32,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Only the size of the last text is known.
    Unknown(Size),
    Known(Structure),
    /// The structure is being learned, or was not worthwhile. Contains the number of scrapes before the next attempt.
    Rests(u32),
}

/// The size of a text.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Size {
    pub(crate) bytes: usize,
    pub(crate) lines: usize,
}

impl Size {
    fn of(learned: &Learned) -> Self {
        Self {
            bytes: learned.text_bytes,
            lines: learned.lines,
        }
    }

    fn is_worthwhile(self) -> bool {
        self.bytes >= WORTHWHILE_BYTES && self.lines <= Structure::MAX_LINES
    }
}

/// The compressor for a scrape.
pub(crate) enum Plan {
    /// The ordinary compressor.
    Ordinary,
    /// The ordinary compressor, and an encoder that learns from the same text.
    Learn(Box<Encoder>),
    /// The structural encoder.
    Known(Box<Encoder>),
}

impl Structures {
    pub(crate) fn plan(&self, what: What) -> Plan {
        let mut all = lock(&self.0);
        let kept = find(&mut all, what);
        match &mut kept.state {
            State::Unknown(size) if !size.is_worthwhile() => Plan::Ordinary,
            State::Unknown(_) => {
                kept.state = State::Rests(LEARNING);
                Plan::Learn(Box::new(Encoder::new(Structure::new())))
            }
            State::Known(structure) => {
                kept.scrapes = kept.scrapes.wrapping_add(1);
                let renews = kept.scrapes.is_power_of_two()
                    || kept.scrapes.is_multiple_of(SCRAPES_PER_CODES);
                let encoder = Encoder::new(structure.clone());
                let encoder = if renews {
                    encoder.renew_codes()
                } else {
                    encoder
                };
                Plan::Known(Box::new(encoder))
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

    /// Records the size of a text that the ordinary compressor has compressed.
    pub(crate) fn saw(&self, what: What, size: Size) {
        if let State::Unknown(last) = &mut find(&mut lock(&self.0), what).state {
            *last = size;
        }
    }

    /// Keeps the structure learned beside the ordinary compressor, whose body has `ordinary_bytes`.
    pub(crate) fn learned(&self, what: What, encoder: Encoder, ordinary_bytes: usize) {
        let learned = encoder.finish(&mut Vec::new());
        self.keep(what, learned, |learned| {
            // The structural encoder takes a quarter of the time, but is not worthwhile for a much larger body.
            let bytes = learned.coded_bytes.unwrap_or(usize::MAX);
            bytes <= ordinary_bytes + ordinary_bytes / 5
        });
    }

    /// Ends the body of an encoder, and keeps the structure.
    pub(crate) fn finish(&self, what: What, encoder: Encoder, out: &mut Vec<u8>) {
        let learned = encoder.finish(out);
        if learned.as_ref().is_some_and(|learned| !learned.changed) {
            return;
        }
        // The ordinary compressor searches faster.
        self.keep(what, learned, |learned| {
            learned.searched <= learned.lines / 2
        });
    }

    fn keep(&self, what: What, learned: Option<Learned>, worthwhile: impl Fn(&Learned) -> bool) {
        let state = match learned {
            Some(learned) if !Size::of(&learned).is_worthwhile() => {
                State::Unknown(Size::of(&learned))
            }
            Some(learned) if worthwhile(&learned) => {
                log::debug!(
                    "the structure of {} takes {} bytes for {} lines",
                    what.format,
                    learned.structure.memory(),
                    learned.lines,
                );
                State::Known(learned.structure)
            }
            _ => State::Rests(REST),
        };
        find(&mut lock(&self.0), what).state = state;
    }
}

/// Finds or adds the entry of an exposition, and moves it to the front.
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

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    const TEXT: What = What {
        format: Format::Text,
        escaping: None,
    };

    fn gunzip(coded: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        let mut decoder = flate2::read::GzDecoder::new(coded);
        decoder.read_to_end(&mut text).unwrap();
        assert!(decoder.into_inner().is_empty(), "bytes follow the body");
        text
    }

    fn line(series: usize, value: &str) -> String {
        format!("requests_total{{path=\"/api/v1/items/{series}\",method=\"GET\"}} {value}\n")
    }

    fn lines(series: impl Iterator<Item = usize>, value: &str) -> Vec<u8> {
        let header = "# HELP requests_total Requests.\n# TYPE requests_total counter\n";
        let lines: String = series.map(|series| line(series, value)).collect();
        format!("{header}{lines}# EOF\n").into_bytes()
    }

    fn size_of_text(text: &[u8]) -> Size {
        Size {
            bytes: text.len(),
            lines: text.iter().filter(|byte| **byte == b'\n').count(),
        }
    }

    /// Compresses one scrape like the coder, and returns the plan.
    fn scrape(structures: &Structures, what: What, text: &[u8]) -> &'static str {
        match structures.plan(what) {
            Plan::Ordinary => {
                structures.saw(what, size_of_text(text));
                "ordinary"
            }
            Plan::Learn(mut encoder) => {
                encoder.encode(&mut text.to_vec(), &mut Vec::new());
                structures.learned(what, *encoder, text.len() / 2);
                "learn"
            }
            Plan::Known(mut encoder) => {
                let mut out = Vec::new();
                encoder.encode(&mut text.to_vec(), &mut out);
                structures.finish(what, *encoder, &mut out);
                assert_eq!(gunzip(&out), text);
                "known"
            }
        }
    }

    #[test]
    fn structure_is_learned_when_a_large_text_comes_again() {
        let structures = Structures::default();
        let (small, large) = (lines(0..10, "1.0"), lines(0..1000, "1.0"));
        let expected = [
            "ordinary", "ordinary", "ordinary", "learn", "known", "known",
        ];
        for (text, expected) in [&small, &small, &large, &large, &large, &large]
            .into_iter()
            .zip(expected)
        {
            assert_eq!(scrape(&structures, TEXT, text), expected);
        }
        // Other formats have their own structures; a fourth replaces the least recently used one.
        let [second, third] = [Format::OpenMetrics, Format::TextUtf8].map(|format| What {
            format,
            escaping: None,
        });
        let fourth = What {
            format: Format::OpenMetrics,
            escaping: Some(Escaping::Dots),
        };
        for what in [second, third] {
            for expected in ["ordinary", "learn", "known"] {
                assert_eq!(scrape(&structures, what, &large), expected);
            }
        }
        assert_eq!(scrape(&structures, TEXT, &large), "known");
        assert_eq!(scrape(&structures, fourth, &large), "ordinary");
        assert_eq!(scrape(&structures, TEXT, &large), "known");
        assert_eq!(scrape(&structures, third, &large), "known");
        assert_eq!(scrape(&structures, second, &large), "ordinary");
    }

    #[test]
    fn one_scrape_learns_at_a_time_and_another_if_it_ends_early() {
        let structures = Structures::default();
        let large = lines(0..1000, "1.0");
        assert_eq!(scrape(&structures, TEXT, &large), "ordinary");
        assert!(matches!(structures.plan(TEXT), Plan::Learn(_)));
        for _ in 0..32 {
            assert_eq!(scrape(&structures, TEXT, &large), "ordinary");
        }
        assert_eq!(scrape(&structures, TEXT, &large), "learn");
        // An unfinished scrape removes nothing.
        assert!(matches!(structures.plan(TEXT), Plan::Known(_)));
        assert_eq!(scrape(&structures, TEXT, &large), "known");
        // A text that has become small uses the ordinary compressor again.
        let small = lines(0..10, "1.0");
        assert_eq!(scrape(&structures, TEXT, &small), "known");
        assert_eq!(scrape(&structures, TEXT, &small), "ordinary");
        assert_eq!(scrape(&structures, TEXT, &large), "ordinary");
        assert_eq!(scrape(&structures, TEXT, &large), "learn");
    }

    #[test]
    fn what_is_another_text_each_time_is_left_alone_for_a_while() {
        let structures = Structures::default();
        let text = |round: usize| {
            let series = (0..1000).map(|i| (round * 1000 + i).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            lines(series, "1.0")
        };
        let mut plans = (0..).map(|round| scrape(&structures, TEXT, &text(round)));
        for expected in ["ordinary", "learn", "known"] {
            assert_eq!(plans.next(), Some(expected));
        }
        assert!(plans.by_ref().take(100).all(|plan| plan == "ordinary"));
        assert_eq!(plans.next(), Some("learn"));
    }

    #[test]
    fn what_would_be_too_much_is_not_even_tried() {
        let structures = Structures::default();
        let too_many = Size {
            bytes: 100 << 20,
            lines: Structure::MAX_LINES + 1,
        };
        for _ in 0..200 {
            assert!(matches!(structures.plan(TEXT), Plan::Ordinary));
            structures.saw(TEXT, too_many);
        }
        // The text may have become smaller.
        let text = lines(0..1000, "1.0");
        for expected in ["ordinary", "learn", "known"] {
            assert_eq!(scrape(&structures, TEXT, &text), expected);
        }
    }
}
