//! Writing HTML: escaping, here alone, and templates with gaps.

/// Appends `text` escaped, for an element or a quoted attribute.
pub(crate) fn escape(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let mut characters = special.chars();
        out.push_str(match characters.next() {
            Some('&') => "&amp;",
            Some('<') => "&lt;",
            Some('>') => "&gt;",
            Some('"') => "&quot;",
            _ => "&#39;",
        });
        rest = characters.as_str();
    }
    out.push_str(rest);
}

/// Appends `template`, with each gap `{{name}}` filled by `fill`.
pub(crate) fn fill(out: &mut String, template: &str, mut fill: impl FnMut(&mut String, &str)) {
    let mut parts = template.split("{{");
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (name, text) = part.split_once("}}").unwrap_or((part, ""));
        fill(out, name);
        out.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        let mut out = String::new();
        escape(&mut out, text);
        out
    }

    #[test]
    fn text_stays_text() {
        assert_eq!(
            escaped("<script>alert('a' & \"b\")</script>"),
            "&lt;script&gt;alert(&#39;a&#39; &amp; &quot;b&quot;)&lt;/script&gt;"
        );
        assert_eq!(escaped("é <ü"), "é &lt;ü");
        assert_eq!(escaped(""), "");
    }

    #[test]
    fn gaps_are_filled_in_order() {
        let mut out = String::new();
        fill(&mut out, "a {{x}} b {{y}}{{x}}", |out, name| {
            out.push_str(&name.to_uppercase());
        });
        assert_eq!(out, "a X b YX");
    }
}
