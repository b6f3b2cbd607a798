//! The lenient parser of Prometheus text 0.0.4 and 1.0.0.

use std::borrow::Cow;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::model::{Descriptor, MetricType, Number, SeriesKeyBuf, Timestamp};
use crate::model::{decimal, escape};
use crate::parse::assembly::{Part, Parts, Role};
use crate::parse::error::{ParseError, ParseErrorKind};
use crate::parse::line::{Dialect, Line, Pair, bad_escape, lines};
use crate::snapshot::{OwnedSample, OwnedValue, Series, SeriesIndex, Snapshot, same_labels};

/// Parses a whole exposition.
pub(crate) fn read(text: &str) -> Result<Snapshot, ParseError> {
    let mut reader = Reader::default();
    for (number, text) in lines(text) {
        let mut line = Line::new(text, number, Dialect::Text);
        line.skip_blanks();
        if line.eat("#") {
            reader.comment(line)?;
        } else if !line.rest().is_empty() {
            reader.sample(line)?;
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        let (number, last) = lines(text).last().unwrap_or_default();
        if !last.trim_matches([' ', '\t']).is_empty() {
            return Err(ParseError::new(
                number,
                last,
                "",
                ParseErrorKind::NoLineFeed,
            ));
        }
    }
    reader.finish()
}

#[derive(Default)]
struct Reader<'a> {
    families: Vec<Family<'a>>,
    names: HashMap<Cow<'a, str>, usize>,
    duplicates: Vec<SeriesKeyBuf>,
    /// Reused for every sample.
    labels: Vec<Pair<'a>>,
}

/// One line of a histogram or summary, without its labels.
#[derive(Clone, Copy)]
struct SampleLine<'a> {
    role: Role,
    number: Number,
    /// The value's text.
    text: &'a str,
    value_at: usize,
    timestamp: Option<Timestamp>,
}

struct Family<'a> {
    name: Cow<'a, str>,
    help: Option<Cow<'a, str>>,
    /// Set by the first sample at the latest.
    metric_type: Option<MetricType>,
    seen: SeriesIndex,
    series: Vec<Series>,
    /// For a histogram or summary: the lines of the series at the same position.
    parts: Vec<(Parts, Line<'a>)>,
}

impl<'a> Reader<'a> {
    /// Parses a line after its `#`.
    fn comment(&mut self, mut line: Line<'a>) -> Result<(), ParseError> {
        line.skip_blanks();
        let keyword = line.word();
        line.skip_blanks();
        if !matches!(keyword, "HELP" | "TYPE") || line.rest().is_empty() {
            return Ok(());
        }
        let begin = line.pos();
        let name = line.metric_name()?;
        if !matches!(line.rest().as_bytes().first(), None | Some(b' ' | b'\t')) {
            line.word();
            return Err(line.error_at(begin, ParseErrorKind::MetricName));
        }
        line.skip_blanks();
        let text = line.rest();
        let at = self.family_named(name);
        let family = &mut self.families[at];
        if text.is_empty() {
            return Ok(());
        }
        if keyword == "HELP" {
            if let Some(bad) = bad_escape(text, false) {
                return Err(line.error_at(line.pos() + bad, ParseErrorKind::Escape));
            }
            if family.help.replace(escape::unescape(text)).is_some() {
                return Err(line.error_at(0, ParseErrorKind::SecondHelp));
            }
        } else {
            let metric_type = type_named(text.trim_end_matches([' ', '\t']));
            let metric_type = metric_type.ok_or_else(|| line.error(ParseErrorKind::Type))?;
            if family.metric_type.replace(metric_type).is_some() {
                return Err(line.error_at(0, ParseErrorKind::SecondType));
            }
        }
        Ok(())
    }

    fn family_named(&mut self, name: Cow<'a, str>) -> usize {
        if let Some(at) = self.names.get(&*name) {
            return *at;
        }
        let at = self.families.len();
        self.names.insert(name.clone(), at);
        self.families.push(Family {
            name,
            help: None,
            metric_type: None,
            seen: SeriesIndex::default(),
            series: Vec::new(),
            parts: Vec::new(),
        });
        at
    }

    /// Returns the family of a sample, and its role there.
    fn family_of(&mut self, sample: Cow<'a, str>) -> (usize, Option<Role>) {
        if let Some(at) = self.names.get(&*sample) {
            let role = match self.families[*at]
                .metric_type
                .unwrap_or(MetricType::Unknown)
            {
                MetricType::Summary => Some(Role::Quantile),
                MetricType::Histogram => None,
                _ => Some(Role::Value),
            };
            return (*at, role);
        }
        let suffixes = [
            ("_count", Role::Count),
            ("_sum", Role::Sum),
            ("_bucket", Role::Bucket),
        ];
        for (suffix, role) in suffixes {
            let base = sample.strip_suffix(suffix).unwrap_or("");
            let Some(at) = self.names.get(base) else {
                continue;
            };
            match self.families[*at].metric_type {
                Some(MetricType::Histogram) => return (*at, Some(role)),
                Some(MetricType::Summary) if role != Role::Bucket => return (*at, Some(role)),
                _ => {}
            }
        }
        (self.family_named(sample), Some(Role::Value))
    }

    fn sample(&mut self, mut line: Line<'a>) -> Result<(), ParseError> {
        self.labels.clear();
        let begin = line.pos();
        let mut name = None;
        if !line.rest().starts_with('{') {
            name = Some(line.metric_name()?);
            line.skip_blanks();
        }
        if line.eat("{") {
            let inner = line.labels(&mut self.labels)?;
            if name.is_some() && inner.is_some() {
                return Err(line.error_at(begin, ParseErrorKind::SecondMetricName));
            }
            name = name.or(inner);
        }
        let name = name.ok_or_else(|| line.error_at(begin, ParseErrorKind::NoMetricName))?;
        line.skip_blanks();
        let value_at = line.pos();
        let text = line.word();
        let number =
            decimal::number(text).ok_or_else(|| line.error_at(value_at, ParseErrorKind::Number))?;
        line.skip_blanks();
        let timestamp = match line.rest() {
            "" => None,
            _ => Some(millis(&mut line)?),
        };
        let (at, role) = self.family_of(name);
        let role = role.ok_or_else(|| line.error_at(begin, ParseErrorKind::SampleOfType))?;
        let family = &mut self.families[at];
        if matches!(role, Role::Value) {
            let metric_type = *family.metric_type.get_or_insert(MetricType::Unknown);
            if metric_type == MetricType::Counter
                && (number.as_f64().is_nan() || number.as_f64() < 0.0)
            {
                return Err(line.error_on_word(value_at, ParseErrorKind::NotACount));
            }
            self.duplicates
                .extend(family.scalar(&self.labels, number, timestamp));
            return Ok(());
        }
        let sample = SampleLine {
            role,
            number,
            text,
            value_at,
            timestamp,
        };
        family.part(&mut self.labels, sample, line)
    }

    fn finish(self) -> Result<Snapshot, ParseError> {
        let mut snapshot = Snapshot::new();
        let mut bounds = Arc::default();
        for mut family in self.families {
            let metric_type = family.metric_type.unwrap_or(MetricType::Unknown);
            for (series, (parts, line)) in family.series.iter_mut().zip(family.parts) {
                let value = parts.finish(metric_type, Dialect::Text, &mut bounds);
                series.sample.value = value.map_err(|fault| line.error_at(0, fault))?;
            }
            let help = family.help.as_deref().unwrap_or("");
            snapshot.push(
                Descriptor::unchecked(metric_type, &family.name, help, ""),
                family.series,
            );
        }
        for key in &self.duplicates {
            let key = key.as_key();
            snapshot.note_duplicate(key.name(), &key.text());
        }
        Ok(snapshot)
    }
}

impl<'a> Family<'a> {
    /// Adds a series whose value is one number. Returns its key if it is a duplicate.
    fn scalar(
        &mut self,
        labels: &[Pair<'a>],
        number: Number,
        timestamp: Option<Timestamp>,
    ) -> Option<SeriesKeyBuf> {
        let value = OwnedValue::number(self.metric_type.unwrap_or(MetricType::Unknown), number);
        match self.position(labels, timestamp, value) {
            (_, true) => None,
            (_, false) => Some(SeriesKeyBuf::new(&self.name, pairs(labels))),
        }
    }

    /// Adds a sample to its histogram or summary.
    fn part(
        &mut self,
        labels: &mut Vec<Pair<'a>>,
        sample: SampleLine<'a>,
        line: Line<'a>,
    ) -> Result<(), ParseError> {
        let metric_type = self.metric_type.unwrap_or(MetricType::Unknown);
        let special = match metric_type {
            MetricType::Summary => "quantile",
            _ => "le",
        };
        let special = match labels.iter().position(|(name, _)| name == special) {
            None => None,
            Some(at) if matches!(sample.role, Role::Bucket | Role::Quantile) => {
                Some(labels.remove(at).1)
            }
            // The buckets of that series would have a duplicate label.
            Some(_) => return Err(line.error_at(0, ParseErrorKind::TypeLabel)),
        };
        // The value is a placeholder until all samples are parsed.
        let (at, fresh) = self.position(labels, sample.timestamp, OwnedValue::Info);
        if fresh {
            self.parts.push((Parts::default(), line));
        }
        let (parts, last) = &mut self.parts[at];
        *last = line;
        let part = Part {
            role: sample.role,
            metric_type,
            number: sample.number,
            text: sample.text,
            special,
            exemplar: None,
        };
        parts.add(part, Dialect::Text).map_err(|fault| {
            if fault.is_about_value() {
                line.error_on_word(sample.value_at, fault)
            } else {
                line.error_at(0, fault)
            }
        })
    }

    /// Returns the position of a series, and `true` if it is new.
    fn position(
        &mut self,
        labels: &[Pair<'a>],
        timestamp: Option<Timestamp>,
        value: OwnedValue,
    ) -> (usize, bool) {
        let hash = self.seen.hash(pairs(labels), timestamp);
        let series = &self.series;
        let known = self.seen.find(hash, |at| {
            series[at].sample.timestamp == timestamp
                && same_labels(series[at].key.as_key().labels(), pairs(labels))
        });
        if let Some(at) = known {
            return (at, false);
        }
        let at = self.series.len();
        self.seen.insert(hash, at);
        self.series.push(Series {
            key: SeriesKeyBuf::new(&self.name, pairs(labels)),
            sample: OwnedSample {
                value,
                timestamp,
                created: None,
            },
        });
        (at, true)
    }
}

fn millis(line: &mut Line<'_>) -> Result<Timestamp, ParseError> {
    let at = line.pos();
    let millis = line.word().parse();
    let millis = millis.map_err(|_| line.error_at(at, ParseErrorKind::TimestampMillis))?;
    line.skip_blanks();
    if line.rest().is_empty() {
        Ok(Timestamp::from_millis(millis))
    } else {
        Err(line.error(ParseErrorKind::Trailing))
    }
}

fn pairs<'p>(labels: &'p [Pair<'_>]) -> impl Iterator<Item = (&'p str, &'p str)> + Clone {
    labels.iter().map(|(name, value)| (&**name, &**value))
}

fn type_named(text: &str) -> Option<MetricType> {
    let types = [
        ("counter", MetricType::Counter),
        ("gauge", MetricType::Gauge),
        ("histogram", MetricType::Histogram),
        ("summary", MetricType::Summary),
        ("untyped", MetricType::Unknown),
    ];
    let mut types = types.into_iter();
    types
        .find(|(name, _)| text.eq_ignore_ascii_case(name))
        .map(|(_, metric_type)| metric_type)
}
