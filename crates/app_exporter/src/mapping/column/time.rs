//! Times of day and date in texts.

use std::time::SystemTime;

use exporter_kit::{Number, Timestamp};
use time::format_description::well_known::Rfc2822;
use time::parsing::Parsed;
use time::{Date, OffsetDateTime, PrimitiveDateTime};

use crate::config::TimeFormat;

/// Seconds since 1970, exact if they are whole.
pub(super) fn seconds(time: Timestamp) -> Number {
    match time.subsec_nanos() {
        0 => Number::I64(time.seconds()),
        _ => Number::F64(time.as_secs_f64()),
    }
}

/// Parses a time of HTTP and of mails: `Sat, 31 Jan 2026 12:00:00 GMT`.
pub(super) fn http_date(text: &str) -> Option<Timestamp> {
    OffsetDateTime::parse(text, &Rfc2822).ok().map(timestamp)
}

/// Parses a time in a format. A time without a zone is UTC; a date is its midnight.
pub(super) fn in_format(text: &str, format: &TimeFormat) -> Option<Timestamp> {
    let mut parsed = Parsed::new();
    let rest = parsed.parse_item(text.as_bytes(), &format.items).ok()?;
    if !rest.is_empty() {
        return None;
    }
    let zoned = OffsetDateTime::try_from(parsed).ok();
    let local = || PrimitiveDateTime::try_from(parsed).ok();
    let date = || Date::try_from(parsed).ok().map(Date::midnight);
    zoned
        .or_else(|| local().or_else(date).map(PrimitiveDateTime::assume_utc))
        .map(timestamp)
}

fn timestamp(time: OffsetDateTime) -> Timestamp {
    Timestamp::new(time.unix_timestamp(), time.nanosecond())
}

/// Parses a time of RFC 3339. A time without a zone is UTC; a date is its midnight.
pub(crate) fn zoned_time(text: &str) -> Option<Timestamp> {
    const DAY: usize = "2026-01-31".len();
    let midnight = (text.len() == DAY).then(|| format!("{text}T00:00:00Z"));
    let (local, ahead) = zoned(midnight.as_deref().unwrap_or(text))?;
    let time: SystemTime = humantime::parse_rfc3339_weak(local).ok()?;
    let time = Timestamp::from(time);
    Some(Timestamp::new(
        time.seconds().checked_sub(ahead)?,
        time.subsec_nanos(),
    ))
}

/// Splits a time from its offset in seconds: `+02:00`, `+0200` or, in PostgreSQL's notation, `+02`.
fn zoned(text: &str) -> Option<(&str, i64)> {
    const LEAST: usize = "2026-01-31T12:00".len();
    // What is before is the date, which has `-` itself.
    let Some(at) = text
        .get(LEAST..)
        .and_then(|time| time.find(['+', '-']))
        .map(|at| at + LEAST)
    else {
        return Some((text, 0));
    };
    let (local, zone) = text.split_at_checked(at)?;
    if local.ends_with(['Z', 'z']) {
        return None;
    }
    let digits = zone.get(1..)?;
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "00"),
    };
    let number = |digits: &str, most: i64| {
        let number: i64 = digits.parse().ok()?;
        let is_one = digits.len() == 2 && digits.bytes().all(|it| it.is_ascii_digit());
        (is_one && number <= most).then_some(number)
    };
    let ahead = number(hours, 23)? * 3600 + number(minutes, 59)? * 60;
    Some((local, if zone.starts_with('-') { -ahead } else { ahead }))
}
