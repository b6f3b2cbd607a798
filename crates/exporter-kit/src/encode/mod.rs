//! Formats: which there are, and the encoders that write them. Encoders know kinds, but no metric type.

mod bounds;
mod copy;
pub(crate) mod escape;
mod escaping;
mod heads;
mod label_fields;
pub(crate) mod number;
#[cfg(feature = "experimental-openmetrics-2")]
mod openmetrics2;
mod protobuf;
mod sample_names;
mod short;
mod text;
mod wire;

use std::fmt;
use std::ops::ControlFlow;

pub use escaping::Escaping;

use crate::collect::Sink;
pub(crate) use heads::{HELP_KEYWORD, text_header};
use protobuf::ProtobufEncoder;
pub(crate) use sample_names::sample_names;
use text::TextEncoder;

/// An exposition format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Format {
    /// The Prometheus text format 0.0.4, which everything understands.
    #[default]
    Text,
    /// The Prometheus text format 1.0.0: 0.0.4 and UTF-8 names in quotes.
    TextUtf8,
    /// OpenMetrics text 1.0.0: exemplars, units, created timestamps.
    OpenMetrics,
    /// Length-delimited protobuf messages `io.prometheus.client.MetricFamily`: native histograms as well.
    Protobuf,
    /// OpenMetrics text 2.0.0, release candidate 0: experimental, and given only to who asks for it.
    #[cfg(feature = "experimental-openmetrics-2")]
    OpenMetrics2,
}

impl Format {
    /// All formats, the one that everything understands first.
    pub const ALL: &'static [Self] = &[
        Self::Text,
        Self::TextUtf8,
        Self::OpenMetrics,
        Self::Protobuf,
        #[cfg(feature = "experimental-openmetrics-2")]
        Self::OpenMetrics2,
    ];

    /// The exact `Content-Type` of a body in this format, without the `escaping` parameter.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::TextUtf8 => "text/plain; version=1.0.0; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            #[cfg(feature = "experimental-openmetrics-2")]
            Self::OpenMetrics2 => "application/openmetrics-text; version=2.0.0; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.content_type())
    }
}

/// Takes what an encoder has written so far, out of the buffer; `Break` ends the scrape.
pub(crate) type ChunkFn<'a> = dyn FnMut(&mut Vec<u8>) -> ControlFlow<()> + 'a;

/// Where an encoder writes to: a buffer that is handed over when it has `chunk_bytes`, and at the end.
pub(crate) struct Output<'a> {
    pub(crate) bytes: Vec<u8>,
    chunk_bytes: usize,
    on_chunk: &'a mut ChunkFn<'a>,
    /// Who takes the chunks wants no more of them.
    pub(crate) stopped: bool,
}

impl<'a> Output<'a> {
    pub(crate) fn new(bytes: Vec<u8>, chunk_bytes: usize, on_chunk: &'a mut ChunkFn<'a>) -> Self {
        Self {
            bytes,
            chunk_bytes,
            on_chunk,
            stopped: false,
        }
    }

    /// To be called between points.
    #[inline]
    fn hand_over_if_full(&mut self) {
        if self.bytes.len() >= self.chunk_bytes {
            self.stopped = (self.on_chunk)(&mut self.bytes).is_break();
        }
    }

    fn finish(&mut self) -> ControlFlow<()> {
        if self.stopped {
            ControlFlow::Break(())
        } else {
            (self.on_chunk)(&mut self.bytes)
        }
    }
}

/// Something that can be encoded. Generic, so that each encoder's code is inlined where its points come from.
pub(crate) trait Give {
    fn give_to<S: Sink>(&self, sink: &mut S);
}

/// Writes what `source` gives, in that format; `created` as samples of their own where the format has it so.
pub(crate) fn encode(
    format: Format,
    escaping: Escaping,
    created: bool,
    output: Output<'_>,
    source: &impl Give,
) -> ControlFlow<()> {
    match format {
        Format::Text | Format::TextUtf8 | Format::OpenMetrics => {
            let mut encoder = TextEncoder::new(format, escaping, created, output);
            source.give_to(&mut encoder);
            encoder.finish()
        }
        #[cfg(feature = "experimental-openmetrics-2")]
        Format::OpenMetrics2 => {
            let mut encoder = openmetrics2::OpenMetrics2Encoder::new(escaping, output);
            source.give_to(&mut encoder);
            encoder.finish()
        }
        Format::Protobuf => {
            let mut encoder = ProtobufEncoder::new(escaping, output);
            source.give_to(&mut encoder);
            encoder.finish()
        }
    }
}
