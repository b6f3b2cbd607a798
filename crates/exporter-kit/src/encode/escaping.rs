//! Escaping of UTF-8 names, for clients that accept only legacy names.
//!
//! The schemes are those of Prometheus' content negotiation. Where its documentation differs from the code of its
//! common library, this follows the code, like scrapers.

use std::borrow::Cow;
use std::fmt;

use crate::name::{is_legacy_label_name, is_legacy_metric_name};

/// The escaping of characters that are invalid in legacy names.
///
/// ```
/// use exporter_kit::{Escaping, Format, Gauge, Registry};
///
/// let registry = Registry::new();
/// registry.add(Gauge::define("disk.free", "Free space.").utf8_names())?;
/// let show = |format, escaping| {
///     let body = registry.scrape(format).escaping(escaping).to_vec();
///     String::from_utf8_lossy(&body).lines().last().map(str::to_owned).unwrap_or_default()
/// };
/// assert_eq!(show(Format::TextUtf8, Escaping::AllowUtf8), "{\"disk.free\"} 0.0");
/// assert_eq!(show(Format::Text, Escaping::Underscores), "disk_free 0.0");
/// assert_eq!(show(Format::Text, Escaping::Dots), "disk_dot_free 0.0");
/// assert_eq!(show(Format::Text, Escaping::Values), "U__disk_2e_free 0.0");
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Escaping {
    /// No escaping: names with such characters are quoted.
    AllowUtf8,
    /// Replaces each by `_`. Names that differ only in such characters become equal.
    #[default]
    Underscores,
    /// `.` becomes `_dot_`, `_` becomes `__`, each other character `__`; legacy names change too.
    Dots,
    /// Marks the name with `U__`; `_` becomes `__`, each other character `_`, its code point in hexadecimal, `_`.
    Values,
}

impl Escaping {
    /// All schemes.
    pub const ALL: [Self; 4] = [Self::AllowUtf8, Self::Underscores, Self::Dots, Self::Values];

    /// The scheme's name in `escaping=` of `Accept` and `Content-Type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        }
    }

    /// Returns whether this scheme leaves legacy names as they are.
    pub(crate) fn keeps_legacy(self) -> bool {
        self != Self::Dots
    }

    /// Escapes a metric name.
    pub(crate) fn metric_name(self, name: &str) -> Cow<'_, str> {
        self.escape(name, is_legacy_metric_name(name), ':')
    }

    /// Escapes a label name. Unlike metric names, it can't have a colon.
    ///
    /// Unlike in the common library, no label becomes `__name__`, which Prometheus reads as the metric name.
    pub(crate) fn label_name(self, name: &str) -> Cow<'_, str> {
        let escaped = self.escape(name, is_legacy_label_name(name), '_');
        if escaped == "__name__" {
            return Self::Values.escape(name, false, '_');
        }
        escaped
    }

    fn escape(self, name: &str, legacy: bool, also_allowed: char) -> Cow<'_, str> {
        if self == Self::AllowUtf8 || (legacy && self.keeps_legacy()) {
            return Cow::Borrowed(name);
        }
        let mut out = String::with_capacity(name.len() + 8);
        if self == Self::Values {
            out.push_str("U__");
        }
        for (i, c) in name.char_indices() {
            let allowed = c.is_ascii_alphabetic()
                || c == '_'
                || c == also_allowed
                || (i > 0 && c.is_ascii_digit());
            match self {
                Self::Dots | Self::Values if c == '_' => out.push_str("__"),
                Self::Dots if c == '.' => out.push_str("_dot_"),
                _ if allowed => out.push(c),
                Self::Dots => out.push_str("__"),
                Self::Values => out.push_str(&format!("_{:x}_", u32::from(c))),
                Self::Underscores | Self::AllowUtf8 => out.push('_'),
            }
        }
        Cow::Owned(out)
    }
}

impl fmt::Display for Escaping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Facts of Prometheus' common library, `model.EscapeName`.
    #[test]
    fn schemes_do_what_the_common_library_does() {
        let cases = [
            ("no_escaping", "no_escaping", "no__escaping", "no_escaping"),
            (
                "http.status:sum",
                "http_status:sum",
                "http_dot_status:sum",
                "U__http_2e_status:sum",
            ),
            (
                "mysystem.prod.west.cpu_load",
                "mysystem_prod_west_cpu_load",
                "mysystem_dot_prod_dot_west_dot_cpu__load",
                "U__mysystem_2e_prod_2e_west_2e_cpu__load",
            ),
            (
                "label with 😱",
                "label_with__",
                "label__with____",
                "U__label_20_with_20__1f631_",
            ),
            ("0dos", "_dos", "__dos", "U___30_dos"),
        ];
        for (name, underscores, dots, values) in cases {
            assert_eq!(Escaping::AllowUtf8.metric_name(name), name);
            assert_eq!(Escaping::Underscores.metric_name(name), underscores);
            assert_eq!(Escaping::Dots.metric_name(name), dots);
            assert_eq!(Escaping::Values.metric_name(name), values);
        }
        assert_eq!(Escaping::Underscores.label_name("a:b"), "a_b");
    }

    #[test]
    fn no_label_becomes_the_metrics_name() {
        assert_eq!(
            Escaping::Underscores.label_name("..name.é"),
            "U___2e__2e_name_2e__e9_"
        );
        assert_eq!(Escaping::Dots.label_name("_name_"), "U____name__");
        assert_eq!(Escaping::Values.label_name("_name_"), "_name_");
    }
}
