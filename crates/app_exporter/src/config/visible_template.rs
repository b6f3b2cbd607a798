//! Templates that may be displayed: addresses and user names of servers.

use crate::config::template::{Piece, Template};
use crate::config::{At, Fault};

impl Template {
    /// The string, if it contains no variables.
    pub(crate) fn literal(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }
}

impl At<Template> {
    /// The string with the values of its variables.
    ///
    /// # Errors
    /// When a variable is not set.
    pub(crate) fn resolved(
        &self,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<String, Fault> {
        self.resolve(variable)
            .map_err(|message| Fault::at(self.place(), message))
    }
}

#[cfg(all(test, any(feature = "http", feature = "redis")))]
mod tests {
    use super::*;

    #[test]
    fn only_text_without_variables_is_literal() {
        let literal = |text| Template::parse(text).unwrap().literal().map(str::to_owned);
        assert_eq!(literal("a$$b").as_deref(), Some("a$b"));
        assert_eq!(literal("").as_deref(), Some(""));
        assert_eq!(literal("${A}"), None);
    }
}
