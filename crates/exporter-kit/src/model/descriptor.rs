//! The description of a family: name, help, unit and metric type.

use std::sync::Arc;

use crate::model::header;
use crate::model::{MetricType, SeriesKey};
use crate::name::{self, NameError, NameScheme};

/// The samples of a family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Composition {
    /// One value of the family's type for each series.
    #[default]
    Values,
    /// Lines as another exporter wrote them.
    Lines,
    /// Numbers that OpenMetrics and protobuf cannot show as one family of this type, because they break its rules or
    /// because another family has one of its names. Each name of a line is a family of unknown type there.
    Loose,
}

/// The description of a family: name, help, unit and metric type.
///
/// The name is the one used in queries: a counter's ends in `_total`, an info's in `_info`. Clones share their texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// All texts in one allocation: the `#` lines of the text format for a legacy name, rendered once, which begin with
    /// `# HELP name help`; the help text, if these lines contain it escaped; the unit.
    text: Arc<str>,
    header_len: u32,
    name_len: u32,
    help_len: u32,
    unit_len: u32,
    /// True if the `#` lines contain the help text unescaped.
    help_in_header: bool,
    metric_type: MetricType,
    composition: Composition,
    /// Invariant: true only if the name is valid in every format without quotes or escaping.
    legacy: bool,
}

impl Descriptor {
    /// Describes a collector's family.
    ///
    /// # Errors
    /// When the name is not a legacy name, or breaks a rule of its metric type. A counter ends in `_total`, an info in
    /// `_info`, any other type in no suffix that belongs to samples.
    pub fn new(metric_type: MetricType, name: &str, help: &str) -> Result<Self, NameError> {
        Self::checked(metric_type, name, help, "", NameScheme::Legacy)
    }

    /// Describes a family with a unit, which the name must end in (before `_total`).
    ///
    /// # Errors
    /// As [`Descriptor::new`], and when the name does not end in the unit.
    pub fn with_unit(
        metric_type: MetricType,
        name: &str,
        help: &str,
        unit: &str,
    ) -> Result<Self, NameError> {
        Self::checked(metric_type, name, help, unit, NameScheme::Legacy)
    }

    /// Describes a family with a name that others chose: as [`Descriptor::with_unit`], but the name of a gauge, a counter or
    /// an unknown metric may end in any suffix. A counter need not end in `_total`.
    ///
    /// Prometheus accepts such names, and exporters in use have them. They break its naming rules, and
    /// [`lint::descriptor`](crate::lint::descriptor) reports them. The text format and protobuf carry them unchanged.
    /// OpenMetrics shows a counter without `_total` as a metric of unknown type.
    ///
    /// ```
    /// use exporter_kit::{Descriptor, MetricType};
    ///
    /// let name = "pg_stat_activity_count";
    /// assert!(Descriptor::new(MetricType::Gauge, name, "Connections.").is_err());
    /// assert!(Descriptor::with_any_suffix(MetricType::Gauge, name, "Connections.", "").is_ok());
    /// assert!(Descriptor::with_any_suffix(MetricType::Counter, "jobs", "Jobs.", "").is_ok());
    /// ```
    ///
    /// # Errors
    /// As [`Descriptor::with_unit`], apart from the suffix.
    pub fn with_any_suffix(
        metric_type: MetricType,
        name: &str,
        help: &str,
        unit: &str,
    ) -> Result<Self, NameError> {
        name::check_any_suffix(name, metric_type, unit)
            .map_err(|fault| NameError::new(name, fault))?;
        Ok(Self::unchecked(metric_type, name, help, unit))
    }

    pub(crate) fn checked(
        metric_type: MetricType,
        name: &str,
        help: &str,
        unit: &str,
        scheme: NameScheme,
    ) -> Result<Self, NameError> {
        name::check_metric_name(name, metric_type, unit, scheme)
            .map_err(|fault| NameError::new(name, fault))?;
        Ok(Self::unchecked(metric_type, name, help, unit))
    }

    /// For parsed families, where a counter need not end in `_total`.
    pub(crate) fn unchecked(metric_type: MetricType, name: &str, help: &str, unit: &str) -> Self {
        let mut text = header::text_header(metric_type, name, help);
        let header_len = text.len();
        let behind_name = header::HELP_KEYWORD.len() + name.len() + " ".len();
        let help_in_header = text
            .get(behind_name..)
            .is_some_and(|text| text.starts_with(help));
        if !help_in_header {
            text.push_str(help);
        }
        text.push_str(unit);
        Self {
            text: text.into(),
            header_len: length(header_len),
            name_len: length(name.len()),
            help_len: length(help.len()),
            unit_len: length(unit.len()),
            help_in_header,
            metric_type,
            composition: Composition::Values,
            legacy: name::is_legacy_metric_name(name),
        }
    }

    /// Returns the description with its samples composed in that way, if it is not looser already.
    pub(crate) fn composed(mut self, composition: Composition) -> Self {
        self.composition = self.composition.max(composition);
        self
    }

    /// Returns the description of one family with the series of this one and of another.
    #[must_use]
    pub fn joined(&self, other: &Self) -> Self {
        self.clone().composed(other.composition)
    }

    /// Returns the description with another type in the text format.
    pub(crate) fn shown_in_text_as(self, metric_type: MetricType) -> Self {
        Self {
            metric_type: self.metric_type,
            composition: self.composition,
            ..Self::unchecked(metric_type, self.name(), self.help(), self.unit())
        }
    }

    pub(crate) fn composition(&self) -> Composition {
        self.composition
    }

    /// The name used in queries.
    pub fn name(&self) -> &str {
        self.part(header::HELP_KEYWORD.len(), self.name_len)
    }

    /// The key of a series without labels. The help line contains it: the name and a space.
    #[inline]
    pub(crate) fn bare_key(&self) -> SeriesKey<'_> {
        let text = self.part(header::HELP_KEYWORD.len(), self.name_len.saturating_add(1));
        SeriesKey::from_parts(text, self.name_len as usize, self.legacy)
    }

    /// The name without the suffix of its type's only sample: OpenMetrics' name of the family.
    pub fn base_name(&self) -> &str {
        let name = self.name();
        name.strip_suffix(self.metric_type.sample_suffix())
            .unwrap_or(name)
    }

    /// The help text, unescaped.
    pub fn help(&self) -> &str {
        let begin = if self.help_in_header {
            header::HELP_KEYWORD.len() + self.name_len as usize + " ".len()
        } else {
            self.header_len as usize
        };
        self.part(begin, self.help_len)
    }

    /// The `#` lines of the text format, if the name is a legacy name.
    #[inline]
    pub(crate) fn text_header(&self) -> &str {
        self.part(0, self.header_len)
    }

    /// The unit, or the empty text.
    pub fn unit(&self) -> &str {
        self.part(self.text.len() - self.unit_len as usize, self.unit_len)
    }

    /// Returns a part of the texts.
    #[inline]
    fn part(&self, begin: usize, length: u32) -> &str {
        let end = begin + length as usize;
        self.text.get(begin..end).unwrap_or_default()
    }

    /// The type.
    pub fn metric_type(&self) -> MetricType {
        self.metric_type
    }

    /// Returns whether the name can be written without quotes and escaping in every format.
    pub(crate) fn is_legacy(&self) -> bool {
        self.legacy
    }
}

/// Returns the length of a text. Texts of 4 GiB, which no exposition can show, seem empty.
fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(0)
}
