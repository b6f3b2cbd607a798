//! One line under a cursor: names, quoted texts, labels and words, for both dialects.

use std::borrow::Cow;

use crate::model::escape;
use crate::name;
use crate::parse::Dialect;
use crate::parse::error::{ParseError, ParseErrorKind};

/// A label: name and value, unescaped.
pub(crate) type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The strictness of the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grammar {
    /// That of the standard.
    Strict,
    /// That of Prometheus: any escape, a comma at the end of labels, and in text no commas between them.
    AsScraped,
}

/// Iterates over the lines, without line feeds, with their numbers from 1. A final line feed does not begin a line.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = text;
    let mut number = 0;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        number += 1;
        let (line, after) = match memchr::memchr(b'\n', rest.as_bytes()) {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => (rest, ""),
        };
        rest = after;
        Some((number, line))
    })
}

/// A line and a position in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    text: &'a str,
    number: usize,
    pos: usize,
    dialect: Dialect,
    grammar: Grammar,
}

/// Up to this number of names, each pair is compared; more are sorted.
const COMPARED_NAMES: usize = 16;

impl<'a> Line<'a> {
    pub(crate) fn new(text: &'a str, number: usize, dialect: Dialect) -> Self {
        Self {
            text,
            number,
            pos: 0,
            dialect,
            grammar: Grammar::Strict,
        }
    }

    pub(crate) fn with_grammar(self, grammar: Grammar) -> Self {
        Self { grammar, ..self }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub(crate) fn is_strict(&self) -> bool {
        self.grammar == Grammar::Strict
    }

    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.pos..]
    }

    pub(crate) fn pos(&self) -> usize {
        self.pos
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.pos).copied()
    }

    /// An error about the text from `at` to the cursor, or to the end of the word there.
    pub(crate) fn error_at(&self, at: usize, fault: ParseErrorKind) -> ParseError {
        if at < self.pos {
            let found = &self.text[at..self.pos];
            ParseError::new(self.number, &self.text[..at], found, fault)
        } else {
            self.error_on_word(at, fault)
        }
    }

    /// An error about everything behind the cursor.
    pub(crate) fn error_to_end(&self, fault: ParseErrorKind) -> ParseError {
        let (before, found) = self.text.split_at(self.pos);
        ParseError::new(self.number, before, found, fault)
    }

    /// An error about the word at `at`.
    pub(crate) fn error_on_word(&self, at: usize, fault: ParseErrorKind) -> ParseError {
        let rest = &self.text[at..];
        let end = rest.find([' ', '\t']).unwrap_or(rest.len());
        ParseError::new(self.number, &self.text[..at], &rest[..end], fault)
    }

    /// An error about the value at `at`, which is not a number.
    pub(crate) fn not_a_number(&self, at: usize) -> ParseError {
        let word = &self.text[at.min(self.pos)..self.pos];
        let fault = if self.text.ends_with('\r') {
            ParseErrorKind::CarriageReturn
        } else if word.ends_with(|c: char| c.is_ascii_digit()) && word.parse::<f64>().is_ok() {
            ParseErrorKind::OutOfRange
        } else {
            ParseErrorKind::Number
        };
        self.error_at(at, fault)
    }

    /// An error about the text at the cursor.
    pub(crate) fn error(&self, fault: ParseErrorKind) -> ParseError {
        self.error_at(self.pos, fault)
    }

    pub(crate) fn eat(&mut self, expected: &str) -> bool {
        let eaten = self.rest().starts_with(expected);
        if eaten {
            self.pos += expected.len();
        }
        eaten
    }

    fn expect(&mut self, expected: &str, fault: ParseErrorKind) -> Result<(), ParseError> {
        if self.eat(expected) {
            Ok(())
        } else {
            Err(self.error(fault))
        }
    }

    pub(crate) fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.pos += 1;
        }
    }

    fn blanks_if_text(&mut self) {
        if self.dialect == Dialect::Text {
            self.skip_blanks();
        }
    }

    /// Skips the blanks between two words.
    pub(crate) fn gap(&mut self) -> Result<(), ParseError> {
        match self.dialect {
            Dialect::OpenMetrics => self.expect(" ", ParseErrorKind::NoSpace),
            Dialect::Text => {
                self.skip_blanks();
                Ok(())
            }
        }
    }

    /// The text up to the next blank.
    pub(crate) fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = memchr::memchr2(b' ', b'\t', rest.as_bytes()).unwrap_or(rest.len());
        self.pos += end;
        &rest[..end]
    }

    /// The characters allowed in a name without quotes; possibly empty.
    fn bare_name(&mut self) -> &'a str {
        let rest = self.rest();
        let is_name = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_' || *b == b':';
        let end = rest.bytes().take_while(|b| is_name(b)).count();
        self.pos += end;
        &rest[..end]
    }

    /// A metric name, with or without quotes.
    pub(crate) fn metric_name(&mut self) -> Result<Cow<'a, str>, ParseError> {
        let at = self.pos;
        if self.peek() == Some(b'"') {
            let name = self.quoted()?;
            return if name.is_empty() {
                Err(self.error_at(at, ParseErrorKind::NoMetricName))
            } else {
                Ok(name)
            };
        }
        let name = self.bare_name();
        let ends_well = matches!(self.peek(), None | Some(b' ' | b'\t' | b'{'));
        if ends_well && name::is_legacy_metric_name(name) {
            Ok(Cow::Borrowed(name))
        } else {
            self.word();
            Err(self.error_at(at, ParseErrorKind::MetricName))
        }
    }

    /// A text in quotes, unescaped. The cursor is at the opening quote.
    fn quoted(&mut self) -> Result<Cow<'a, str>, ParseError> {
        let at = self.pos;
        let inner = self.rest().get(1..).unwrap_or("");
        let Some(end) = escape::closing_quote(inner) else {
            return Err(self.error_at(at, ParseErrorKind::OpenQuote));
        };
        let inner = &inner[..end];
        let checks_escapes = self.dialect == Dialect::Text && self.is_strict();
        let bad = bad_escape(inner, true).filter(|_| checks_escapes);
        if let Some(bad) = bad {
            return Err(self.error_at(at + 1 + bad, ParseErrorKind::Escape));
        }
        self.pos = at + end + 2;
        Ok(escape::unescape(inner))
    }

    /// Labels in braces. The cursor is after the opening brace. Returns the metric name among them, if any.
    pub(crate) fn labels(
        &mut self,
        labels: &mut Vec<Pair<'a>>,
    ) -> Result<Option<Cow<'a, str>>, ParseError> {
        let begin = self.pos;
        let mut metric = None;
        labels.clear();
        self.blanks_if_text();
        if self.eat("}") {
            return Ok(None);
        }
        loop {
            self.blanks_if_text();
            let at = self.pos;
            let quoted = self.peek() == Some(b'"');
            let mut needs_comma = self.dialect == Dialect::OpenMetrics || self.is_strict();
            let name = if quoted {
                self.quoted()?
            } else {
                Cow::Borrowed(self.bare_name())
            };
            self.blanks_if_text();
            if quoted && self.peek() != Some(b'=') {
                if name.is_empty() {
                    return Err(self.error_at(at, ParseErrorKind::NoMetricName));
                }
                needs_comma = true;
                if metric.replace(name).is_some() {
                    return Err(self.error_at(at, ParseErrorKind::SecondMetricName));
                }
            } else {
                self.check_label_name(&name, quoted, at)?;
                if labels.len() < COMPARED_NAMES && labels.iter().any(|(other, _)| *other == name) {
                    return Err(self.error_at(at, ParseErrorKind::DuplicateLabel));
                }
                self.expect("=", ParseErrorKind::NoEquals)?;
                self.blanks_if_text();
                if self.peek() != Some(b'"') {
                    return Err(self.error(ParseErrorKind::NoQuote));
                }
                let value = self.quoted()?;
                labels.push((name, value));
            }
            self.blanks_if_text();
            if self.eat("}") {
                break;
            }
            if needs_comma || self.peek() == Some(b',') {
                self.expect(",", ParseErrorKind::NoComma)?;
            }
            self.blanks_if_text();
            if (self.dialect == Dialect::Text || !self.is_strict()) && self.eat("}") {
                break;
            }
        }
        if labels.len() > COMPARED_NAMES && has_duplicate(labels.iter().map(|(name, _)| &**name)) {
            return Err(self.error_at(begin, ParseErrorKind::DuplicateLabel));
        }
        Ok(metric)
    }

    fn check_label_name(&self, name: &str, quoted: bool, at: usize) -> Result<(), ParseError> {
        let valid = if quoted {
            !name.is_empty()
        } else {
            name::is_legacy_label_name(name)
        };
        if !valid {
            return Err(self.error_at(at, ParseErrorKind::LabelName));
        }
        let reserved = match self.dialect {
            Dialect::OpenMetrics if self.is_strict() => name.starts_with("__"),
            _ => name == "__name__",
        };
        if reserved {
            return Err(self.error_at(at, ParseErrorKind::ReservedLabel));
        }
        Ok(())
    }
}

/// Returns whether a list has duplicates.
pub(crate) fn has_duplicate<'t>(texts: impl Iterator<Item = &'t str>) -> bool {
    let mut texts: Vec<&str> = texts.collect();
    texts.sort_unstable();
    texts.windows(2).any(|pair| pair[0] == pair[1])
}

/// Finds a backslash that does not begin an escape of the text format.
pub(crate) fn bad_escape(text: &str, quotes: bool) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut from = 0;
    loop {
        let at = from + memchr::memchr(b'\\', bytes.get(from..)?)?;
        match bytes.get(at + 1) {
            Some(b'\\' | b'n') => {}
            Some(b'"') if quotes => {}
            _ => return Some(at),
        }
        from = at + 2;
    }
}
