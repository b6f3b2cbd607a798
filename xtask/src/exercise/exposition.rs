//! The little of the text format that the check has to read.

/// What a scrape shows of one metric without labels.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Shown<'a> {
    /// The description, from `# HELP`.
    pub(super) description: Option<&'a str>,
    /// The type, from `# TYPE`.
    pub(super) kind: Option<&'a str>,
    /// The number.
    pub(super) value: Option<f64>,
}

impl<'a> Shown<'a> {
    /// What `text` says of the metric `name`; nothing if that is not in it.
    pub(super) fn find(text: &'a str, name: &str) -> Option<Self> {
        let mut shown = Self::default();
        for line in text.lines() {
            if let Some(rest) = after(line, "# HELP", name) {
                shown.description = Some(rest);
            } else if let Some(rest) = after(line, "# TYPE", name) {
                shown.kind = Some(rest);
            } else if let Some(("", rest)) = line.split_once(name)
                && let Some(value) = rest.strip_prefix(' ')
            {
                shown.value = value.parse().ok();
            }
        }
        (shown != Self::default()).then_some(shown)
    }
}

/// The names of all metrics in `text`.
pub(super) fn names(text: &str) -> Vec<&str> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.filter_map(|rest| rest.split(' ').next()).collect()
}

/// What stands after `keyword name `, in a line that begins with these.
fn after<'a>(line: &'a str, keyword: &str, name: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(keyword)?.strip_prefix(' ')?;
    rest.strip_prefix(name)?.strip_prefix(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# HELP a One\n# TYPE a gauge\na 45.0\n# HELP a_b Two\n# TYPE a_b counter\na_b 7\n";

    #[test]
    fn a_metric_is_found_by_its_whole_name() {
        let shown = Shown {
            description: Some("One"),
            kind: Some("gauge"),
            value: Some(45.0),
        };
        assert_eq!(Shown::find(TEXT, "a"), Some(shown));
        assert_eq!(Shown::find(TEXT, "a_b").and_then(|b| b.value), Some(7.0));
        assert_eq!(Shown::find(TEXT, "b"), None);
        assert_eq!(names(TEXT), ["a", "a_b"]);
    }
}
