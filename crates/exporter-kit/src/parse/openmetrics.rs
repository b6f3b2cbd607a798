//! The strict parser of OpenMetrics 1.0: lines, metadata, and the end of each family.

use std::borrow::Cow;

use hashbrown::HashSet;

use crate::model::{MetricType, escape};
use crate::parse::Dialect;
use crate::parse::assembly::openmetrics_samples;
use crate::parse::error::{ParseError, ParseErrorKind};
use crate::parse::family::Family;
use crate::parse::line::{Line, Pair, lines};
use crate::parse::sample_line::read_sample;
use crate::snapshot::Snapshot;

/// Parses a whole exposition.
pub(crate) fn read(text: &str) -> Result<Snapshot, ParseError> {
    if text.starts_with('\u{feff}') {
        return Err(ParseError::new(1, "", "", ParseErrorKind::ByteOrderMark));
    }
    let mut reader = OpenMetricsReader::default();
    let mut ended = false;
    let mut last = 0;
    for (number, text) in lines(text) {
        last = number;
        let line = Line::new(text, number, Dialect::OpenMetrics);
        if ended {
            return Err(line.error(ParseErrorKind::AfterEof));
        }
        match text.as_bytes().first() {
            None => return Err(line.error(ParseErrorKind::BlankLine)),
            Some(b'#') if text == "# EOF" => {
                reader.end_family()?;
                ended = true;
            }
            Some(b'#') => reader.metadata(line)?,
            Some(_) => reader.sample(line)?,
        }
    }
    if ended {
        Ok(reader.snapshot)
    } else {
        Err(ParseError::new(last + 1, "", "", ParseErrorKind::NoEof))
    }
}

#[derive(Default)]
struct OpenMetricsReader<'a> {
    snapshot: Snapshot,
    /// Every name that a previous family has, or its samples could have.
    taken: HashSet<Box<str>>,
    family: Option<Family<'a>>,
    /// Reused for every sample.
    labels: Vec<Pair<'a>>,
}

impl<'a> OpenMetricsReader<'a> {
    fn metadata(&mut self, mut line: Line<'a>) -> Result<(), ParseError> {
        let keyword = ["# HELP ", "# TYPE ", "# UNIT "]
            .into_iter()
            .find(|keyword| line.eat(keyword));
        let keyword = keyword.ok_or_else(|| line.error(ParseErrorKind::Comment))?;
        let name = line.metric_name()?;
        line.gap()?;
        let text = line.rest();
        let family = self.family_named(name, line)?;
        if family.has_samples() {
            return Err(line.error(ParseErrorKind::LateMetadata));
        }
        match keyword {
            "# HELP " => {
                if family.help.replace(escape::unescape(text)).is_some() {
                    return Err(line.error_at(0, ParseErrorKind::SecondHelp));
                }
            }
            "# TYPE " => {
                let metric_type = MetricType::from_openmetrics(text)
                    .ok_or_else(|| line.error(ParseErrorKind::Type))?;
                if family.metric_type.replace(metric_type).is_some() {
                    return Err(line.error_at(0, ParseErrorKind::SecondType));
                }
            }
            _ => {
                let fits = text.is_empty()
                    || family
                        .name
                        .strip_suffix(text)
                        .is_some_and(|base| base.ends_with('_'));
                if !fits {
                    return Err(line.error(ParseErrorKind::Unit));
                }
                if family.unit.replace(text).is_some() {
                    return Err(line.error_at(0, ParseErrorKind::SecondUnit));
                }
            }
        }
        let without_unit = matches!(
            family.metric_type,
            Some(MetricType::Info | MetricType::StateSet)
        );
        if without_unit && family.unit.is_some_and(|unit| !unit.is_empty()) {
            return Err(line.error_at(0, ParseErrorKind::UnitOfType));
        }
        Ok(())
    }

    fn family_named(
        &mut self,
        name: Cow<'a, str>,
        line: Line<'a>,
    ) -> Result<&mut Family<'a>, ParseError> {
        if self
            .family
            .as_ref()
            .is_none_or(|family| family.name != name)
        {
            self.end_family()?;
        }
        Ok(self.family.get_or_insert_with(|| Family::new(name, line)))
    }

    fn sample(&mut self, mut line: Line<'a>) -> Result<(), ParseError> {
        let mut labels = std::mem::take(&mut self.labels);
        let sample = read_sample(&mut line, &mut labels)?;
        let family = match &mut self.family {
            Some(family) if family.role(&sample.name).is_some() => family,
            _ => self.family_named(sample.name.clone(), line)?,
        };
        family.add(sample, &mut labels, line)?;
        self.labels = labels;
        Ok(())
    }

    fn end_family(&mut self) -> Result<(), ParseError> {
        let Some(mut family) = self.family.take() else {
            return Ok(());
        };
        family.end_sample()?;
        let metric_type = family.metric_type.unwrap_or(MetricType::Unknown);
        let mut suffixes = vec![""];
        let others = openmetrics_samples(metric_type)
            .iter()
            .map(|(suffix, _)| *suffix);
        suffixes.extend(others.filter(|suffix| !suffix.is_empty()));
        for suffix in suffixes {
            if !self.taken.insert(format!("{}{suffix}", family.name).into()) {
                return Err(family.begin.error_at(0, ParseErrorKind::Clash));
            }
        }
        let begin = family.begin;
        let (descriptor, series) = family.into_parts();
        if self.snapshot.push(descriptor, series) {
            Ok(())
        } else {
            Err(begin.error_at(0, ParseErrorKind::Clash))
        }
    }
}
