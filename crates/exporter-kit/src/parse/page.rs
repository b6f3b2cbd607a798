//! The reader of a page as Prometheus keeps it: sample by sample, whatever rules of its type a family breaks.

use std::borrow::Cow;

use hashbrown::HashMap;

use crate::encode::number::canonical_text;
use crate::model::decimal::Moment;
use crate::model::{Composition, Descriptor, MetricType, SeriesKeyBuf, Timestamp, escape};
use crate::parse::Dialect;
use crate::parse::error::{ParseError, ParseErrorKind};
use crate::parse::line::{Grammar, Line, Pair, has_duplicate};
use crate::parse::page_family::PageFamily;
use crate::parse::page_lines::PageLines;
use crate::parse::sample_line::{SampleLine, read_sample};
use crate::parse::scraped::{AsScraped, Scraped};
use crate::parse::type_word::{is_word_of, type_named};
use crate::snapshot::{
    OwnedSample, OwnedValue, Series, SeriesIndex, Snapshot, loosen, same_labels,
};

/// Reads a whole page.
pub(crate) fn read(page: &[u8], options: &AsScraped<'_>) -> Result<Scraped, ParseError> {
    let mut reader = PageReader::new(options);
    let text = page.strip_prefix("\u{feff}".as_bytes());
    if text.is_some() {
        reader.reject(ParseError::new(1, "", "", ParseErrorKind::ByteOrderMark));
    }
    let page = text.unwrap_or(page);
    let mut lines = PageLines::new(page);
    let mut last = 0;
    while let Some((number, bytes)) = lines.next() {
        last = number;
        if options.dialect == Dialect::OpenMetrics && bytes == b"# EOF" {
            reader.ended = true;
            continue;
        }
        let Err(fault) = reader.line(number, bytes) else {
            continue;
        };
        let joined = lines
            .joined()
            .filter(|_| fault.kind() == ParseErrorKind::OpenQuote);
        match joined {
            Some((joined, count)) if reader.line(number, joined).is_ok() => lines.pass_over(count),
            _ => reader.leave_out(fault),
        }
    }
    if options.dialect == Dialect::OpenMetrics && !reader.ended {
        return Err(ParseError::new(last + 1, "", "", ParseErrorKind::NoEof));
    }
    Ok(reader.finish())
}

/// The families of a page so far.
struct PageReader<'a, 'o> {
    options: &'o AsScraped<'o>,
    families: Vec<PageFamily<'a>>,
    /// The family that has that name now, by its own name or that of a sample.
    names: HashMap<Cow<'a, str>, usize>,
    /// The type in the last `# TYPE` line, of whatever family. Prometheus writes bounds and quantiles that follow in
    /// their canonical form.
    last_type: Option<MetricType>,
    seen: SeriesIndex,
    /// The samples with distinct labels, and the timestamp of the last one with those.
    places: Vec<Place>,
    /// Reused for every sample.
    labels: Vec<Pair<'a>>,
    ended: bool,
    scraped: Scraped,
}

/// The place of a sample.
struct Place {
    family: usize,
    at: usize,
    last: Option<Timestamp>,
}

impl<'a, 'o> PageReader<'a, 'o> {
    fn new(options: &'o AsScraped<'o>) -> Self {
        Self {
            options,
            families: Vec::new(),
            names: HashMap::new(),
            last_type: None,
            seen: SeriesIndex::default(),
            places: Vec::new(),
            labels: Vec::new(),
            ended: false,
            scraped: Scraped::default(),
        }
    }

    /// Notes a fault for which Prometheus rejects the whole page.
    fn reject(&mut self, fault: ParseError) {
        self.scraped.rejection.get_or_insert(fault);
    }

    fn leave_out(&mut self, fault: ParseError) {
        if !is_left_out_alone(fault.kind()) {
            self.reject(fault.clone());
        }
        self.scraped.left_out += 1;
        if self.scraped.faults.len() < Scraped::MAX_FAULTS {
            self.scraped.faults.push(fault);
        }
    }

    fn line(&mut self, number: usize, bytes: &'a [u8]) -> Result<(), ParseError> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let (valid, bad) = bytes.split_at(error.valid_up_to());
            let found = String::from_utf8_lossy(&bad[..error.error_len().unwrap_or(bad.len())]);
            let valid = String::from_utf8_lossy(valid);
            ParseError::new(number, &valid, &found, ParseErrorKind::NotUtf8)
        })?;
        let mut line =
            Line::new(text, number, self.options.dialect).with_grammar(Grammar::AsScraped);
        if self.ended && !text.is_empty() {
            return Err(line.error(ParseErrorKind::AfterEof));
        }
        if self.options.dialect == Dialect::Text {
            line.skip_blanks();
        }
        if line.eat("#") {
            self.comment(line)
        } else if matches!(line.rest(), "" | "\r") {
            if line.rest() == "\r" {
                self.reject(line.error(ParseErrorKind::CarriageReturn));
            } else if self.options.dialect == Dialect::OpenMetrics && !self.ended {
                self.reject(line.error(ParseErrorKind::BlankLine));
            }
            Ok(())
        } else {
            self.sample(line)
        }
    }

    /// Reads a line after its `#`.
    fn comment(&mut self, mut line: Line<'a>) -> Result<(), ParseError> {
        let is_openmetrics = self.options.dialect == Dialect::OpenMetrics;
        let begins = line.rest().starts_with([' ', '\t']);
        line.skip_blanks();
        let keyword = line.word();
        line.skip_blanks();
        let is_known = matches!(keyword, "HELP" | "TYPE") || (keyword == "UNIT" && is_openmetrics);
        if !(begins && is_known) {
            if is_openmetrics {
                self.reject(line.error_at(0, ParseErrorKind::Comment));
            }
            return Ok(());
        }
        let name = line.metric_name()?;
        line.skip_blanks();
        let text = line.rest();
        match keyword {
            "TYPE" => return self.begin_type(name, line),
            "HELP" => self.family_mut(name).help = Some((*escape::unescape(text)).into()),
            _ => {
                let fits = name.strip_suffix(text).is_some_and(|it| it.ends_with('_'));
                if fits {
                    self.family_mut(name).unit = text;
                } else if !text.is_empty() {
                    self.reject(line.error(ParseErrorKind::Unit));
                }
            }
        }
        Ok(())
    }

    fn begin_type(&mut self, name: Cow<'a, str>, line: Line<'a>) -> Result<(), ParseError> {
        let Some(metric_type) = type_named(line.rest().trim()) else {
            self.family_mut(name).is_refused = true;
            return Err(line.error(ParseErrorKind::Type));
        };
        self.last_type = Some(metric_type);
        let dialect = self.options.dialect;
        if !is_word_of(metric_type, line.rest(), dialect) {
            self.reject(line.error_to_end(ParseErrorKind::TypeWord));
        }
        let family = self.family_mut(name.clone());
        family.is_refused = false;
        match family.metric_type {
            // Families that differ in their names in queries are two. Otherwise the first type stays.
            Some(before) if before != metric_type && !family.series.is_empty() => {
                let suffix = |metric_type: MetricType| match dialect {
                    Dialect::OpenMetrics => metric_type.sample_suffix(),
                    Dialect::Text => "",
                };
                if suffix(before) != suffix(metric_type) {
                    let help = family.help.clone();
                    let at = self.families.len();
                    self.families.push(PageFamily {
                        metric_type: Some(metric_type),
                        help,
                        ..PageFamily::new(name.clone())
                    });
                    self.names.insert(name, at);
                }
            }
            _ => family.metric_type = Some(metric_type),
        }
        Ok(())
    }

    fn family_named(&mut self, name: Cow<'a, str>) -> usize {
        if let Some(at) = self.names.get(&*name) {
            return *at;
        }
        let at = self.families.len();
        self.names.insert(name.clone(), at);
        self.families.push(PageFamily::new(name));
        at
    }

    fn family_mut(&mut self, name: Cow<'a, str>) -> &mut PageFamily<'a> {
        let at = self.family_named(name);
        &mut self.families[at]
    }

    /// Returns the family of a sample.
    fn family_of(&mut self, sample: Cow<'a, str>) -> usize {
        if let Some(at) = self.names.get(&*sample) {
            return *at;
        }
        for suffix in SUFFIXES {
            let base = sample.strip_suffix(suffix).unwrap_or("");
            if let Some(at) = self.names.get(base)
                && self.families[*at].has_samples_with(suffix, self.options.dialect)
            {
                return *at;
            }
        }
        self.family_named(sample)
    }

    fn sample(&mut self, mut line: Line<'a>) -> Result<(), ParseError> {
        let begin = line.pos();
        let mut labels = std::mem::take(&mut self.labels);
        let read = read_sample(&mut line, &mut labels);
        let added = read.and_then(|sample| {
            if let Some(relabel) = self.options.relabel {
                relabel(&mut labels);
                if has_duplicate(labels.iter().map(|(name, _)| &**name)) {
                    return Err(line.error_at(begin, ParseErrorKind::DuplicateLabel));
                }
            }
            self.add(sample, &mut labels)
                .map_err(|fault| line.error_at(begin, fault))
        });
        self.labels = labels;
        added
    }

    /// Adds a sample to its family, unless Prometheus would not keep it.
    fn add(
        &mut self,
        sample: SampleLine<'a>,
        labels: &mut [Pair<'a>],
    ) -> Result<(), ParseErrorKind> {
        let family = self.family_of(sample.name.clone());
        if self.families[family].is_refused {
            return Err(ParseErrorKind::TypeOfSample);
        }
        // Prometheus sees another type here than the one that it would see in our text.
        let normal = self.last_type.and_then(MetricType::normal_label);
        if normal != self.families[family].normal_label() {
            let named = labels.iter_mut().find(|(name, _)| Some(&**name) == normal);
            if let Some((_, value)) = named
                && let Some(canonical) = canonical_text(value)
            {
                *value = canonical.into();
            }
        }
        let timestamp = sample.moment.map(Moment::timestamp);
        // Prometheus' text has no times before 1970, and Prometheus stores none beside recent ones.
        if timestamp.is_some_and(|time| time.seconds() < 0) {
            return Err(ParseErrorKind::Timestamp);
        }
        self.place(family, &sample.name, labels, timestamp)?;
        let name = format!("{}{}", self.options.prefix, sample.name);
        let pairs = labels.iter().map(|(name, value)| (&**name, &**value));
        self.families[family].series.push(Series {
            key: SeriesKeyBuf::new(&name, pairs),
            sample: OwnedSample {
                value: OwnedValue::Line(sample.number, sample.exemplar.map(Box::new)),
                timestamp,
                created: None,
            },
        });
        Ok(())
    }

    /// Notes the place of the next sample of a family, unless its labels have a sample that excludes it.
    fn place(
        &mut self,
        family: usize,
        name: &str,
        labels: &[Pair<'a>],
        timestamp: Option<Timestamp>,
    ) -> Result<(), ParseErrorKind> {
        let normal = self.families[family].normal_label();
        let labels = labels.iter().map(|(name, value)| {
            let value = Cow::Borrowed(&**value);
            (Cow::Borrowed(&**name), normalized(name, value, normal))
        });
        // The name of the sample, as a label without a name.
        let own = std::iter::once(("".into(), name.into())).chain(labels);
        let hash = self.seen.hash(own.clone(), None);
        let (places, families) = (&self.places, &self.families);
        let prefix = self.options.prefix.len();
        let known = self.seen.find(hash, |at| {
            let place: &Place = &places[at];
            let family = &families[place.family];
            let key = family.series[place.at].key.as_key();
            let normal = family.normal_label();
            let theirs = key.labels().map(|(name, value)| {
                let value = normalized(&name, value, normal);
                (name, value)
            });
            let theirs = std::iter::once(("".into(), key.name()[prefix..].into())).chain(theirs);
            same_labels(theirs, own.clone())
        });
        let Some(known) = known else {
            self.seen.insert(hash, self.places.len());
            self.families[family].places.push(self.places.len());
            self.places.push(Place {
                family,
                at: self.families[family].series.len(),
                last: timestamp,
            });
            return Ok(());
        };
        let last = &mut self.places[known].last;
        match (*last, timestamp) {
            (Some(before), Some(now)) if before < now => *last = timestamp,
            (Some(before), Some(now)) if before > now => return Err(ParseErrorKind::Backwards),
            (None, Some(_)) | (Some(_), None) => return Err(ParseErrorKind::MixedTimestamps),
            _ => return Err(ParseErrorKind::Duplicate),
        }
        self.families[family].places.push(known);
        self.families[family].has_repeated_labels = true;
        Ok(())
    }

    fn finish(self) -> Scraped {
        let Self {
            options,
            families,
            mut scraped,
            ..
        } = self;
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut finished: Vec<(Descriptor, Vec<Series>)> = Vec::new();
        for family in families {
            if family.series.is_empty() {
                continue;
            }
            let name = family.query_name(options.dialect, options.prefix);
            if options.wants.is_some_and(|wants| !wants(&name)) {
                continue;
            }
            let name = format!("{}{name}", options.prefix);
            match places.get(&name) {
                Some(at) => {
                    let (descriptor, series) = &mut finished[*at];
                    *descriptor = descriptor.clone().composed(Composition::Loose);
                    series.extend(family.series);
                }
                None => {
                    finished.push(family.finish(&name));
                    places.insert(name, finished.len() - 1);
                }
            }
        }
        loosen(&mut finished);
        let mut snapshot = Snapshot::new();
        for (descriptor, series) in finished {
            snapshot.push(descriptor, series);
        }
        scraped.snapshot = snapshot;
        scraped
    }
}

/// The suffixes of samples whose family has another name.
const SUFFIXES: [&str; 8] = [
    "_bucket", "_count", "_sum", "_total", "_created", "_info", "_gcount", "_gsum",
];

/// Returns whether Prometheus leaves out that sample alone, and keeps the rest of the page.
fn is_left_out_alone(fault: ParseErrorKind) -> bool {
    matches!(
        fault,
        ParseErrorKind::Duplicate | ParseErrorKind::Backwards | ParseErrorKind::MixedTimestamps
    )
}

/// The value of a label, in its canonical form if Prometheus has that.
fn normalized<'p>(name: &str, value: Cow<'p, str>, normal: Option<&str>) -> Cow<'p, str> {
    let canonical = (normal == Some(name)).then(|| canonical_text(&value));
    canonical.flatten().map_or(value, Cow::Owned)
}
