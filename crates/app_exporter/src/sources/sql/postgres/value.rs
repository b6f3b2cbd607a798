//! Converts PostgreSQL's binary values to cells.

use exporter_kit::Number;
use time::{Date, Time};
use tokio_postgres::types::{Kind, Type};

use crate::decode::Cell;
use crate::sources::sql::wanted_rows::text;

/// The first day of PostgreSQL's calendar, 2000-01-01, as a Julian day.
const EPOCH: i32 = 2_451_545;
const MICROS_A_DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// The binary format of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueReader {
    Bool,
    Int16,
    Int32,
    Int64,
    /// IDs of objects and transactions.
    Unsigned,
    Float32,
    Float64,
    Numeric,
    Text,
    /// Text after a version byte.
    Jsonb,
    Bytes,
    Uuid,
    Date,
    Time,
    Timestamp,
    /// A timestamp with a time zone.
    Moment,
    Interval,
    Network,
}

impl ValueReader {
    /// `None` for an unsupported type.
    pub(super) fn of(kind: &Type) -> Option<Self> {
        Some(match *kind {
            Type::BOOL => Self::Bool,
            Type::INT2 => Self::Int16,
            Type::INT4 => Self::Int32,
            Type::INT8 => Self::Int64,
            Type::OID | Type::XID | Type::CID | Type::XID8 => Self::Unsigned,
            Type::FLOAT4 => Self::Float32,
            Type::FLOAT8 => Self::Float64,
            Type::NUMERIC => Self::Numeric,
            Type::TEXT
            | Type::VARCHAR
            | Type::BPCHAR
            | Type::NAME
            | Type::CHAR
            | Type::UNKNOWN
            | Type::JSON
            | Type::XML => Self::Text,
            Type::JSONB => Self::Jsonb,
            Type::BYTEA => Self::Bytes,
            Type::UUID => Self::Uuid,
            Type::DATE => Self::Date,
            Type::TIME => Self::Time,
            Type::TIMESTAMP => Self::Timestamp,
            Type::TIMESTAMPTZ => Self::Moment,
            Type::INTERVAL => Self::Interval,
            Type::INET | Type::CIDR => Self::Network,
            _ => match kind.kind() {
                Kind::Enum(_) => Self::Text,
                Kind::Domain(of) => return Self::of(of),
                Kind::Simple if kind.name() == "citext" => Self::Text,
                _ => return None,
            },
        })
    }

    /// # Errors
    /// When the bytes are invalid for the type. The message continues a sentence that begins with the column.
    pub(super) fn read(self, raw: &[u8]) -> Result<Cell, String> {
        if matches!(self, Self::Text | Self::Bytes) {
            return text(raw, "encode(…, 'hex')");
        }
        self.parse(raw)
            .ok_or_else(|| format!("has an invalid value of the type {self:?}"))
    }

    fn parse(self, raw: &[u8]) -> Option<Cell> {
        let whole = |number: i64| Cell::Number(Number::I64(number));
        Some(match self {
            Self::Bool => Cell::Bool(*raw.first()? != 0),
            Self::Int16 => whole(i16::from_be_bytes(raw.try_into().ok()?).into()),
            Self::Int32 => whole(i32::from_be_bytes(raw.try_into().ok()?).into()),
            Self::Int64 => whole(i64::from_be_bytes(raw.try_into().ok()?)),
            Self::Unsigned => Cell::Number(Number::U64(match raw.len() {
                4 => u32::from_be_bytes(raw.try_into().ok()?).into(),
                _ => u64::from_be_bytes(raw.try_into().ok()?),
            })),
            Self::Float32 => Cell::Number(Number::F64(shortest(f32::from_be_bytes(
                raw.try_into().ok()?,
            )))),
            Self::Float64 => Cell::Number(Number::F64(f64::from_be_bytes(raw.try_into().ok()?))),
            Self::Numeric => numeric(raw)?,
            Self::Text | Self::Bytes => text(raw, "").ok()?,
            Self::Jsonb => text(raw.strip_prefix(&[1])?, "").ok()?,
            Self::Uuid => Cell::text(uuid(raw)?),
            Self::Date => Cell::text(match i32::from_be_bytes(raw.try_into().ok()?) {
                i32::MAX => "infinity".to_owned(),
                i32::MIN => "-infinity".to_owned(),
                days => date(days)?,
            }),
            Self::Time => {
                let micros = i64::from_be_bytes(raw.try_into().ok()?);
                Cell::text(time_of_day(micros)?)
            }
            Self::Timestamp => Cell::text(timestamp(raw, "")?),
            Self::Moment => Cell::text(timestamp(raw, "Z")?),
            Self::Interval => interval(raw)?,
            Self::Network => Cell::text(network(raw)?),
        })
    }
}

/// The double with the same shortest text as the float.
fn shortest(float: f32) -> f64 {
    float.to_string().parse().unwrap_or(float.into())
}

/// A decimal number of any length: an integer of 64 bits as a number, any other as the server's text.
fn numeric(raw: &[u8]) -> Option<Cell> {
    const BASE_DIGITS: usize = 4;
    let (head, digits) = raw.split_at_checked(8)?;
    let field = |at: usize| Some([*head.get(at)?, *head.get(at + 1)?]);
    let weight = i32::from(i16::from_be_bytes(field(2)?));
    let sign = u16::from_be_bytes(field(4)?);
    let scale = usize::from(u16::from_be_bytes(field(6)?));
    let minus = match sign {
        0 => "",
        0x4000 => "-",
        0xC000 => return Some(Cell::Number(Number::F64(f64::NAN))),
        0xD000 => return Some(Cell::Number(Number::F64(f64::INFINITY))),
        0xF000 => return Some(Cell::Number(Number::F64(f64::NEG_INFINITY))),
        _ => return None,
    };
    let (groups, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() || scale > 0x3FFF {
        return None;
    }
    // The digit group with this weight is a multiple of 10000 to its power.
    let group = |power: i32| {
        let at = usize::try_from(weight - power).ok();
        at.and_then(|at| groups.get(at))
            .map_or(0, |group| u16::from_be_bytes(*group))
    };
    let mut whole = String::new();
    for power in (0..=weight).rev() {
        whole.push_str(&format!("{:04}", group(power)));
    }
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let mut text = format!("{minus}{whole}");
    if scale == 0 {
        let unsigned = text.parse().map(Number::U64);
        return match unsigned.or_else(|_| text.parse().map(Number::I64)) {
            Ok(number) => Some(Cell::Number(number)),
            Err(_) => Some(Cell::text(text)),
        };
    }
    let mut fraction = String::new();
    for power in 1..=i32::try_from(scale.div_ceil(BASE_DIGITS)).ok()? {
        fraction.push_str(&format!("{:04}", group(-power)));
    }
    text.push('.');
    text.push_str(fraction.get(..scale)?);
    Some(Cell::text(text))
}

fn uuid(raw: &[u8]) -> Option<String> {
    let number = u128::from_be_bytes(raw.try_into().ok()?);
    let hex = format!("{number:032x}");
    let piece = |from: usize, to: usize| hex.get(from..to);
    Some(format!(
        "{}-{}-{}-{}-{}",
        piece(0, 8)?,
        piece(8, 12)?,
        piece(12, 16)?,
        piece(16, 20)?,
        piece(20, 32)?
    ))
}

fn date(days: i32) -> Option<String> {
    let date = Date::from_julian_day(EPOCH.checked_add(days)?).ok()?;
    let (year, month, day) = date.to_calendar_date();
    let minus = if year < 0 { "-" } else { "" };
    let (year, month) = (year.unsigned_abs(), u8::from(month));
    Some(format!("{minus}{year:04}-{month:02}-{day:02}"))
}

fn time_of_day(micros: i64) -> Option<String> {
    let (seconds, micros) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    let at = |unit: i64| u8::try_from(seconds / unit % 60).ok();
    let hour = u8::try_from(seconds / 3600).ok()?;
    // PostgreSQL has the time of day 24:00:00.
    let time = Time::from_hms(hour.min(23), at(60)?, at(1)?).ok()?;
    let (_, minute, second) = time.as_hms();
    let mut text = format!("{hour:02}:{minute:02}:{second:02}");
    if micros != 0 {
        text.push_str(format!(".{micros:06}").trim_end_matches('0'));
    }
    Some(text)
}

fn timestamp(raw: &[u8], zone: &str) -> Option<String> {
    match i64::from_be_bytes(raw.try_into().ok()?) {
        i64::MAX => Some("infinity".to_owned()),
        i64::MIN => Some("-infinity".to_owned()),
        micros => {
            let days = i32::try_from(micros.div_euclid(MICROS_A_DAY)).ok()?;
            let time = time_of_day(micros.rem_euclid(MICROS_A_DAY))?;
            Some(format!("{}T{time}{zone}", date(days)?))
        }
    }
}

/// A duration in seconds, with the lengths of years and months of `EXTRACT(EPOCH …)`.
#[allow(
    clippy::cast_precision_loss,
    reason = "a float of seconds is what Prometheus has"
)]
fn interval(raw: &[u8]) -> Option<Cell> {
    let micros = i64::from_be_bytes(raw.get(..8)?.try_into().ok()?);
    let days = i32::from_be_bytes(raw.get(8..12)?.try_into().ok()?);
    let months = i32::from_be_bytes(raw.get(12..16)?.try_into().ok()?);
    const DAY: f64 = 86_400.0;
    let (years, months) = (f64::from(months / 12), f64::from(months % 12));
    let days = years * 365.25 + months * 30.0 + f64::from(days);
    Some(Cell::Number(Number::F64(days * DAY + micros as f64 / 1e6)))
}

/// An address, with its prefix length unless that is the full length.
fn network(raw: &[u8]) -> Option<String> {
    let (head, bytes) = raw.split_at_checked(4)?;
    let (bits, is_network) = (*head.get(1)?, *head.get(2)? != 0);
    let (address, all) = match bytes.len() {
        4 => {
            let bytes: [u8; 4] = bytes.try_into().ok()?;
            (std::net::IpAddr::from(bytes), 32)
        }
        _ => {
            let bytes: [u8; 16] = bytes.try_into().ok()?;
            (std::net::IpAddr::from(bytes), 128)
        }
    };
    Some(if bits == all && !is_network {
        address.to_string()
    } else {
        format!("{address}/{bits}")
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimals_are_as_the_server_writes_them() {
        // Groups, weight, sign and scale, as in `numeric_send`.
        let decimal = |groups: &[u16], weight: i16, sign: u16, scale: u16| {
            let length = u16::try_from(groups.len()).unwrap();
            let mut raw = length.to_be_bytes().to_vec();
            raw.extend(weight.to_be_bytes());
            raw.extend(sign.to_be_bytes());
            raw.extend(scale.to_be_bytes());
            raw.extend(groups.iter().flat_map(|group| group.to_be_bytes()));
            numeric(&raw).unwrap()
        };
        let whole = |number| Cell::Number(Number::U64(number));
        assert_eq!(decimal(&[], 0, 0, 0), whole(0));
        assert_eq!(decimal(&[1], 1, 0, 0), whole(10_000));
        assert_eq!(
            decimal(&[1844, 6744, 737, 955, 1615], 4, 0, 0),
            whole(u64::MAX)
        );
        assert_eq!(
            decimal(&[1844, 6744, 737, 955, 1616], 4, 0, 0),
            Cell::text("18446744073709551616")
        );
        assert_eq!(decimal(&[12, 5000], 0, 0x4000, 2), Cell::text("-12.50"));
        assert_eq!(decimal(&[5], -2, 0, 8), Cell::text("0.00000005"));
        assert_eq!(decimal(&[], 0, 0, 3), Cell::text("0.000"));
        assert_eq!(numeric(&[0; 7]), None);
    }

    #[test]
    fn times_are_as_rfc_3339_has_them() {
        let moment = |micros: i64| timestamp(&micros.to_be_bytes(), "Z").unwrap();
        assert_eq!(moment(0), "2000-01-01T00:00:00Z");
        assert_eq!(moment(-1), "1999-12-31T23:59:59.999999Z");
        assert_eq!(moment(i64::MAX), "infinity");
        assert_eq!(time_of_day(MICROS_A_DAY).unwrap(), "24:00:00");
        assert_eq!(date(-10957 - 1).unwrap(), "1969-12-31");
        // Infinite dates of the server must be handled too.
        assert_eq!(
            moment(9_223_371_331_199_999_999),
            "294276-12-31T23:59:59.999999Z"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(raw in prop::collection::vec(any::<u8>(), 0..40)) {
            for reader in [ValueReader::Bool, ValueReader::Int64, ValueReader::Unsigned, ValueReader::Numeric, ValueReader::Jsonb, ValueReader::Uuid, ValueReader::Date, ValueReader::Time, ValueReader::Moment, ValueReader::Interval, ValueReader::Network] {
                let _ = reader.read(&raw);
            }
        }

        #[test]
        fn floats_are_what_their_shortest_text_says(float in any::<f32>()) {
            let text = float.to_string();
            prop_assert_eq!(shortest(float).to_bits(), text.parse::<f64>().unwrap().to_bits());
        }
    }
}
