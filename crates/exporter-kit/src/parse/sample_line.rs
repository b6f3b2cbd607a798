//! One sample on its line: name, labels, value, time and exemplar, for both dialects.

use std::borrow::Cow;

use crate::model::decimal::{self, Moment};
use crate::model::{Exemplar, ExemplarError, Number};
use crate::parse::Dialect;
use crate::parse::error::{ParseError, ParseErrorKind};
use crate::parse::line::{Line, Pair};

/// One sample, without its labels.
pub(crate) struct SampleLine<'a> {
    pub(crate) name: Cow<'a, str>,
    /// The value's text.
    pub(crate) text: &'a str,
    pub(crate) value_at: usize,
    pub(crate) number: Number,
    pub(crate) moment: Option<Moment>,
    pub(crate) exemplar: Option<Exemplar>,
    pub(crate) exemplar_at: usize,
}

/// `name{labels} value timestamp`, and in OpenMetrics ` # {labels} value timestamp`. Replaces `labels`.
pub(crate) fn read_sample<'a>(
    line: &mut Line<'a>,
    labels: &mut Vec<Pair<'a>>,
) -> Result<SampleLine<'a>, ParseError> {
    labels.clear();
    let begin = line.pos();
    let mut name = None;
    if !line.rest().starts_with('{') {
        name = Some(line.metric_name()?);
        if line.dialect() == Dialect::Text {
            line.skip_blanks();
        }
    }
    let at = line.pos();
    if line.eat("{") {
        let inner = line.labels(labels)?;
        if name.is_some() && inner.is_some() {
            return Err(line.error_at(at, ParseErrorKind::SecondMetricName));
        }
        name = name.or(inner);
    }
    let name = name.ok_or_else(|| line.error_at(begin, ParseErrorKind::NoMetricName))?;
    line.gap()?;
    let value_at = line.pos();
    let text = line.word();
    let number = decimal::number(text).ok_or_else(|| line.not_a_number(value_at))?;
    let mut sample = SampleLine {
        name,
        text,
        value_at,
        number,
        moment: None,
        exemplar: None,
        exemplar_at: 0,
    };
    match line.dialect() {
        Dialect::Text => {
            line.skip_blanks();
            if !line.rest().is_empty() {
                sample.moment = Some(millis(line)?);
            }
        }
        Dialect::OpenMetrics => {
            if !line.rest().is_empty() && !line.rest().starts_with(" #") {
                line.gap()?;
                sample.moment = Some(time(line)?);
            }
            if !line.rest().is_empty() {
                sample.exemplar_at = line.pos();
                sample.exemplar = exemplar(line)?;
            }
        }
    }
    Ok(sample)
}

fn millis(line: &mut Line<'_>) -> Result<Moment, ParseError> {
    let at = line.pos();
    let word = line.word();
    // Prometheus takes digits alone.
    let is_valid = line.is_strict() || word.bytes().all(|byte| byte.is_ascii_digit());
    let millis = word.parse().ok().filter(|_| is_valid);
    let millis = millis.ok_or_else(|| line.error_at(at, ParseErrorKind::TimestampMillis))?;
    line.skip_blanks();
    if line.rest().is_empty() {
        Ok(Moment::from_millis(millis))
    } else {
        Err(line.error(ParseErrorKind::Trailing))
    }
}

fn time(line: &mut Line<'_>) -> Result<Moment, ParseError> {
    let at = line.pos();
    decimal::moment(line.word()).ok_or_else(|| line.error_at(at, ParseErrorKind::Timestamp))
}

/// As scraped, an exemplar that OpenMetrics forbids costs itself.
fn exemplar(line: &mut Line<'_>) -> Result<Option<Exemplar>, ParseError> {
    let begin = line.pos();
    if !line.eat(" # {") {
        return Err(line.error_at(begin, ParseErrorKind::Exemplar));
    }
    let mut labels = Vec::new();
    if line.labels(&mut labels)?.is_some() {
        return Err(line.error_at(begin, ParseErrorKind::SecondMetricName));
    }
    if !line.eat(" ") {
        return Err(line.error(ParseErrorKind::Exemplar));
    }
    let at = line.pos();
    let value =
        decimal::float(line.word()).ok_or_else(|| line.error_at(at, ParseErrorKind::Number))?;
    let timestamp = if line.eat(" ") {
        Some(time(line)?.timestamp())
    } else {
        None
    };
    if !line.rest().is_empty() {
        return Err(line.error(ParseErrorKind::Trailing));
    }
    let labels: Vec<(&str, &str)> = labels
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    match Exemplar::new(&labels, value, timestamp) {
        Ok(exemplar) => Ok(Some(exemplar)),
        Err(_) if !line.is_strict() => Ok(None),
        Err(ExemplarError::TooLong { .. }) => {
            Err(line.error_at(begin, ParseErrorKind::ExemplarLength))
        }
        Err(ExemplarError::Name(_)) => Err(line.error_at(begin, ParseErrorKind::LabelName)),
    }
}
