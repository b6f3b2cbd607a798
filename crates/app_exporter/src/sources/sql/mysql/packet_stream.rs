//! The packets of one connection: one statement at a time, and its rows in the text protocol.

use std::io;

use mysql_common::constants::ColumnType;
use mysql_common::io::ParseBuf;
use mysql_common::packets::Column;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};

use crate::sources::metered::{Meter, Stream};
use crate::sources::sql::statement::said;

/// The length of a packet that another one continues.
const FULL: usize = 0xFF_FFFF;
/// The limit of columns of the servers.
const MOST_COLUMNS: u64 = 4096;
const QUIT: u8 = 0x01;
const QUERY: u8 = 0x03;
const RESET: u8 = 0x1F;

/// A connection. At most one statement runs in a command: the login does not ask for more.
pub(super) struct PacketStream {
    stream: BufReader<Box<dyn Stream>>,
    /// The number of the next packet.
    sequence: u8,
    packet: Vec<u8>,
    pub(super) meter: Meter,
    most_bytes: usize,
    /// The server's number of the session.
    pub(super) id: u32,
}

/// The failure of a command.
#[derive(Debug)]
pub(super) enum PacketError {
    /// The server's error. The connection is usable.
    Refused(Refusal),
    /// More bytes than allowed.
    TooLong,
    Io(io::Error),
    /// The other side does not speak the protocol.
    Invalid(&'static str),
}

/// An error of the server.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: u16,
    pub(super) message: String,
}

/// A column of a result.
pub(super) struct ResultColumn {
    pub(super) name: Box<str>,
    pub(super) kind: ColumnType,
}

impl PacketStream {
    pub(super) fn new(stream: Box<dyn Stream>, meter: Meter, most_bytes: usize) -> Self {
        Self {
            stream: BufReader::with_capacity(16 * 1024, stream),
            sequence: 0,
            packet: Vec::new(),
            meter,
            most_bytes,
            id: 0,
        }
    }

    /// The stream, for encryption. The next packet has the next number.
    ///
    /// # Errors
    /// When the server sent more than it was asked for, which would not be encrypted.
    pub(super) fn into_stream(self) -> Result<(Box<dyn Stream>, u8), PacketError> {
        match self.stream.buffer() {
            [] => Ok((self.stream.into_inner(), self.sequence)),
            _ => Err(PacketError::Invalid("unexpected bytes before TLS")),
        }
    }

    pub(super) fn with_sequence(mut self, sequence: u8) -> Self {
        self.sequence = sequence;
        self
    }

    /// Runs a statement and returns the columns of its rows, which follow.
    pub(super) async fn query(&mut self, sql: &str) -> Result<Vec<ResultColumn>, PacketError> {
        self.command(QUERY, sql.as_bytes()).await?;
        let count = match self.reply().await? {
            [0x00, ..] => return Ok(Vec::new()),
            [0xFB, ..] => return Err(PacketError::Invalid("it asks for a file of this machine")),
            packet => ParseBuf(packet).checked_eat_lenenc_int(),
        };
        let count = match count {
            Some(count @ 1..=MOST_COLUMNS) => count,
            Some(1..) => return Err(PacketError::TooLong),
            _ => return Err(PacketError::Invalid("an invalid number of columns")),
        };
        let mut columns = Vec::new();
        for _ in 0..count {
            let column = ParseBuf(self.reply().await?).parse::<Column>(());
            let column = column.map_err(|_| PacketError::Invalid("an invalid column"))?;
            columns.push(ResultColumn {
                name: column.name_str().into(),
                kind: column.column_type(),
            });
        }
        match is_end(self.reply().await?) {
            true => Ok(columns),
            false => Err(PacketError::Invalid("more columns than announced")),
        }
    }

    /// The next row, whose cells begin here; `None` after the last one.
    pub(super) async fn row(&mut self) -> Result<Option<Cells<'_>>, PacketError> {
        let packet = self.reply().await?;
        Ok((!is_end(packet)).then_some(Cells(ParseBuf(packet))))
    }

    /// Runs a statement that has no rows.
    pub(super) async fn execute(&mut self, sql: &str) -> Result<(), PacketError> {
        if !self.query(sql).await?.is_empty() {
            while self.row().await?.is_some() {}
        }
        Ok(())
    }

    /// Ends the transaction, and gives back everything that the session holds: locks, variables, temporary tables.
    pub(super) async fn reset(&mut self) -> Result<(), PacketError> {
        self.packet.shrink_to(64 * 1024);
        self.command(RESET, &[]).await?;
        self.reply().await.map(|_| ())
    }

    /// Says goodbye, so that the server does not count an aborted connection.
    pub(super) async fn quit(mut self) -> Result<(), PacketError> {
        self.command(QUIT, &[]).await?;
        Ok(self.stream.shutdown().await?)
    }

    async fn command(&mut self, command: u8, argument: &[u8]) -> Result<(), PacketError> {
        self.sequence = 0;
        self.write(&[&[command], argument].concat()).await
    }

    /// A packet that is not an error.
    pub(super) async fn reply(&mut self) -> Result<&[u8], PacketError> {
        self.read().await?;
        match self.packet.as_slice() {
            [0xFF, low, high, rest @ ..] => Err(PacketError::Refused(Refusal {
                code: u16::from_le_bytes([*low, *high]),
                message: said(&String::from_utf8_lossy(match rest {
                    [b'#', _, _, _, _, _, message @ ..] => message,
                    message => message,
                })),
            })),
            [] => Err(PacketError::Invalid("an empty packet")),
            packet => Ok(packet),
        }
    }

    /// Reads a packet. Memory grows with the bytes that arrive, not with announced lengths.
    async fn read(&mut self) -> Result<(), PacketError> {
        self.packet.clear();
        loop {
            let mut head = [0; 4];
            self.stream.read_exact(&mut head).await?;
            let [low, middle, high, sequence] = head;
            if sequence != self.sequence {
                return Err(PacketError::Invalid("packets out of order"));
            }
            self.sequence = sequence.wrapping_add(1);
            let length = u32::from_le_bytes([low, middle, high, 0]);
            let part = usize::try_from(length).unwrap_or(usize::MAX);
            if self.packet.len().saturating_add(part) > self.most_bytes {
                return Err(PacketError::TooLong);
            }
            let mut stream = (&mut self.stream).take(length.into());
            if stream.read_to_end(&mut self.packet).await? < part {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            if part < FULL {
                return Ok(());
            }
        }
    }

    pub(super) async fn write(&mut self, packet: &[u8]) -> Result<(), PacketError> {
        let mut rest = packet;
        loop {
            let (part, after) = rest.split_at(rest.len().min(FULL));
            let length = u32::try_from(part.len()).unwrap_or_default().to_le_bytes();
            let [low, middle, high, _] = length;
            let head = [low, middle, high, self.sequence];
            self.sequence = self.sequence.wrapping_add(1);
            self.stream.write_all(&[&head, part].concat()).await?;
            if part.len() < FULL {
                break;
            }
            rest = after;
        }
        Ok(self.stream.flush().await?)
    }
}

/// The cells of a row, in the order of its columns.
pub(super) struct Cells<'r>(ParseBuf<'r>);

impl<'r> Cells<'r> {
    /// All cells; `None` for NULL.
    pub(super) fn all(mut self, width: usize) -> Result<Vec<Option<&'r [u8]>>, PacketError> {
        let mut cells = Vec::with_capacity(width);
        while !self.0.is_empty() && cells.len() < width {
            if self.0.0.first() == Some(&0xFB) {
                self.0.skip(1);
                cells.push(None);
                continue;
            }
            let cell = self.0.checked_eat_lenenc_str();
            cells.push(Some(cell.ok_or(PacketError::Invalid("an invalid row"))?));
        }
        match cells.len() == width {
            true => Ok(cells),
            false => Err(PacketError::Invalid("a row with too few columns")),
        }
    }
}

/// True for the packet after the last column or row.
fn is_end(packet: &[u8]) -> bool {
    packet.first() == Some(&0xFE) && packet.len() < 9
}

impl From<io::Error> for PacketError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;
    use crate::sources::metered::Metered;

    /// The result of a query for these packets of a server that repeats the last one for ever.
    fn asked(packets: &[&[u8]], most_bytes: usize) -> (Result<usize, PacketError>, Meter) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let (client, mut server) = duplex(64 * 1024);
        let meter = Meter::new(1 << 20);
        let stream = Metered::new(Box::new(client), meter.clone());
        let mut asking = PacketStream::new(Box::new(stream), meter.clone(), most_bytes);
        let packets: Vec<Vec<u8>> = packets.iter().map(|packet| packet.to_vec()).collect();
        let result = runtime.block_on(async {
            tokio::spawn(async move {
                let last = packets.last().cloned().unwrap_or_default();
                let mut sequence = 1_u8;
                for packet in packets.into_iter().chain(std::iter::repeat(last)) {
                    let length = u32::try_from(packet.len()).unwrap().to_le_bytes();
                    let head = [length[0], length[1], length[2], sequence];
                    sequence = sequence.wrapping_add(1);
                    if server
                        .write_all(&[&head, packet.as_slice()].concat())
                        .await
                        .is_err()
                    {
                        break;
                    }
                }
            });
            let columns = asking.query("SELECT 1").await?.len();
            while asking.row().await?.is_some() {}
            Ok(columns)
        });
        (result, meter)
    }

    #[test]
    fn announced_numbers_take_no_memory() {
        // 2^34 columns in 9 bytes.
        let many = [0xFE, 0, 0, 0, 0, 4, 0, 0, 0];
        let (result, _) = asked(&[&many], 1 << 20);
        assert!(matches!(result, Err(PacketError::TooLong)), "{result:?}");
    }

    #[test]
    fn endless_columns_and_rows_end_at_the_limit() {
        let column = [
            &b"\x03def\x00\x00\x00\x01a\x00\x0c"[..],
            &[45, 0, 1, 0, 0, 0, 3, 0, 0, 0, 0, 0],
        ]
        .concat();
        let long = [
            &b"\x03def\x00\x00\x00\xfd\x00\x80\x00"[..],
            &[b'a'; 0x8000],
            &column[9..],
        ]
        .concat();
        for packets in [
            &[&[0xFC, 0, 16][..], &long][..],
            &[&[1], &column, &[0xFE, 0, 0, 0, 0], &[1, b'7']],
        ] {
            let (result, meter) = asked(packets, 1 << 20);
            assert!(matches!(result, Err(PacketError::Io(_))), "{result:?}");
            assert!(meter.is_used_up());
        }
        let (result, _) = asked(&[&[1], &column, &[0xFE, 0, 0, 0, 0], &[b'a'; 200]], 100);
        assert!(matches!(result, Err(PacketError::TooLong)), "{result:?}");
    }
}
