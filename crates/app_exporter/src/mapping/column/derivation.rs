//! The steps from the text of a column to a derived value.

use exporter_kit::Number;

use crate::config::{DerivedConfig, Expression, Notation, Replacements, TextMap};
use crate::decode::{Cell, Failure, check_deadline, shown};
use crate::mapping::column::notation;

/// The steps, in the order in which they are applied.
#[derive(Clone, Debug)]
pub(super) struct Derivation {
    optional: bool,
    expression: Option<Expression>,
    replacements: Replacements,
    lower: bool,
    map: TextMap<String>,
    counted: Option<Expression>,
    notation: Option<Notation>,
}

impl Derivation {
    /// `None` if there is no step.
    pub(super) fn new(config: &DerivedConfig) -> Option<Self> {
        let steps = Self {
            optional: config.optional,
            expression: config.regex.as_ref().map(|it| (**it).clone()),
            replacements: config.replace.clone(),
            lower: config.lower,
            map: config.map.clone(),
            counted: config.count.as_ref().map(|it| (**it).clone()),
            notation: config.notation.as_ref().map(|it| (**it).clone()),
        };
        let Self {
            expression,
            replacements,
            lower,
            map,
            counted,
            notation,
            ..
        } = &steps;
        let has_none = expression.is_none()
            && replacements.0.is_empty()
            && !lower
            && map.is_empty()
            && counted.is_none()
            && notation.is_none();
        (!has_none).then_some(steps)
    }

    /// # Errors
    /// When the text does not match, or is not in the notation.
    pub(super) fn apply(&self, cell: &Cell) -> Result<Cell, Failure> {
        let whole = cell.to_label();
        let mut text = match &self.expression {
            None => whole,
            Some(expression) => match expression.find(&whole) {
                Some(found) => found.to_owned().into(),
                None if self.optional => return Ok(Cell::Null),
                None => {
                    return Err(Failure::decode(format!(
                        "`{}` does not match `{}`; correct the expression, or add `optional: true`",
                        shown(&whole),
                        expression.as_str()
                    )));
                }
            },
        };
        for (old, new) in &self.replacements.0 {
            text = text.replace(old, new).into();
        }
        if self.lower {
            text = text.to_lowercase().into();
        }
        if let Some(replacement) = self.map.replacement(text.trim()) {
            text = replacement.into();
        }
        if let Some(counted) = self.counted.as_ref().filter(|_| *cell != Cell::Null) {
            let mut count = 0;
            for _ in counted.matches(&text) {
                check_deadline()?;
                count += 1;
            }
            return Ok(Cell::Number(Number::U64(count)));
        }
        match &self.notation {
            _ if text.trim().is_empty() => Ok(Cell::Null),
            Some(notation) => notation::read(notation, &text),
            None => Ok(Cell::text(text)),
        }
    }
}
