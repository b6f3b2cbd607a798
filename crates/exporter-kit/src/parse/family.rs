//! One family of an OpenMetrics exposition while its lines are read: which sample belongs to which point.

use std::borrow::Cow;
use std::sync::Arc;

use crate::model::{Descriptor, Exemplar, HeadBuf, MetricType, Number, Timestamp};
use crate::parse::assemble::{Part, Parts, Role, openmetrics_samples};
use crate::parse::error::{ParseError, ParseErrorKind};
use crate::parse::line::{Dialect, Line, Pair};
use crate::parse::number::Moment;
use crate::snapshot::{OwnedPoint, Series, SeriesIndex, same_labels};

/// One sample as it stands on its line, without its labels.
pub(crate) struct Sample<'a> {
    pub(crate) name: Cow<'a, str>,
    /// The value as it was written.
    pub(crate) text: &'a str,
    pub(crate) value_at: usize,
    pub(crate) number: Number,
    pub(crate) moment: Option<Moment>,
    pub(crate) exemplar: Option<Exemplar>,
    pub(crate) exemplar_at: usize,
}

/// The family whose lines are being read.
pub(crate) struct Family<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) help: Option<Cow<'a, str>>,
    pub(crate) unit: Option<&'a str>,
    pub(crate) kind: Option<MetricType>,
    /// Its first line.
    pub(crate) begin: Line<'a>,
    /// The name that a query uses.
    query_name: String,
    series: Vec<Series>,
    /// The label sets seen; of an info with their times, for nobody can tell which of its labels make a series.
    seen: SeriesIndex,
    /// Whether samples have a time; an info's all do, or none.
    stamped: Option<bool>,
    open: Option<Open<'a>>,
    /// The labels of the last point, kept for their allocation.
    spare: Vec<Pair<'a>>,
    bounds: Arc<[f64]>,
}

/// The point that samples are being added to.
struct Open<'a> {
    labels: Vec<Pair<'a>>,
    moment: Option<Moment>,
    parts: Parts,
    /// The last line that belongs to it.
    line: Line<'a>,
}

impl<'a> Family<'a> {
    pub(crate) fn new(name: Cow<'a, str>, begin: Line<'a>) -> Self {
        Self {
            name,
            help: None,
            unit: None,
            kind: None,
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
        self.open.is_some()
    }

    fn kind(&self) -> MetricType {
        self.kind.unwrap_or(MetricType::Unknown)
    }

    /// What a sample of that name is to this family, if it is one of its.
    pub(crate) fn role(&self, sample: &str) -> Option<Role> {
        let suffix = sample.strip_prefix(&*self.name)?;
        let mut samples = openmetrics_samples(self.kind()).iter();
        samples
            .find(|(own, _)| *own == suffix)
            .map(|(_, role)| *role)
    }

    /// Adds a sample; `labels` are taken and others given back for their allocation.
    pub(crate) fn add(
        &mut self,
        sample: Sample<'a>,
        labels: &mut Vec<Pair<'a>>,
        line: Line<'a>,
    ) -> Result<(), ParseError> {
        let kind = self.kind();
        let role = self.role(&sample.name);
        let role = role.ok_or_else(|| line.error_at(0, ParseErrorKind::SampleOfType))?;
        let special = self.take_special(role, labels, line)?;
        let may_have_exemplar =
            role == Role::Bucket || (role == Role::Value && kind == MetricType::Counter);
        if sample.exemplar.is_some() && !may_have_exemplar {
            return Err(line.error_at(sample.exemplar_at, ParseErrorKind::ExemplarPlace));
        }
        self.open_point(labels, sample.moment, line)?;
        let Some(open) = &mut self.open else {
            return Err(line.error_at(0, ParseErrorKind::SampleOfType));
        };
        open.line = line;
        let part = Part {
            role,
            kind,
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

    /// Takes the label out that is the sample's and not the series'.
    fn take_special(
        &self,
        role: Role,
        labels: &mut Vec<Pair<'a>>,
        line: Line<'a>,
    ) -> Result<Option<Cow<'a, str>>, ParseError> {
        let special = match self.kind() {
            MetricType::Histogram | MetricType::GaugeHistogram => "le",
            MetricType::Summary => "quantile",
            MetricType::StateSet => &*self.name,
            _ => return Ok(None),
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

    /// Makes the point with these labels and this time the open one.
    fn open_point(
        &mut self,
        labels: &mut Vec<Pair<'a>>,
        moment: Option<Moment>,
        line: Line<'a>,
    ) -> Result<(), ParseError> {
        let info = self.kind() == MetricType::Info;
        if let Some(open) = self
            .open
            .as_ref()
            .filter(|open| !info && same_pairs(&open.labels, labels))
        {
            match (open.moment, moment) {
                (None, None) => return Ok(()),
                (Some(before), Some(now)) if now == before => return Ok(()),
                (Some(before), Some(now)) if now < before => {
                    return Err(line.error_at(0, ParseErrorKind::Backwards));
                }
                (Some(_), Some(_)) => self.end_point()?,
                _ => return Err(line.error_at(0, ParseErrorKind::MixedTimestamps)),
            }
        } else {
            self.end_point()?;
            if info && *self.stamped.get_or_insert(moment.is_some()) != moment.is_some() {
                return Err(line.error_at(0, ParseErrorKind::MixedTimestamps));
            }
            let time = moment.map(Moment::timestamp).filter(|_| info);
            self.begin_series(labels, time, line)?;
        }
        let labels = std::mem::replace(labels, std::mem::take(&mut self.spare));
        self.open = Some(Open {
            labels,
            moment,
            parts: Parts::default(),
            line,
        });
        Ok(())
    }

    fn begin_series(
        &mut self,
        labels: &[Pair<'a>],
        time: Option<Timestamp>,
        line: Line<'a>,
    ) -> Result<(), ParseError> {
        let hash = self.seen.hash(pairs(labels), time);
        let series = &self.series;
        let known = self.seen.find(hash, |at| {
            let known = &series[at];
            (time.is_none() || known.point.timestamp == time)
                && same_labels(known.head.as_head().labels(), pairs(labels))
        });
        if known.is_some() {
            let again = if self.kind() == MetricType::Info {
                ParseErrorKind::Duplicate
            } else {
                ParseErrorKind::Interleaved
            };
            return Err(line.error_at(0, again));
        }
        self.seen.insert(hash, self.series.len());
        Ok(())
    }

    /// Puts the open point's samples together.
    pub(crate) fn end_point(&mut self) -> Result<(), ParseError> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let kind = self.kind();
        if self.query_name.is_empty() {
            self.query_name = format!("{}{}", self.name, kind.sample_suffix());
        }
        let created = open.parts.created;
        let value = open
            .parts
            .finish(kind, Dialect::OpenMetrics, &mut self.bounds);
        let value = value.map_err(|fault| open.line.error_at(0, fault))?;
        self.series.push(Series {
            head: HeadBuf::new(&self.query_name, pairs(&open.labels)),
            point: OwnedPoint {
                value,
                timestamp: open.moment.map(Moment::timestamp),
                created,
            },
        });
        self.spare = open.labels;
        Ok(())
    }

    pub(crate) fn into_parts(self) -> (Descriptor, Vec<Series>) {
        let kind = self.kind();
        let name = format!("{}{}", self.name, kind.sample_suffix());
        let help = self.help.as_deref().unwrap_or("");
        let unit = self.unit.unwrap_or("");
        (Descriptor::unchecked(kind, &name, help, unit), self.series)
    }
}

fn pairs<'p>(labels: &'p [Pair<'_>]) -> impl Iterator<Item = (&'p str, &'p str)> + Clone {
    labels.iter().map(|(name, value)| (&**name, &**value))
}

fn same_pairs(a: &[Pair<'_>], b: &[Pair<'_>]) -> bool {
    a.len() == b.len() && same_labels(pairs(a), pairs(b))
}
