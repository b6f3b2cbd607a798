//! The records of utmp(5), to which programs that log users in write.

use exporter_kit::Number;

use crate::decode::Cell;

/// The length of a record with 32-bit times: on most systems, for compatibility with 32-bit programs.
const SHORT: usize = 384;
/// The length of a record with 64-bit times, as on aarch64.
const LONG: usize = 400;
/// The type of a user's record. Others are for terminals without a user, for boots and for clock changes.
const USER_PROCESS: i16 = 7;

/// The positions of fields. All before the time are the same on all systems.
const LINE: (usize, usize) = (8, 32);
const USER: (usize, usize) = (44, 32);
const HOST: (usize, usize) = (76, 256);
const SHORT_TIME: usize = 340;
const LONG_TIME: usize = 344;

/// The rows of logged-in users: user, terminal, host, type, remote, state, since. Skips incomplete records.
pub(crate) fn logins(bytes: &[u8]) -> impl Iterator<Item = [Cell; 7]> {
    let length = record_length(bytes.len());
    bytes.chunks_exact(length).filter_map(login)
}

/// The length of records: the one that divides the file's length, or that of this machine if both or neither do.
fn record_length(bytes: usize) -> usize {
    const OWN: usize = if cfg!(any(
        target_arch = "aarch64",
        target_arch = "loongarch64",
        target_arch = "sparc64"
    )) {
        LONG
    } else {
        SHORT
    };
    match (bytes.is_multiple_of(SHORT), bytes.is_multiple_of(LONG)) {
        (true, false) => SHORT,
        (false, true) => LONG,
        _ => OWN,
    }
}

fn login(record: &[u8]) -> Option<[Cell; 7]> {
    let kind = i16::from_ne_bytes(array(record, 0)?);
    let user = text(record, USER)?;
    if kind != USER_PROCESS || user.is_empty() {
        return None;
    }
    let host = text(record, HOST)?;
    let cell = |text: String| {
        if text.is_empty() {
            Cell::Null
        } else {
            Cell::text(text)
        }
    };
    // `:0` is the display of this machine, `::1` an address.
    let is_screen = host.starts_with(':') && !host.starts_with("::");
    let remote = !host.is_empty() && !is_screen;
    Some([
        cell(user),
        cell(text(record, LINE)?),
        cell(host),
        Cell::Null,
        Cell::Bool(remote),
        Cell::Null,
        since(record).map_or(Cell::Null, |since| Cell::Number(Number::F64(since))),
    ])
}

/// Seconds since 1970, if the record has a time.
fn since(record: &[u8]) -> Option<f64> {
    let (seconds, micros) = if record.len() == LONG {
        let seconds = i64::from_ne_bytes(array(record, LONG_TIME)?);
        (seconds, i64::from_ne_bytes(array(record, LONG_TIME + 8)?))
    } else {
        // Unsigned, so it lasts until 2106.
        let seconds = u32::from_ne_bytes(array(record, SHORT_TIME)?);
        let micros = i32::from_ne_bytes(array(record, SHORT_TIME + 4)?);
        (seconds.into(), micros.into())
    };
    let micros = u32::try_from(micros).ok().filter(|it| *it < 1_000_000);
    #[allow(
        clippy::cast_precision_loss,
        reason = "a double has the microseconds of seconds below 2^33, and others are no times"
    )]
    let seconds = u64::try_from(seconds).ok().filter(|it| *it < 1 << 33)? as f64;
    (seconds > 0.0).then(|| seconds + f64::from(micros.unwrap_or(0)) / 1e6)
}

/// The text of a field, up to the first NUL.
fn text(record: &[u8], (at, length): (usize, usize)) -> Option<String> {
    let field = record.get(at..at.checked_add(length)?)?;
    let field = field.split(|byte| *byte == 0).next()?;
    Some(String::from_utf8_lossy(field).into_owned())
}

fn array<const N: usize>(record: &[u8], at: usize) -> Option<[u8; N]> {
    record.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(length: usize, kind: i16, user: &[u8], host: &[u8], seconds: i64) -> Vec<u8> {
        let mut record = vec![0; length];
        record[..2].copy_from_slice(&kind.to_ne_bytes());
        record[8..12].copy_from_slice(b"tty1");
        record[44..44 + user.len()].copy_from_slice(user);
        record[76..76 + host.len()].copy_from_slice(host);
        if length == LONG {
            record[344..352].copy_from_slice(&seconds.to_ne_bytes());
            record[352..360].copy_from_slice(&500_000_i64.to_ne_bytes());
        } else {
            record[340..344].copy_from_slice(&(seconds as u32).to_ne_bytes());
            record[344..348].copy_from_slice(&500_000_i32.to_ne_bytes());
        }
        record
    }

    fn users(bytes: &[u8]) -> Vec<[Cell; 7]> {
        logins(bytes).collect()
    }

    #[test]
    fn records_of_both_lengths_are_read() {
        for length in [SHORT, LONG] {
            let bytes = [
                record(length, 2, b"reboot", b"6.1", 1),
                record(length, USER_PROCESS, b"alice", b"", 1_700_000_000),
                record(length, 8, b"gone", b"", 1),
                record(length, USER_PROCESS, &[b'b'; 32], b"::1", 3_000_000_000),
                record(length, USER_PROCESS, b"carol", b":0", 0),
                record(length, USER_PROCESS, b"", b"", 1),
            ]
            .concat();
            let time = |seconds: f64| Cell::Number(Number::F64(seconds));
            let row = |user: &str, host: Cell, remote, since| {
                let (user, terminal) = (Cell::text(user), Cell::text("tty1"));
                let remote = Cell::Bool(remote);
                [user, terminal, host, Cell::Null, remote, Cell::Null, since]
            };
            assert_eq!(
                users(&bytes),
                [
                    row("alice", Cell::Null, false, time(1_700_000_000.5)),
                    row(
                        &"b".repeat(32),
                        Cell::text("::1"),
                        true,
                        time(3_000_000_000.5)
                    ),
                    row("carol", Cell::text(":0"), false, Cell::Null),
                ]
            );
        }
    }

    #[test]
    fn what_is_not_whole_or_not_text_does_no_harm() {
        let one = record(SHORT, USER_PROCESS, b"\xffa", b"", 1);
        assert_eq!(users(&one)[0][0], Cell::text("\u{fffd}a"));
        let cut = [&one[..], &one[..SHORT - 1]].concat();
        assert!(users(&cut).len() <= 1);
        assert!(users(&[]).is_empty() && users(&one[..SHORT - 1]).is_empty());
    }

    proptest! {
        #[test]
        fn anything_at_all_is_read(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert!(users(&bytes).len() <= bytes.len() / SHORT);
        }
    }
}
