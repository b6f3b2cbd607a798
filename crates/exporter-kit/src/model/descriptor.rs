//! What is known of a family beside its series.

use crate::model::Kind;
use crate::name::{self, NameError, NameScheme};

/// What is known of a family beside its series: name, help, unit and kind.
///
/// The name is the one that a query uses: a counter's ends in `_total`, an info's in `_info`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    name: Box<str>,
    help: Box<str>,
    unit: Box<str>,
    kind: Kind,
    /// Invariant: true only if the name is valid in every format without quotes or escaping.
    legacy: bool,
}

impl Descriptor {
    /// Describes a family that a collector hands over.
    ///
    /// # Errors
    /// When the name is not a legacy name, or breaks a rule of its kind: a counter ends in `_total`, an
    /// info in `_info`, no other kind in a suffix that belongs to samples.
    pub fn new(kind: Kind, name: &str, help: &str) -> Result<Self, NameError> {
        Self::checked(kind, name, help, "", NameScheme::Legacy)
    }

    /// The same with a unit, which the name must end in (before `_total`).
    ///
    /// # Errors
    /// As [`Descriptor::new`], and when the name does not end in the unit.
    pub fn with_unit(kind: Kind, name: &str, help: &str, unit: &str) -> Result<Self, NameError> {
        Self::checked(kind, name, help, unit, NameScheme::Legacy)
    }

    pub(crate) fn checked(
        kind: Kind,
        name: &str,
        help: &str,
        unit: &str,
        scheme: NameScheme,
    ) -> Result<Self, NameError> {
        name::check_metric_name(name, kind, unit, scheme)
            .map_err(|fault| NameError::new(name, fault))?;
        Ok(Self::unchecked(kind, name, help, unit))
    }

    /// For what was read from elsewhere, where a counter need not end in `_total`.
    pub(crate) fn unchecked(kind: Kind, name: &str, help: &str, unit: &str) -> Self {
        let legacy = name::is_legacy_metric_name(name);
        Self {
            name: name.into(),
            help: help.into(),
            unit: unit.into(),
            kind,
            legacy,
        }
    }

    /// The name that a query uses.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name without the suffix of its kind's only sample: OpenMetrics' name of the family.
    pub fn base_name(&self) -> &str {
        self.name
            .strip_suffix(self.kind.sample_suffix())
            .unwrap_or(&self.name)
    }

    /// The help text, unescaped.
    pub fn help(&self) -> &str {
        &self.help
    }

    /// The unit, or the empty text.
    pub fn unit(&self) -> &str {
        &self.unit
    }

    /// The type.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether the name needs no quotes and no escaping in any format.
    pub(crate) fn is_legacy(&self) -> bool {
        self.legacy
    }
}
