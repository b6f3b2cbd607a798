//! Timestamps from cells.

use std::time::SystemTime;

use exporter_kit::{Number, Timestamp};

use crate::config::TimestampUnit;
use crate::decode::{Cell, Failure, parse_number};

/// The timestamp in a cell: seconds or milliseconds since 1970, or a time of RFC 3339. `None` for an empty cell.
///
/// # Errors
/// When it is not a timestamp.
pub(super) fn of_cell(cell: &Cell, unit: TimestampUnit) -> Result<Option<Timestamp>, Failure> {
    let number = match cell {
        Cell::Null => return Ok(None),
        Cell::Number(number) => Some(*number),
        Cell::Text(text) => parse_number(text),
        Cell::Bool(_) => None,
    };
    let moment = match (number, cell) {
        (Some(number), _) => of_number(number, unit),
        (None, Cell::Text(text)) => of_text(text.trim()),
        _ => None,
    };
    moment.map(Some).ok_or_else(|| {
        let text: String = cell.to_label().escape_debug().take(60).collect();
        Failure::decode(format!(
            "`{text}` is not a timestamp; provide seconds since 1970, or a time such as 2026-01-31T12:00:00Z"
        ))
    })
}

/// Parses a time of RFC 3339. A time without a zone is UTC; a date is its midnight.
fn of_text(text: &str) -> Option<Timestamp> {
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

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range was checked"
)]
fn of_number(number: Number, unit: TimestampUnit) -> Option<Timestamp> {
    /// The year 5138. Larger numbers are in another unit.
    const LATEST: f64 = 1e11;
    let parts = match unit {
        TimestampUnit::Seconds => 1.0,
        TimestampUnit::Milliseconds => 1e3,
    };
    let seconds = number.as_f64() / parts;
    if !(0.0..LATEST).contains(&seconds) {
        return None;
    }
    let nanos = (seconds.fract() * 1e9).round();
    Some(Timestamp::new(seconds as i64, nanos as u32))
}

#[cfg(test)]
mod tests {
    use exporter_kit::source::SourceErrorReason as Reason;

    use super::*;

    #[test]
    fn a_moment_can_be_written_in_many_ways() {
        let moment = |cell, unit| of_cell(&cell, unit).unwrap().map(Timestamp::as_millis);
        let (seconds, milliseconds) = (TimestampUnit::Seconds, TimestampUnit::Milliseconds);
        let number = |number| Cell::Number(Number::F64(number));
        assert_eq!(moment(number(1.5), seconds), Some(1500));
        assert_eq!(moment(number(1500.0), milliseconds), Some(1500));
        assert_eq!(
            moment(Cell::text("1700000000"), seconds),
            Some(1_700_000_000_000)
        );
        assert_eq!(
            moment(Cell::text("1970-01-01T00:00:01.5Z"), seconds),
            Some(1500)
        );
        assert_eq!(
            moment(Cell::text("1970-01-01 00:00:02"), seconds),
            Some(2000)
        );
        assert_eq!(moment(Cell::text("1970-01-02"), seconds), Some(86_400_000));
        assert_eq!(moment(Cell::Null, seconds), None);
        for text in [
            "2026-01-31T14:00:00.5+02:00",
            "2026-01-31 06:30:00.5-0530",
            "2026-01-31 14:00:00.5+02",
            "2026-02-01T02:00:00.5+14:00",
            "2026-01-31T12:00:00.5Z",
        ] {
            assert_eq!(
                moment(Cell::text(text), seconds),
                Some(1_769_860_800_500),
                "{text}"
            );
        }
    }

    #[test]
    fn milliseconds_taken_for_seconds_are_seen() {
        let milliseconds = Cell::Number(Number::U64(1_700_000_000_000));
        for cell in [
            milliseconds,
            Cell::text("soon"),
            Cell::Bool(true),
            Cell::text("-1"),
            Cell::text("NaN"),
            Cell::text("2026-01-31T14:00:00+2"),
            Cell::text("2026-01-31T14:00:00+02:60"),
            Cell::text("2026-01-31T14:00:00+"),
            Cell::text("2026-01-31T14:00:00Z+02:00"),
            Cell::text("2026-01-31T14:00:00é+02:00"),
        ] {
            let failure = of_cell(&cell, TimestampUnit::Seconds).unwrap_err();
            assert_eq!(failure.reason, Reason::Decode, "{cell:?}");
        }
    }
}
