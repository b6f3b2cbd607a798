//! The dialect of an exposition, by its content type or its last line.

/// A text format of expositions.
///
/// ```
/// use exporter_kit::parse::Dialect;
///
/// let openmetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// assert_eq!(Dialect::of_content_type(openmetrics), Some(Dialect::OpenMetrics));
/// assert_eq!(Dialect::of_content_type("text/html"), None);
/// assert_eq!(Dialect::of_body(b"a 1\n# EOF\n"), Dialect::OpenMetrics);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Prometheus text 0.0.4 or 1.0.0.
    Text,
    /// OpenMetrics text 1.0.
    OpenMetrics,
}

impl Dialect {
    /// Returns the dialect that Prometheus reads for that `Content-Type`, if any.
    pub fn of_content_type(content_type: &str) -> Option<Self> {
        let media_type = content_type.split(';').next().unwrap_or("").trim();
        let is = |name: &str| media_type.eq_ignore_ascii_case(name);
        if is("application/openmetrics-text") {
            Some(Self::OpenMetrics)
        } else if is("text/plain") {
            Some(Self::Text)
        } else {
            None
        }
    }

    /// Returns the dialect of an exposition without a content type: OpenMetrics if its last line is `# EOF`.
    pub fn of_body(body: &[u8]) -> Self {
        let body = body.trim_ascii_end();
        let last = body.rsplit(|byte| *byte == b'\n').next().unwrap_or(body);
        if last == b"# EOF" {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_distinguishes_openmetrics_from_text() {
        assert_eq!(Dialect::of_body(b"a 1\n# EOF\n"), Dialect::OpenMetrics);
        assert_eq!(Dialect::of_body(b"# EOF"), Dialect::OpenMetrics);
        // Blank lines after the end are a mistake that the strict parser names.
        assert_eq!(Dialect::of_body(b"# EOF\n\n"), Dialect::OpenMetrics);
        assert_eq!(Dialect::of_body(b"# EOF\na 1\n"), Dialect::Text);
        assert_eq!(Dialect::of_body(b""), Dialect::Text);
    }

    #[test]
    fn the_content_type_distinguishes_openmetrics_from_text() {
        let openmetrics = "application/OpenMetrics-text ; version=1.0.0";
        let dialect = Dialect::of_content_type(openmetrics);
        assert_eq!(dialect, Some(Dialect::OpenMetrics));
        assert_eq!(Dialect::of_content_type("text/plain"), Some(Dialect::Text));
        assert_eq!(Dialect::of_content_type("text/html"), None);
        assert_eq!(Dialect::of_content_type(""), None);
    }
}
