//! Durations as programs print them, in seconds.

/// Units and their seconds.
const UNITS: &[(&[&str], f64)] = &[
    (&["ns", "nsec", "nanosecond", "nanoseconds"], 1e-9),
    (
        &["us", "µs", "μs", "usec", "microsecond", "microseconds"],
        1e-6,
    ),
    (&["ms", "msec", "millisecond", "milliseconds"], 1e-3),
    (&["s", "sec", "secs", "second", "seconds"], 1.0),
    (&["m", "min", "mins", "minute", "minutes"], 60.0),
    (&["h", "hr", "hrs", "hour", "hours"], 3600.0),
    (&["d", "day", "days"], 86400.0),
    (&["w", "week", "weeks"], 604_800.0),
];

/// The seconds of a duration such as `3d 4h`, `846:17:56`, `1-02:03:04`, `PT5M` or `12`.
pub(super) fn seconds(text: &str) -> Option<f64> {
    if let Some(positive) = text.strip_prefix('-') {
        return unsigned(positive).map(|seconds| -seconds);
    }
    unsigned(text)
}

fn unsigned(text: &str) -> Option<f64> {
    if let Some(parts) = text.strip_prefix('P') {
        return iso(parts);
    }
    if let Some(seconds) = decimal(text) {
        return Some(seconds);
    }
    let mut sum = None;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, after) = split(rest, |char| char.is_ascii_digit() || ".:".contains(char));
        let seconds = if number.contains(':') {
            rest = after;
            clock(number)?
        } else if let Some(clock) = after.strip_prefix('-') {
            // Days before a clock, as `ps` has them.
            rest = clock;
            decimal(number)? * 86400.0
        } else {
            let (word, after) = split(after.trim_start(), char::is_alphabetic);
            rest = after;
            decimal(number)? * unit(word)?
        };
        sum = Some(sum.unwrap_or(0.0) + seconds);
        rest = rest.trim_start_matches([' ', ',']);
    }
    sum
}

/// Hours, minutes and seconds, or minutes and seconds.
fn clock(text: &str) -> Option<f64> {
    let mut parts = text.split(':');
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next());
    if parts.next().is_some() {
        return None;
    }
    let below_60 = |text| decimal(text).filter(|number| *number < 60.0);
    match third {
        None => Some(decimal(first)? * 60.0 + below_60(second)?),
        Some(third) => Some(decimal(first)? * 3600.0 + below_60(second)? * 60.0 + below_60(third)?),
    }
}

/// A duration of ISO 8601 without its `P`. Months and years have no fixed length.
fn iso(text: &str) -> Option<f64> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, time),
        None => (text, ""),
    };
    let days = units(date, &[('W', 604_800.0), ('D', 86400.0)])?;
    let seconds = units(time, &[('H', 3600.0), ('M', 60.0), ('S', 1.0)])?;
    (!text.is_empty()).then_some(days + seconds)
}

fn units(text: &str, units: &[(char, f64)]) -> Option<f64> {
    let mut sum = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, after) = split(rest, |char| char.is_ascii_digit() || char == '.');
        let name = after.chars().next()?;
        let (_, seconds) = units.iter().find(|(unit, _)| *unit == name)?;
        sum += decimal(number)? * seconds;
        rest = &after[name.len_utf8()..];
    }
    Some(sum)
}

/// The longest beginning of such characters, and the rest.
fn split(text: &str, is_part: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|char| !is_part(char)).unwrap_or(text.len());
    text.split_at(end)
}

/// Digits, with a point or without.
fn decimal(text: &str) -> Option<f64> {
    let is_plain = text.starts_with(|char: char| char.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|_| is_plain)
}

fn unit(word: &str) -> Option<f64> {
    let known = |(names, _): &&(&[&str], f64)| {
        names.contains(&word)
            || names
                .iter()
                .any(|name| name.len() > 2 && name.eq_ignore_ascii_case(word))
    };
    UNITS.iter().find(known).map(|(_, seconds)| *seconds)
}
