//! The little of the text format that the check has to read.

/// One metric in an exposition.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Shown<'a> {
    /// The description, from `# HELP`.
    pub(super) description: Option<&'a str>,
    /// The type, from `# TYPE`.
    pub(super) kind: Option<&'a str>,
    /// The number.
    pub(super) value: Option<f64>,
    /// The labels of the first sample that has some: `{room="a"}`.
    pub(super) labels: Option<&'a str>,
}

impl<'a> Shown<'a> {
    /// The metric `name` in `text`, if it is there.
    pub(super) fn find(text: &'a str, name: &str) -> Option<Self> {
        let mut shown = Self::default();
        for line in text.lines() {
            if let Some(rest) = after(line, "# HELP", name) {
                shown.description = Some(rest);
            } else if let Some(rest) = after(line, "# TYPE", name) {
                shown.kind = Some(rest);
            } else if let Some(rest) = line.strip_prefix(name) {
                if let Some(value) = rest.strip_prefix(' ') {
                    shown.value = value.parse().ok();
                } else if rest.starts_with('{') {
                    let labels = rest.rsplit_once(' ').map(|(labels, _)| labels);
                    shown.labels = shown.labels.or(labels);
                }
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
            labels: None,
        };
        assert_eq!(Shown::find(TEXT, "a"), Some(shown));
        assert_eq!(Shown::find(TEXT, "a_b").and_then(|b| b.value), Some(7.0));
        assert_eq!(Shown::find(TEXT, "b"), None);
        assert_eq!(names(TEXT), ["a", "a_b"]);
    }

    #[test]
    fn labels_are_seen_and_their_value_is_not_the_metrics() {
        let text = "# TYPE a gauge\na{x=\"1 2\"} 45.0\na{x=\"3\"} 46.0\n";
        let shown = Shown::find(text, "a").unwrap();
        assert_eq!((shown.labels, shown.value), (Some("{x=\"1 2\"}"), None));
    }
}
