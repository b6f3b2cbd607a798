//! Units as names spell them: which are base units, and what to write instead of the others.

/// The base unit of each unit that a name may mention; base units stand for themselves.
pub(super) const UNITS: [(&str, &str); 24] = [
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

pub(super) const PREFIXES: [&str; 18] = [
    "pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto", "kilo", "kibi", "mega",
    "mibi", "giga", "gibi", "tera", "tebi", "peta", "pebi",
];

/// Endings and middles of names that abbreviate a unit.
pub(super) const ABBREVIATIONS: [&str; 14] = [
    "s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d",
];

/// The first unit in a name that is no base unit, and the base unit to use instead.
pub(super) fn other_than_base(name: &str) -> Option<(&str, &'static str)> {
    name.split('_').find_map(|word| {
        let base = base_of(word)?;
        (base != word).then_some((word, base))
    })
}

/// The base unit of a word that is a unit, with or without a prefix.
fn base_of(word: &str) -> Option<&'static str> {
    let known = |word: &str| {
        UNITS
            .iter()
            .find(|(unit, _)| *unit == word)
            .map(|(_, base)| *base)
    };
    let mut prefixes = PREFIXES.iter();
    known(word).or_else(|| prefixes.find_map(|prefix| known(word.strip_prefix(prefix)?)))
}

/// The first abbreviated unit in a name.
pub(super) fn abbreviation(lower_name: &str) -> Option<&str> {
    // What stands before the first underscore is the application, not a unit.
    let words = lower_name.split('_').skip(1);
    words.into_iter().find(|word| ABBREVIATIONS.contains(word))
}
