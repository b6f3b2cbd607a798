//! The lenient parser of Prometheus text 0.0.4 and 1.0.0.

use std::borrow::Cow;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::model::decimal::Moment;
use crate::model::{Descriptor, MetricType, Number, SeriesKeyBuf, Timestamp, escape};
use crate::parse::Dialect;
use crate::parse::assembly::{Parts, Role, SamplePart};
use crate::parse::error::{ParseError, ParseErrorKind};
use crate::parse::line::{Line, Pair, bad_escape, lines};
use crate::parse::sample_line::{SampleLine, read_sample};
use crate::snapshot::{
    OwnedSample, OwnedValue, Series, SeriesIndex, Snapshot, loosen, same_labels,
};

/// Parses a whole exposition.
pub(crate) fn read(text: &str) -> Result<Snapshot, ParseError> {
    let mut reader = TextReader::default();
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
struct TextReader<'a> {
    families: Vec<TextFamily<'a>>,
    names: HashMap<Cow<'a, str>, usize>,
    duplicates: Vec<SeriesKeyBuf>,
    /// Reused for every sample.
    labels: Vec<Pair<'a>>,
}

struct TextFamily<'a> {
    name: Cow<'a, str>,
    help: Option<Cow<'a, str>>,
    /// Set by the first sample at the latest.
    metric_type: Option<MetricType>,
    /// The line of its first sample.
    begin: Option<Line<'a>>,
    seen: SeriesIndex,
    series: Vec<Series>,
    /// For a histogram or summary: the lines of the series at the same position.
    parts: Vec<(Parts, Line<'a>)>,
}

impl<'a> TextReader<'a> {
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
        self.families.push(TextFamily {
            name,
            help: None,
            metric_type: None,
            begin: None,
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
        let begin = line.pos();
        let sample = read_sample(&mut line, &mut self.labels)?;
        let timestamp = sample.moment.map(Moment::timestamp);
        let (at, role) = self.family_of(sample.name.clone());
        let role = role.ok_or_else(|| line.error_at(begin, ParseErrorKind::SampleOfType))?;
        let family = &mut self.families[at];
        family.begin.get_or_insert(line);
        if matches!(role, Role::Value) {
            let metric_type = *family.metric_type.get_or_insert(MetricType::Unknown);
            let value = sample.number.as_f64();
            if metric_type == MetricType::Counter && (value.is_nan() || value < 0.0) {
                return Err(line.error_on_word(sample.value_at, ParseErrorKind::NotACount));
            }
            self.duplicates
                .extend(family.scalar(&self.labels, sample.number, timestamp));
            return Ok(());
        }
        family.part(role, &mut self.labels, &sample, line)
    }

    /// Rejects a family that has samples of the name of another family's.
    fn check_clashes(&self) -> Result<(), ParseError> {
        for (at, family) in self.families.iter().enumerate() {
            let suffixes: &[&str] = match family.metric_type {
                Some(MetricType::Histogram) => &["_bucket", "_sum", "_count"],
                Some(MetricType::Summary) => &["_sum", "_count"],
                _ => continue,
            };
            let others = suffixes.iter().filter_map(|suffix| {
                let other = *self.names.get(&*format!("{}{suffix}", family.name))?;
                Some(at.max(other)).filter(|_| !self.families[other].series.is_empty())
            });
            let later = others.min().filter(|_| !family.series.is_empty());
            if let Some(line) = later.and_then(|later| self.families[later].begin) {
                return Err(line.error_at(0, ParseErrorKind::Clash));
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Snapshot, ParseError> {
        self.check_clashes()?;
        let mut families = Vec::new();
        let mut bounds = Arc::default();
        for mut family in self.families {
            let metric_type = family.metric_type.unwrap_or(MetricType::Unknown);
            for (series, (parts, line)) in family.series.iter_mut().zip(family.parts) {
                let value = parts.finish(metric_type, Dialect::Text, &mut bounds);
                series.sample.value = value.map_err(|fault| line.error_at(0, fault))?;
            }
            let help = family.help.as_deref().unwrap_or("");
            let descriptor = Descriptor::unchecked(metric_type, &family.name, help, "");
            families.push((descriptor, family.series));
        }
        loosen(&mut families);
        let mut snapshot = Snapshot::new();
        for (descriptor, series) in families {
            snapshot.push(descriptor, series);
        }
        for key in &self.duplicates {
            let key = key.as_key();
            snapshot.note_duplicate(key.name(), &key.text());
        }
        Ok(snapshot)
    }
}

impl<'a> TextFamily<'a> {
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
        role: Role,
        labels: &mut Vec<Pair<'a>>,
        sample: &SampleLine<'a>,
        line: Line<'a>,
    ) -> Result<(), ParseError> {
        let metric_type = self.metric_type.unwrap_or(MetricType::Unknown);
        let special = match metric_type {
            MetricType::Summary => "quantile",
            _ => "le",
        };
        let special = match labels.iter().position(|(name, _)| name == special) {
            None => None,
            Some(at) if matches!(role, Role::Bucket | Role::Quantile) => Some(labels.remove(at).1),
            // The buckets of that series would have a duplicate label.
            Some(_) => return Err(line.error_at(0, ParseErrorKind::TypeLabel)),
        };
        let timestamp = sample.moment.map(Moment::timestamp);
        // The value is a placeholder until all samples are parsed.
        let (at, fresh) = self.position(labels, timestamp, OwnedValue::Info);
        if fresh {
            self.parts.push((Parts::default(), line));
        }
        let (parts, last) = &mut self.parts[at];
        *last = line;
        let part = SamplePart {
            role,
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
