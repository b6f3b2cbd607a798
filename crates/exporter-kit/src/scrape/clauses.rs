//! The clauses of a list header, such as `Accept`, and their parameters.
//!
//! Each byte is read once, and the number of clauses is limited, so that a header's cost is proportional to its length.

/// The number of clauses of a list header that are read. Browsers and scrapers send at most ten; further ones are
/// ignored.
pub(crate) const MAX_CLAUSES: usize = 32;

/// The names of the parameters that have a meaning, besides the quality.
const NAMES: [&str; 4] = ["version", "proto", "encoding", "escaping"];

/// The parameters of a clause, read once. Of equal names the first counts.
pub(crate) struct Parameters<'h> {
    /// In thousandths: 1000 by default, 0 (not acceptable) if it can't be parsed.
    pub(crate) quality: u16,
    /// One for each of [`NAMES`], without quotes.
    values: [Option<&'h str>; NAMES.len()],
}

impl<'h> Parameters<'h> {
    pub(crate) fn parse(text: &'h str) -> Self {
        let mut quality = None;
        let mut values = [None; NAMES.len()];
        for (name, value) in text.split(';').filter_map(|text| text.split_once('=')) {
            let (name, value) = (name.trim(), value.trim().trim_matches('"'));
            if name.eq_ignore_ascii_case("q") {
                quality.get_or_insert_with(|| thousandths(value));
            }
            for (known, slot) in NAMES.iter().zip(&mut values) {
                if known.eq_ignore_ascii_case(name) {
                    slot.get_or_insert(value);
                }
            }
        }
        Self {
            quality: quality.unwrap_or(1000),
            values,
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'h str> {
        let at = NAMES.iter().position(|known| *known == name)?;
        self.values.get(at).copied().flatten()
    }
}

/// The non-empty elements of a list header, which may be several header lines. At most [`MAX_CLAUSES`].
pub(crate) fn clauses<'h>(headers: impl Iterator<Item = &'h str>) -> impl Iterator<Item = &'h str> {
    headers
        .flat_map(|header| header.split(','))
        .map(str::trim)
        .filter(|element| !element.is_empty())
        .take(MAX_CLAUSES)
}

/// The quality in thousandths: 1000 by default, 0 (not acceptable) if it can't be parsed.
pub(crate) fn quality(parameters: &str) -> u16 {
    Parameters::parse(parameters).quality
}

fn thousandths(value: &str) -> u16 {
    let quality: f32 = value.parse().unwrap_or(0.0);
    // An invalid number becomes 0.
    (quality.clamp(0.0, 1.0) * 1000.0).round() as u16
}
