//! Encodes any collector, in any format.

use std::ops::ControlFlow;

use crate::collect::Sink;
use crate::encode::escaping::Escaping;
use crate::encode::format::Format;
#[cfg(feature = "experimental-openmetrics-2")]
use crate::encode::openmetrics2::OpenMetrics2Encoder;
use crate::encode::output::Output;
use crate::encode::protobuf::ProtobufEncoder;
use crate::encode::scraped::{Form, ScrapedSink};
use crate::encode::text::TextEncoder;

/// Anything that can be encoded. Generic, so that the compiler can inline the encoder where samples are produced.
pub(crate) trait Give {
    fn give_to<S: Sink>(&self, sink: &mut S);
}

/// Writes the families of `source` in that format. `created` adds start times as samples where the format has them.
pub(crate) fn encode(
    format: Format,
    escaping: Escaping,
    created: bool,
    output: Output<'_>,
    source: &impl Give,
) -> ControlFlow<()> {
    match format {
        Format::Text | Format::TextUtf8 => {
            let mut encoder = TextEncoder::new(format, escaping, created, output);
            source.give_to(&mut encoder);
            encoder.finish()
        }
        Format::OpenMetrics => {
            let mut encoder = TextEncoder::new(format, escaping, created, output);
            give_scraped(source, &mut encoder, Form::Lines);
            encoder.finish()
        }
        #[cfg(feature = "experimental-openmetrics-2")]
        Format::OpenMetrics2 => {
            let mut encoder = OpenMetrics2Encoder::new(escaping, output);
            give_scraped(source, &mut encoder, Form::Values);
            encoder.finish()
        }
        Format::Protobuf => {
            let mut encoder = ProtobufEncoder::new(escaping, output);
            give_scraped(source, &mut encoder, Form::Values);
            encoder.finish()
        }
    }
}

fn give_scraped(source: &impl Give, encoder: &mut impl Sink, form: Form) {
    let mut sink = ScrapedSink::new(encoder, form);
    source.give_to(&mut sink);
    sink.finish();
}
