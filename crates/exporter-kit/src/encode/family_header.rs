//! The `#` lines before the samples of a family, in both text formats.

use crate::encode::Escaping;
use crate::encode::lines::HeaderLine;
use crate::model::escape::{self, PushText as _};
use crate::model::header::{HELP_KEYWORD, TYPE_KEYWORD};
use crate::model::{Descriptor, MetricType};

/// The `# TYPE`, `# UNIT` and `# HELP` lines, in each format's own order, escaping and words.
pub(crate) fn render_header(
    header: &mut Vec<u8>,
    descriptor: &Descriptor,
    escaping: Escaping,
    openmetrics: bool,
) {
    if openmetrics {
        let (name, metric_type) = openmetrics_family(descriptor);
        let line = HeaderLine::new(name, descriptor.is_legacy(), escaping);
        line.render(header, "# TYPE ", |out| out.push_text(metric_type));
        if !descriptor.unit().is_empty() {
            line.render(header, "# UNIT ", |out| out.push_text(descriptor.unit()));
        }
        line.render(header, "# HELP ", |out| {
            escape::label_value(out, descriptor.help())
        });
    } else {
        let line = HeaderLine::new(descriptor.name(), descriptor.is_legacy(), escaping);
        line.render(header, HELP_KEYWORD, |out| {
            escape::help_text(out, descriptor.help())
        });
        line.render(header, TYPE_KEYWORD, |out| {
            out.push_text(descriptor.metric_type().text_word())
        });
    }
}

/// OpenMetrics' name and type of a family. A parsed family without the suffix of its type is unknown there.
fn openmetrics_family(descriptor: &Descriptor) -> (&str, &'static str) {
    if lacks_suffix(descriptor) {
        (descriptor.name(), MetricType::Unknown.as_str())
    } else {
        (descriptor.base_name(), descriptor.metric_type().as_str())
    }
}

/// Returns whether a counter or info has a name without the suffix of its type.
pub(crate) fn lacks_suffix(descriptor: &Descriptor) -> bool {
    let suffix = descriptor.metric_type().sample_suffix();
    !suffix.is_empty() && !descriptor.name().ends_with(suffix)
}
