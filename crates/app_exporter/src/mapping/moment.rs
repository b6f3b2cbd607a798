//! Timestamps from cells.

use exporter_kit::{Number, Timestamp};

use crate::config::TimestampUnit;
use crate::decode::{Cell, Failure, parse_number};
use crate::mapping::column::zoned_time;

/// The timestamp in a cell: seconds or milliseconds since 1970, or a time of RFC 3339. `None` for an empty cell.
///
/// # Errors
/// When it is not a timestamp.
pub(super) fn of_cell(cell: &Cell, unit: TimestampUnit) -> Result<Option<Timestamp>, Failure> {
    let number = match cell.readable()? {
        Cell::Null => return Ok(None),
        Cell::Number(number) => Some(*number),
        Cell::Text(text) => parse_number(text),
        Cell::Bool(_) | Cell::Unreadable(_) => None,
    };
    let moment = match (number, cell) {
        (Some(number), _) => of_number(number, unit),
        (None, Cell::Text(text)) => zoned_time(text.trim()),
        _ => None,
    };
    moment.map(Some).ok_or_else(|| {
        let text: String = cell.to_label().escape_debug().take(60).collect();
        Failure::decode(format!(
            "`{text}` is not a timestamp; provide seconds since 1970, or a time such as 2026-01-31T12:00:00Z"
        ))
    })
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
