//! Families as scraped, for encoders that have more rules than the text format.
//!
//! A family whose lines make valid values of its type is written with that type. Of any other one, each name of a line
//! becomes a family of unknown type.

use std::borrow::Cow;

use hashbrown::HashMap;

use crate::collect::Sink;
use crate::collect::context::ScrapeContext;
use crate::encode::number::canonical_text;
use crate::model::{
    Composition, Descriptor, MetricType, Number, Sample, SeriesKey, SeriesKeyBuf, Timestamp, Value,
    decimal,
};
use crate::parse::Dialect;
use crate::parse::assembly::{Parts, Role, SamplePart, openmetrics_samples};
use crate::snapshot::{OwnedSample, OwnedValue, Series, SeriesIndex, same_labels};

/// The form of a family with valid values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The lines as they are, in order.
    Lines,
    /// A value for each series.
    Values,
}

/// Passes families on to an encoder. Those as scraped are collected first.
pub(crate) struct ScrapedSink<'e, E> {
    encoder: &'e mut E,
    form: Form,
    family: Option<(Descriptor, Vec<Series>)>,
    /// Families of unknown type, written at the end, because several families may have lines of one name.
    loose: Vec<LooseFamily>,
    names: HashMap<Box<str>, usize>,
}

/// A family of unknown type, of the lines with one name.
struct LooseFamily {
    descriptor: Descriptor,
    lines: Vec<LooseLine>,
    seen: SeriesIndex,
    /// The last line of each label set.
    places: Vec<usize>,
}

struct LooseLine {
    /// The number of its label set.
    place: usize,
    key: SeriesKeyBuf,
    number: Number,
    timestamp: Option<Timestamp>,
}

impl<'e, E: Sink> ScrapedSink<'e, E> {
    pub(crate) fn new(encoder: &'e mut E, form: Form) -> Self {
        Self {
            encoder,
            form,
            family: None,
            loose: Vec::new(),
            names: HashMap::new(),
        }
    }

    /// Writes the last families.
    pub(crate) fn finish(&mut self) {
        self.end_family();
        for mut family in std::mem::take(&mut self.loose) {
            if !self.encoder.family(&family.descriptor) {
                continue;
            }
            family.lines.sort_by_key(|line| line.place);
            for line in &family.lines {
                let sample = Sample {
                    value: Value::Unknown(line.number),
                    timestamp: line.timestamp,
                    created: None,
                };
                if !self.encoder.sample(line.key.as_key(), &sample) {
                    return;
                }
            }
        }
    }

    fn end_family(&mut self) {
        let Some((descriptor, series)) = self.family.take() else {
            return;
        };
        let groups = match descriptor.composition() {
            Composition::Loose => None,
            _ => Groups::of(&descriptor, &series),
        };
        match groups {
            Some(groups) => self.write_groups(&descriptor, &series, groups),
            None => self.loosen(&descriptor, series),
        }
    }

    fn write_groups(&mut self, descriptor: &Descriptor, series: &[Series], groups: Groups) {
        if !self.encoder.family(descriptor) {
            return;
        }
        for group in groups.groups {
            let goes_on = match self.form {
                Form::Lines => group.lines.iter().all(|line| {
                    let Series { key, sample } = &series[line.at];
                    let canonical = in_canonical_form(key.as_key(), descriptor.metric_type());
                    let key = canonical.as_ref().unwrap_or(key).as_key();
                    let mut sample = sample.as_sample();
                    if let Value::Line(number, _) = sample.value
                        && !may_have_exemplar(line.role, descriptor.metric_type())
                    {
                        sample.value = Value::Line(number, None);
                    }
                    self.encoder.sample(key, &sample)
                }),
                Form::Values => self
                    .encoder
                    .sample(group.key.as_key(), &group.sample.as_sample()),
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Adds the lines to the families of their names.
    fn loosen(&mut self, descriptor: &Descriptor, series: Vec<Series>) {
        for Series { key, sample } in series {
            let Some(number) = single_number(&sample.value) else {
                continue;
            };
            let name = key.as_key().name();
            let at = match self.names.get(name) {
                Some(at) => *at,
                None => {
                    self.names.insert(name.into(), self.loose.len());
                    self.loose.push(LooseFamily::new(name, descriptor.help()));
                    self.loose.len() - 1
                }
            };
            let canonical = in_canonical_form(key.as_key(), descriptor.metric_type());
            self.loose[at].add(canonical.unwrap_or(key), number, sample.timestamp);
        }
    }
}

impl LooseFamily {
    fn new(name: &str, help: &str) -> Self {
        Self {
            descriptor: Descriptor::unchecked(MetricType::Unknown, name, help, ""),
            lines: Vec::new(),
            seen: SeriesIndex::default(),
            places: Vec::new(),
        }
    }

    /// Adds a line, unless its labels have one that excludes it.
    fn add(&mut self, key: SeriesKeyBuf, number: Number, timestamp: Option<Timestamp>) {
        let labels = key.as_key().labels();
        let hash = self.seen.hash(labels.clone(), None);
        let (lines, places) = (&self.lines, &mut self.places);
        let known = self.seen.find(hash, |at| {
            same_labels(lines[places[at]].key.as_key().labels(), labels.clone())
        });
        let place = match known {
            Some(place) if lines[places[place]].timestamp < timestamp => {
                if lines[places[place]].timestamp.is_none() {
                    return;
                }
                places[place] = lines.len();
                place
            }
            Some(_) => return,
            None => {
                self.seen.insert(hash, places.len());
                places.push(lines.len());
                places.len() - 1
            }
        };
        self.lines.push(LooseLine {
            place,
            key,
            number,
            timestamp,
        });
    }
}

impl<E: Sink> Sink for ScrapedSink<'_, E> {
    #[inline]
    fn family(&mut self, descriptor: &Descriptor) -> bool {
        if self.family.is_some() {
            self.end_family();
        }
        if descriptor.composition() == Composition::Values {
            return self.encoder.family(descriptor);
        }
        self.family = Some((descriptor.clone(), Vec::new()));
        true
    }

    #[inline]
    fn sample(&mut self, key: SeriesKey<'_>, sample: &Sample<'_>) -> bool {
        let Some((_, series)) = &mut self.family else {
            return self.encoder.sample(key, sample);
        };
        series.push(Series {
            key: key.into(),
            sample: sample.into(),
        });
        true
    }

    fn context(&self) -> &ScrapeContext {
        self.encoder.context()
    }
}

/// The series of a family, each with its lines.
struct Groups {
    groups: Vec<Group>,
}

struct Group {
    /// Without the label of the line.
    key: SeriesKeyBuf,
    sample: OwnedSample,
    lines: Vec<GroupLine>,
}

/// One line of a series.
struct GroupLine {
    at: usize,
    role: Role,
    /// The value of `le`, `quantile` or the state's label.
    special: Option<Box<str>>,
    /// The value of `special`, if it is a number.
    bound: f64,
}

impl Groups {
    /// Groups the lines by series. Returns `None` if they break a rule of the type.
    fn of(descriptor: &Descriptor, series: &[Series]) -> Option<Self> {
        let metric_type = descriptor.metric_type();
        let special = metric_type.line_label(descriptor.name());
        let mut index = SeriesIndex::default();
        let mut groups: Vec<Group> = Vec::new();
        for (at, series) in series.iter().enumerate() {
            let key = series.key.as_key();
            let role = role_of(descriptor, key.name())?;
            let mut line = GroupLine {
                at,
                role,
                special: None,
                bound: f64::NAN,
            };
            let mut labels: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
            for (name, value) in key.labels() {
                if special != Some(&*name) {
                    labels.push((name, value));
                } else if matches!(role, Role::Bucket | Role::Quantile | Role::State) {
                    line.bound = decimal::float(&value).unwrap_or(f64::NAN);
                    line.special = Some(value.into());
                } else {
                    return None;
                }
            }
            let pairs = labels.iter().map(|(name, value)| (&**name, &**value));
            let timestamp = series.sample.timestamp;
            let hash = index.hash(pairs.clone(), None);
            let known = index.find(hash, |at| {
                same_labels(groups[at].key.as_key().labels(), pairs.clone())
            });
            match known {
                // Several times of one series have no place here.
                Some(at) if groups[at].sample.timestamp != timestamp => return None,
                Some(at) => groups[at].lines.push(line),
                None => {
                    index.insert(hash, groups.len());
                    groups.push(Group {
                        key: SeriesKeyBuf::new(descriptor.name(), pairs),
                        sample: OwnedSample {
                            value: OwnedValue::Info,
                            timestamp,
                            created: None,
                        },
                        lines: vec![line],
                    });
                }
            }
        }
        let mut bounds = Default::default();
        for group in &mut groups {
            // Buckets by their bounds, and the others behind them.
            group.lines.sort_by(|a, b| {
                let last = |line: &GroupLine| !matches!(line.role, Role::Bucket | Role::Quantile);
                last(a).cmp(&last(b)).then(a.bound.total_cmp(&b.bound))
            });
            group.assemble(metric_type, series, &mut bounds)?;
        }
        Some(Self { groups })
    }
}

impl Group {
    /// Makes the value of the lines.
    fn assemble(
        &mut self,
        metric_type: MetricType,
        series: &[Series],
        bounds: &mut std::sync::Arc<[f64]>,
    ) -> Option<()> {
        let mut parts = Parts::default();
        for line in &self.lines {
            let OwnedValue::Line(number, exemplar) = &series[line.at].sample.value else {
                return None;
            };
            let part = SamplePart {
                role: line.role,
                metric_type,
                number: *number,
                text: &number.to_string(),
                special: line.special.as_deref().map(Cow::Borrowed),
                exemplar: exemplar
                    .as_deref()
                    .filter(|_| may_have_exemplar(line.role, metric_type))
                    .cloned(),
            };
            parts.add(part, Dialect::OpenMetrics).ok()?;
        }
        let created: Option<Timestamp> = parts.created;
        self.sample.created = created;
        self.sample.value = parts
            .finish(metric_type, Dialect::OpenMetrics, bounds)
            .ok()?;
        Some(())
    }
}

/// The role of a line with that name, in OpenMetrics.
fn role_of(descriptor: &Descriptor, line: &str) -> Option<Role> {
    let suffix = line.strip_prefix(descriptor.base_name())?;
    let mut samples = openmetrics_samples(descriptor.metric_type()).iter();
    samples
        .find(|(own, _)| *own == suffix)
        .map(|(_, role)| *role)
}

fn may_have_exemplar(role: Role, metric_type: MetricType) -> bool {
    role == Role::Bucket || (role == Role::Value && metric_type == MetricType::Counter)
}

fn single_number(value: &OwnedValue) -> Option<Number> {
    match value {
        OwnedValue::Counter(number, _)
        | OwnedValue::Line(number, _)
        | OwnedValue::Gauge(number)
        | OwnedValue::Unknown(number) => Some(*number),
        OwnedValue::Info => Some(Number::U64(1)),
        OwnedValue::Histogram(_)
        | OwnedValue::GaugeHistogram(_)
        | OwnedValue::Summary(_)
        | OwnedValue::StateSet(_) => None,
    }
}

/// The key with the bound or quantile of the line in its canonical form, as Prometheus 3 has it for these types; `None`
/// if it is the same.
fn in_canonical_form(key: SeriesKey<'_>, metric_type: MetricType) -> Option<SeriesKeyBuf> {
    let normal = metric_type.normal_label()?;
    let (_, value) = key.labels().find(|(name, _)| name == normal)?;
    let canonical = canonical_text(&value).filter(|canonical| *canonical != *value)?;
    let labels: Vec<_> = key.labels().collect();
    let labels = labels.iter().map(|(name, value)| {
        let is_it = name == normal;
        (&**name, if is_it { &*canonical } else { &**value })
    });
    Some(SeriesKeyBuf::new(key.name(), labels))
}
