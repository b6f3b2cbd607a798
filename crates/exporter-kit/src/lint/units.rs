//! Units in names: the base units, and the base unit for each other unit.

use crate::name::equal;

/// The base unit for each unit in a name; a base unit maps to itself.
const UNITS: [(&str, &str); 24] = [
    ("amperes", "amperes"),
    ("bytes", "bytes"),
    ("celsius", "celsius"),
    ("grams", "grams"),
    ("joules", "joules"),
    ("kelvin", "kelvin"),
    ("meters", "meters"),
    ("metres", "metres"),
    ("seconds", "seconds"),
    ("volts", "volts"),
    ("minutes", "seconds"),
    ("hours", "seconds"),
    ("days", "seconds"),
    ("weeks", "seconds"),
    ("kelvins", "kelvin"),
    ("fahrenheit", "celsius"),
    ("rankine", "celsius"),
    ("inches", "meters"),
    ("yards", "meters"),
    ("miles", "meters"),
    ("bits", "bytes"),
    ("calories", "joules"),
    ("pounds", "grams"),
    ("ounces", "grams"),
];

const PREFIXES: [&str; 18] = [
    "pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto", "kilo", "kibi", "mega",
    "mibi", "giga", "gibi", "tera", "tebi", "peta", "pebi",
];

/// Endings and middles of names that abbreviate a unit.
const ABBREVIATIONS: [&str; 14] = [
    "s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d",
];

/// The first unit in a name that is not a base unit, and the base unit to use instead.
pub(super) const fn other_than_base(name: &str) -> Option<(&str, &'static str)> {
    let mut rest = Some(name);
    while let Some(text) = rest {
        let (word, after) = first_word(text);
        if let Some(base) = base_of(word)
            && !equal(base.as_bytes(), word.as_bytes())
        {
            return Some((word, base));
        }
        rest = after;
    }
    None
}

/// The first abbreviated unit in a name, in any case.
pub(super) const fn abbreviation(name: &str) -> Option<&'static str> {
    // The text before the first underscore is the application, not a unit.
    let mut rest = first_word(name).1;
    while let Some(text) = rest {
        let (word, after) = first_word(text);
        let mut i = 0;
        while i < ABBREVIATIONS.len() {
            if word.eq_ignore_ascii_case(ABBREVIATIONS[i]) {
                return Some(ABBREVIATIONS[i]);
            }
            i += 1;
        }
        rest = after;
    }
    None
}

/// The text before the first underscore, and the text after it if there is one.
const fn first_word(text: &str) -> (&str, Option<&str>) {
    let bytes = text.as_bytes();
    let mut end = 0;
    while end < bytes.len() && bytes[end] != b'_' {
        end += 1;
    }
    let (word, rest) = text.split_at(end);
    match rest.is_empty() {
        true => (word, None),
        false => (word, Some(rest.split_at(1).1)),
    }
}

/// The base unit of a word that names a unit, with or without a prefix.
const fn base_of(word: &str) -> Option<&'static str> {
    if let Some(base) = base_of_unit(word.as_bytes()) {
        return Some(base);
    }
    let mut i = 0;
    while i < PREFIXES.len() {
        let prefix = PREFIXES[i].as_bytes();
        if word.len() > prefix.len() {
            let (begin, unit) = word.as_bytes().split_at(prefix.len());
            if equal(begin, prefix)
                && let Some(base) = base_of_unit(unit)
            {
                return Some(base);
            }
        }
        i += 1;
    }
    None
}

const fn base_of_unit(word: &[u8]) -> Option<&'static str> {
    let mut i = 0;
    while i < UNITS.len() {
        let (unit, base) = UNITS[i];
        if equal(unit.as_bytes(), word) {
            return Some(base);
        }
        i += 1;
    }
    None
}
