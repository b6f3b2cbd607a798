//! One family of an OpenMetrics exposition during parsing: assigns lines to samples.

use std::borrow::Cow;
use std::sync::Arc;

use crate::model::decimal::Moment;
use crate::model::{Descriptor, MetricType, SeriesKeyBuf, Timestamp};
use crate::parse::Dialect;
use crate::parse::assembly::{Parts, Role, SamplePart, openmetrics_samples};
use crate::parse::error::{ParseError, ParseErrorKind};
use crate::parse::line::{Line, Pair};
use crate::parse::sample_line::SampleLine;
use crate::snapshot::{OwnedSample, Series, SeriesIndex, same_labels};

/// The family whose lines are being read.
pub(crate) struct Family<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) help: Option<Cow<'a, str>>,
    pub(crate) unit: Option<&'a str>,
    pub(crate) metric_type: Option<MetricType>,
    /// Its first line.
    pub(crate) begin: Line<'a>,
    /// The name used in queries.
    query_name: String,
    series: Vec<Series>,
    /// The label sets so far. For an info they include the times, because any of its labels may be information.
    seen: SeriesIndex,
    /// True if samples have a timestamp. In an info, all have one or all lack one.
    stamped: Option<bool>,
    open: Option<Open<'a>>,
    /// The labels of the last sample, kept for their allocation.
    spare: Vec<Pair<'a>>,
    bounds: Arc<[f64]>,
}

/// The sample that lines are being added to.
struct Open<'a> {
    labels: Vec<Pair<'a>>,
    moment: Option<Moment>,
    parts: Parts,
    /// Its last line.
    line: Line<'a>,
}

/// The sample of a line.
#[derive(Debug, PartialEq, Eq)]
enum Opening {
    Opened,
    /// Known already, with the same time and value.
    Repeated,
}

impl<'a> Family<'a> {
    pub(crate) fn new(name: Cow<'a, str>, begin: Line<'a>) -> Self {
        Self {
            name,
            help: None,
            unit: None,
            metric_type: None,
            begin,
            query_name: String::new(),
            series: Vec::new(),
            seen: SeriesIndex::default(),
            stamped: None,
            open: None,
            spare: Vec::new(),
            bounds: Arc::default(),
        }
    }

    pub(crate) fn has_samples(&self) -> bool {
        self.open.is_some() || !self.series.is_empty()
    }

    fn metric_type(&self) -> MetricType {
        self.metric_type.unwrap_or(MetricType::Unknown)
    }

    /// Returns the role of a sample with that name, if it belongs to this family.
    pub(crate) fn role(&self, sample: &str) -> Option<Role> {
        let suffix = sample.strip_prefix(&*self.name)?;
        let mut samples = openmetrics_samples(self.metric_type()).iter();
        samples
            .find(|(own, _)| *own == suffix)
            .map(|(_, role)| *role)
    }

    /// Adds a line. Takes the contents of `labels`, and leaves other ones for their allocation.
    pub(crate) fn add(
        &mut self,
        sample: SampleLine<'a>,
        labels: &mut Vec<Pair<'a>>,
        line: Line<'a>,
    ) -> Result<(), ParseError> {
        let metric_type = self.metric_type();
        let role = self.role(&sample.name);
        let role = role.ok_or_else(|| line.error_at(0, ParseErrorKind::SampleOfType))?;
        let special = self.take_special(role, labels, line)?;
        let may_have_exemplar =
            role == Role::Bucket || (role == Role::Value && metric_type == MetricType::Counter);
        if sample.exemplar.is_some() && !may_have_exemplar {
            return Err(line.error_at(sample.exemplar_at, ParseErrorKind::ExemplarPlace));
        }
        if self.open_sample(labels, sample.moment, line)? == Opening::Repeated {
            return Ok(());
        }
        let Some(open) = &mut self.open else {
            return Err(line.error_at(0, ParseErrorKind::SampleOfType));
        };
        open.line = line;
        let part = SamplePart {
            role,
            metric_type,
            number: sample.number,
            text: sample.text,
            special,
            exemplar: sample.exemplar,
        };
        open.parts.add(part, Dialect::OpenMetrics).map_err(|fault| {
            if fault.is_about_value() {
                line.error_on_word(sample.value_at, fault)
            } else {
                line.error_at(0, fault)
            }
        })
    }

    /// Removes the label that belongs to the line and not to the series.
    fn take_special(
        &self,
        role: Role,
        labels: &mut Vec<Pair<'a>>,
        line: Line<'a>,
    ) -> Result<Option<Cow<'a, str>>, ParseError> {
        let Some(special) = self.metric_type().line_label(&self.name) else {
            return Ok(None);
        };
        let Some(at) = labels.iter().position(|(name, _)| name == special) else {
            return Ok(None);
        };
        if matches!(role, Role::Bucket | Role::Quantile | Role::State) {
            Ok(Some(labels.remove(at).1))
        } else {
            Err(line.error_at(0, ParseErrorKind::TypeLabel))
        }
    }

    /// Opens the sample with these labels and this time. An info can come again with the same time.
    fn open_sample(
        &mut self,
        labels: &mut Vec<Pair<'a>>,
        moment: Option<Moment>,
        line: Line<'a>,
    ) -> Result<Opening, ParseError> {
        let info = self.metric_type() == MetricType::Info;
        if let Some(open) = self
            .open
            .as_ref()
            .filter(|open| !info && same_pairs(&open.labels, labels))
        {
            match (open.moment, moment) {
                (None, None) => return Ok(Opening::Opened),
                (Some(before), Some(now)) if now == before => return Ok(Opening::Opened),
                (Some(before), Some(now)) if now < before => {
                    return Err(line.error_at(0, ParseErrorKind::Backwards));
                }
                (Some(_), Some(_)) => self.end_sample()?,
                _ => return Err(line.error_at(0, ParseErrorKind::MixedTimestamps)),
            }
        } else {
            self.end_sample()?;
            if info && *self.stamped.get_or_insert(moment.is_some()) != moment.is_some() {
                return Err(line.error_at(0, ParseErrorKind::MixedTimestamps));
            }
            let time = moment.map(Moment::timestamp).filter(|_| info);
            if self.begin_series(labels, time, line)? == Opening::Repeated {
                return Ok(Opening::Repeated);
            }
        }
        let labels = std::mem::replace(labels, std::mem::take(&mut self.spare));
        self.open = Some(Open {
            labels,
            moment,
            parts: match moment {
                Some(_) => Parts::at_a_time(),
                None => Parts::default(),
            },
            line,
        });
        Ok(Opening::Opened)
    }

    fn begin_series(
        &mut self,
        labels: &[Pair<'a>],
        time: Option<Timestamp>,
        line: Line<'a>,
    ) -> Result<Opening, ParseError> {
        let hash = self.seen.hash(pairs(labels), time);
        let series = &self.series;
        let known = self.seen.find(hash, |at| {
            let known = &series[at];
            (time.is_none() || known.sample.timestamp == time)
                && same_labels(known.key.as_key().labels(), pairs(labels))
        });
        if known.is_some() && time.is_some() {
            return Ok(Opening::Repeated);
        }
        if known.is_some() {
            let again = if self.metric_type() == MetricType::Info {
                ParseErrorKind::Duplicate
            } else {
                ParseErrorKind::Interleaved
            };
            return Err(line.error_at(0, again));
        }
        self.seen.insert(hash, self.series.len());
        Ok(Opening::Opened)
    }

    /// Assembles the lines of the open sample.
    pub(crate) fn end_sample(&mut self) -> Result<(), ParseError> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let metric_type = self.metric_type();
        if self.query_name.is_empty() {
            self.query_name = format!("{}{}", self.name, metric_type.sample_suffix());
        }
        let created = open.parts.created;
        let value = open
            .parts
            .finish(metric_type, Dialect::OpenMetrics, &mut self.bounds);
        let value = value.map_err(|fault| open.line.error_at(0, fault))?;
        self.series.push(Series {
            key: SeriesKeyBuf::new(&self.query_name, pairs(&open.labels)),
            sample: OwnedSample {
                value,
                timestamp: open.moment.map(Moment::timestamp),
                created,
            },
        });
        self.spare = open.labels;
        Ok(())
    }

    pub(crate) fn into_parts(self) -> (Descriptor, Vec<Series>) {
        let metric_type = self.metric_type();
        let name = format!("{}{}", self.name, metric_type.sample_suffix());
        let help = self.help.as_deref().unwrap_or("");
        let unit = self.unit.unwrap_or("");
        (
            Descriptor::unchecked(metric_type, &name, help, unit),
            self.series,
        )
    }
}

fn pairs<'p>(labels: &'p [Pair<'_>]) -> impl Iterator<Item = (&'p str, &'p str)> + Clone {
    labels.iter().map(|(name, value)| (&**name, &**value))
}

fn same_pairs(a: &[Pair<'_>], b: &[Pair<'_>]) -> bool {
    a.len() == b.len() && same_labels(pairs(a), pairs(b))
}
