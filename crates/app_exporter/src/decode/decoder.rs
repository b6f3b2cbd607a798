//! One format: its keys in a configuration, and the decoder that they make.

use std::fmt;

use crate::config::Fault;
use crate::decode::{Failure, Limits, Part, Parts, Wanted};

/// The memory for each byte of a text, where little more than its rows is kept.
pub(super) const ROWS_ONLY: usize = 10;

/// The memory for each byte of a text in the worst case, where it becomes a tree: an empty list is two bytes of JSON.
pub(super) const WHOLE_DOCUMENT: usize = 65;

/// The keys of a format.
///
/// Called while a configuration is checked and built. [`NumberFormat`](super::number::NumberFormat) is the simplest one.
pub(crate) trait FormatKeys {
    /// The result sets of a text in this format.
    fn parts(&self) -> Parts;

    /// Returns whether it yields families, which need no declared metrics.
    fn gives_families(&self) -> bool {
        false
    }

    /// The value of `Accept` for servers that offer this format.
    #[cfg(feature = "http")]
    fn accept(&self) -> Option<&'static str> {
        None
    }

    /// Adds the mistakes that serde does not find.
    fn check(&self, _faults: &mut Vec<Fault>) {}

    /// Checks the syntax of a column.
    ///
    /// # Errors
    /// The mistake in it.
    fn check_column(&self, _column: &str) -> Result<(), String> {
        Ok(())
    }

    /// Makes the decoder, which keeps the columns that are wanted.
    fn decoder(&self, wanted: Wanted, limits: Limits) -> Decoder;
}

/// Reads texts of one format.
pub(crate) struct Decoder {
    decode: Box<DecodeFn>,
    expansion: usize,
}

type DecodeFn = dyn Fn(&[u8], Option<&str>) -> Result<Vec<Part>, Failure> + Send + Sync;

impl Decoder {
    pub(super) fn new(
        decode: impl Fn(&[u8]) -> Result<Vec<Part>, Failure> + Send + Sync + 'static,
    ) -> Self {
        Self::of_response(move |bytes, _| decode(bytes))
    }

    /// Makes a decoder that also reads the content type of a response.
    pub(super) fn of_response(
        decode: impl Fn(&[u8], Option<&str>) -> Result<Vec<Part>, Failure> + Send + Sync + 'static,
    ) -> Self {
        Self {
            decode: Box::new(decode),
            expansion: ROWS_ONLY,
        }
    }

    /// Decodes the result sets in `bytes`, of a response with that content type if it has one. A result set that cannot be
    /// decoded fails alone.
    ///
    /// # Errors
    /// When no result set can be decoded.
    pub(crate) fn decode(
        &self,
        bytes: &[u8],
        content_type: Option<&str>,
    ) -> Result<Vec<Part>, Failure> {
        (self.decode)(bytes, content_type)
    }

    /// Sets the memory to decode a document, for each of its bytes, in the worst case.
    pub(super) fn with_expansion(self, expansion: usize) -> Self {
        Self { expansion, ..self }
    }

    /// The memory to decode a document, for each of its bytes, in the worst case.
    pub(crate) fn expansion(&self) -> usize {
        self.expansion
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decoder")
    }
}

/// A format that is named without keys has the default ones.
impl<K: FormatKeys + Default> FormatKeys for Option<K> {
    fn parts(&self) -> Parts {
        self.as_ref()
            .map_or_else(|| K::default().parts(), FormatKeys::parts)
    }

    fn gives_families(&self) -> bool {
        self.as_ref()
            .map_or_else(|| K::default().gives_families(), K::gives_families)
    }

    #[cfg(feature = "http")]
    fn accept(&self) -> Option<&'static str> {
        self.as_ref()
            .map_or_else(|| K::default().accept(), K::accept)
    }

    fn check(&self, faults: &mut Vec<Fault>) {
        if let Some(keys) = self {
            keys.check(faults);
        }
    }

    fn check_column(&self, column: &str) -> Result<(), String> {
        self.as_ref().map_or_else(
            || K::default().check_column(column),
            |it| it.check_column(column),
        )
    }

    fn decoder(&self, wanted: Wanted, limits: Limits) -> Decoder {
        match self {
            Some(keys) => keys.decoder(wanted, limits),
            None => K::default().decoder(wanted, limits),
        }
    }
}
