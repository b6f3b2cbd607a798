//! The plain page at `/` that links to the metrics.

use std::fmt::Write;

/// What the page says about the exporter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Landing {
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) version: Option<String>,
}

impl Landing {
    /// The page. All text is shown as text, whatever it holds.
    pub(crate) fn html(&self, metrics_path: &str) -> String {
        let title = escape(self.title.as_deref().unwrap_or("Exporter"));
        let mut page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n</head>\n\
             <body>\n<h1>{title}</h1>\n"
        );
        if let Some(description) = &self.description {
            let _ = writeln!(page, "<p>{}</p>", escape(description));
        }
        if let Some(version) = &self.version {
            let _ = writeln!(page, "<p>Version: {}</p>", escape(version));
        }
        let _ = writeln!(
            page,
            "<p><a href=\"{}\">Metrics</a></p>\n</body>\n</html>",
            escape(metrics_path)
        );
        page
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        let landing = Landing {
            title: Some("<script>".into()),
            description: Some("a & \"b\"".into()),
            version: Some("1.0'".into()),
        };
        let page = landing.html("/metrics?\"><script>");
        assert!(!page.contains("<script>"), "{page}");
        assert!(page.contains("<h1>&lt;script&gt;</h1>"), "{page}");
        assert!(page.contains("a &amp; &quot;b&quot;"), "{page}");
        assert!(page.contains("Version: 1.0&#39;"), "{page}");
    }
}
