//! Selects the format of a response from `Accept`.
//!
//! Pure functions over the header's text. They never fail: an invalid clause is ignored.

use crate::encode::{Escaping, Format};
use crate::scrape::clauses::{Parameters, clauses};

/// One media type that clients can request, as `type/subtype;name=value`, in any case.
struct Offer {
    media_type: (&'static str, &'static str),
    parameters: &'static [Parameter],
    format: Format,
}

/// A parameter's value that an offer requires.
struct Parameter {
    name: &'static str,
    value: &'static str,
    /// The offer also matches without the parameter: this is the default version.
    optional: bool,
}

/// In order of preference for equal qualities: a wildcard selects the first row of its type. Parameters that an offer
/// doesn't list, such as `charset`, are ignored.
const OFFERS: &[Offer] = &[
    Offer {
        media_type: ("text", "plain"),
        parameters: &[implied("version", "0.0.4")],
        format: Format::Text,
    },
    Offer {
        media_type: ("application", "openmetrics-text"),
        parameters: &[implied("version", "1.0.0")],
        format: Format::OpenMetrics,
    },
    Offer {
        media_type: ("text", "plain"),
        parameters: &[required("version", "1.0.0")],
        format: Format::TextUtf8,
    },
    Offer {
        media_type: ("application", "vnd.google.protobuf"),
        parameters: &[
            required("proto", "io.prometheus.client.MetricFamily"),
            required("encoding", "delimited"),
        ],
        format: Format::Protobuf,
    },
];

const fn required(name: &'static str, value: &'static str) -> Parameter {
    Parameter {
        name,
        value,
        optional: false,
    }
}

const fn implied(name: &'static str, value: &'static str) -> Parameter {
    Parameter {
        name,
        value,
        optional: true,
    }
}

/// The format of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) format: Format,
    /// The client's choice for names that are not legacy names.
    pub(crate) escaping: Option<Escaping>,
}

/// Selects the format for a request with these `Accept` headers. The clause with the highest quality wins, the first
/// among equals; without a match it is the text format. The escaping is that of the clause. A client of a newer format
/// without an escaping gets underscores, which every client can read.
pub(crate) fn format<'h>(accept: impl Iterator<Item = &'h str>) -> Choice {
    let mut accepted: Vec<Clause<'h>> = Vec::new();
    let mut refused = [false; OFFERS.len()];
    for clause in clauses(accept).map(Clause::parse) {
        if clause.parameters.quality > 0 {
            accepted.push(clause);
        } else if !clause.is_wildcard() {
            for (refused, offer) in refused.iter_mut().zip(OFFERS) {
                *refused |= clause.matches(offer);
            }
        }
    }
    accepted.sort_by_key(|clause| std::cmp::Reverse(clause.parameters.quality));
    let chosen = accepted.iter().find_map(|clause| {
        let mut offers = OFFERS.iter().zip(refused);
        offers
            .find(|(offer, refused)| !refused && clause.matches(offer))
            .map(|(offer, _)| (offer.format, clause.escaping()))
    });
    match chosen {
        None | Some((Format::Text, None)) => Choice {
            format: Format::Text,
            escaping: None,
        },
        Some((format, escaping)) => Choice {
            format,
            escaping: Some(escaping.unwrap_or(Escaping::Underscores)),
        },
    }
}

/// One clause of an `Accept` header.
struct Clause<'h> {
    media_type: (&'h str, &'h str),
    parameters: Parameters<'h>,
}

impl<'h> Clause<'h> {
    fn parse(text: &'h str) -> Self {
        let (media_type, parameters) = text.split_once(';').unwrap_or((text, ""));
        let (main, sub) = media_type.split_once('/').unwrap_or((media_type, ""));
        Self {
            media_type: (main.trim(), sub.trim()),
            parameters: Parameters::parse(parameters),
        }
    }

    fn escaping(&self) -> Option<Escaping> {
        let value = self.parameters.get("escaping")?;
        Escaping::ALL
            .into_iter()
            .find(|escaping| escaping.as_str() == value)
    }

    fn is_wildcard(&self) -> bool {
        self.media_type.1 == "*"
    }

    fn matches(&self, offer: &Offer) -> bool {
        let (main, sub) = self.media_type;
        match (main, sub) {
            ("*", "*") => true,
            (_, "*") => main.eq_ignore_ascii_case(offer.media_type.0),
            _ => {
                main.eq_ignore_ascii_case(offer.media_type.0)
                    && sub.eq_ignore_ascii_case(offer.media_type.1)
                    && offer.parameters.iter().all(|required| {
                        self.parameters
                            .get(required.name)
                            .map_or(required.optional, |value| value == required.value)
                    })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrape::clauses::MAX_CLAUSES;

    #[test]
    fn formats() {
        for (accept, expected) in [
            ("", Format::Text),
            ("*/*", Format::Text),
            ("text/*", Format::Text),
            ("application/*", Format::OpenMetrics),
            ("text/plain", Format::Text),
            ("text/plain;version=0.0.4", Format::Text),
            ("text/plain; version=0.0.4; charset=utf-8", Format::Text),
            ("text/plain;version=\"0.0.4\"", Format::Text),
            ("text/plain;version=0.0.3", Format::Text),
            ("text/plain;version=1.0.0", Format::TextUtf8),
            (
                "text/plain;version=1.0.0;q=0.5,text/plain;q=0.4",
                Format::TextUtf8,
            ),
            ("application/vnd.google.protobuf", Format::Text),
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily",
                Format::Text,
            ),
            (
                "application/vnd.google.protobuf;encoding=text;proto=io.prometheus.client.MetricFamily",
                Format::Text,
            ),
            (
                "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
                Format::Text,
            ),
            ("application/json", Format::Text),
            ("application/openmetrics-text", Format::OpenMetrics),
            (
                "Application/OpenMetrics-Text; Version=1.0.0",
                Format::OpenMetrics,
            ),
            (
                "application/openmetrics-text;version=1.0.0;charset=utf-8",
                Format::OpenMetrics,
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
                Format::OpenMetrics,
            ),
            ("application/openmetrics-text;version=0.0.1", Format::Text),
            (
                "application/openmetrics-text;version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Format::Text,
            ),
            ("application/openmetrics-text;version=9.0.0", Format::Text),
            ("application/openmetrics-text;q=0", Format::Text),
            (
                "application/openmetrics-text;q=0,application/*",
                Format::Protobuf,
            ),
            ("text/plain;q=0,*/*;q=0.1", Format::OpenMetrics),
            ("text/plain;q=0", Format::Text),
            ("*/*;q=0", Format::Text),
            (
                "text/plain;q=0.5,application/openmetrics-text",
                Format::OpenMetrics,
            ),
            ("text/plain,application/openmetrics-text", Format::Text),
            (
                "application/openmetrics-text,text/plain",
                Format::OpenMetrics,
            ),
            (
                "text/plain;q=0.501,application/openmetrics-text;q=0.5",
                Format::Text,
            ),
            (
                "application/openmetrics-text;q=nonsense,text/plain;q=0.1",
                Format::Text,
            ),
            ("application/openmetrics-text;q=nan", Format::Text),
            ("application/openmetrics-text;q=-1", Format::Text),
            ("application/openmetrics-text;q=7", Format::OpenMetrics),
            // Prometheus 2.42 and 3.14, with native histograms and without.
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Format::Protobuf,
            ),
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                Format::Protobuf,
            ),
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Format::OpenMetrics,
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                Format::OpenMetrics,
            ),
        ] {
            assert_eq!(format([accept].into_iter()).format, expected, "{accept}");
        }
        // Several headers form one list, and no header means no preference.
        assert_eq!(
            format(["text/plain;q=0.1", "application/openmetrics-text"].into_iter()).format,
            Format::OpenMetrics
        );
        assert_eq!(format(std::iter::empty()).format, Format::Text);
    }

    #[test]
    fn escaping_is_that_of_the_clause() {
        for (accept, expected) in [
            ("", None),
            ("*/*", None),
            ("text/plain", None),
            (
                "text/plain;version=0.0.4;escaping=dots",
                Some(Escaping::Dots),
            ),
            (
                "text/plain;version=1.0.0;escaping=allow-utf-8",
                Some(Escaping::AllowUtf8),
            ),
            (
                "application/openmetrics-text;escaping=values",
                Some(Escaping::Values),
            ),
            ("application/openmetrics-text", Some(Escaping::Underscores)),
            (
                "application/openmetrics-text;escaping=nonsense",
                Some(Escaping::Underscores),
            ),
            (
                "application/json;escaping=values,application/openmetrics-text",
                Some(Escaping::Underscores),
            ),
        ] {
            assert_eq!(format([accept].into_iter()).escaping, expected, "{accept}");
        }
    }

    #[test]
    fn garbage_is_not_wanted() {
        for garbage in [
            ",",
            ";",
            "/",
            "=",
            "*/",
            "/*",
            ";q=",
            ",;=/,",
            "\"",
            "text/plain;version=\"",
            "q=1",
            "text/plain;;;;=;=",
            "é/é;é=é",
            "\u{0}",
            "*/*;q=1e999",
        ] {
            assert_eq!(
                format([garbage].into_iter()).format,
                Format::Text,
                "{garbage}"
            );
        }
    }

    #[test]
    fn a_list_is_read_up_to_its_limit_whatever_its_length() {
        let refused =
            "text/plain;q=0,application/openmetrics-text;q=0,text/plain;version=1.0.0;q=0,*/*";
        let newest = "application/openmetrics-text";
        for (count, expected) in [
            (MAX_CLAUSES - 1, Format::OpenMetrics),
            (MAX_CLAUSES, Format::Text),
            (4 * MAX_CLAUSES, Format::Text),
        ] {
            let wildcards = vec!["image/*"; count].join(",");
            let accept = [&*wildcards, newest];
            assert_eq!(format(accept.into_iter()).format, expected, "{count}");
        }
        let lines_read = |count: usize| {
            let mut read = 0;
            let lines = std::iter::repeat_n(refused, count).inspect(|_| read += 1);
            assert_eq!(format(lines).format, Format::Protobuf);
            read
        };
        assert_eq!(lines_read(100), MAX_CLAUSES / 4);
        assert_eq!(lines_read(400), MAX_CLAUSES / 4);
    }

    #[test]
    fn of_equal_parameters_the_first_counts() {
        let accept = "application/openmetrics-text;version=1.0.0;version=9;q=0.5;q=0";
        assert_eq!(format([accept].into_iter()).format, Format::OpenMetrics);
    }
}
