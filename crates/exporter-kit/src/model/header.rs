//! The `#` lines of a family in the text format, rendered once for its descriptor.

use crate::model::MetricType;
use crate::model::escape;

/// The beginning of the help line.
pub(crate) const HELP_KEYWORD: &str = "# HELP ";

/// The beginning of the type line.
pub(crate) const TYPE_KEYWORD: &str = "# TYPE ";

/// Renders the `#` lines of a family in the text format, for a legacy name.
pub(crate) fn text_header(metric_type: MetricType, name: &str, help: &str) -> String {
    let keywords = HELP_KEYWORD.len() + TYPE_KEYWORD.len();
    let type_word = metric_type.text_word();
    let mut header =
        String::with_capacity(keywords + 2 * name.len() + help.len() + type_word.len() + 4);
    header.push_str(HELP_KEYWORD);
    header.push_str(name);
    header.push(' ');
    escape::help_text(&mut header, help);
    header.push('\n');
    header.push_str(TYPE_KEYWORD);
    header.push_str(name);
    header.push(' ');
    header.push_str(type_word);
    header.push('\n');
    header
}
