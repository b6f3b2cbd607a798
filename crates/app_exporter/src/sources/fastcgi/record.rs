//! Records of FastCGI: one request out, the records of its response in.
//!
//! Knows neither CGI's headers nor sockets. Whatever a server sends, the memory is that of the response.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

const VERSION: u8 = 1;
/// The number of the only request of a connection.
const REQUEST: u16 = 1;
/// The role of a server that answers requests.
const RESPONDER: u8 = 1;

/// Types of records.
const BEGIN_REQUEST: u8 = 1;
const END_REQUEST: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;

/// A response that cannot be read.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// The connection failed, or ended before the response.
    Connection(io::Error),
    /// The bytes are not FastCGI.
    Record(String),
    /// The server did not run the request.
    Refused(&'static str),
    /// The response has more bytes than the limit.
    TooLarge,
}

/// The bytes of a request with these parameters and without a body.
pub(super) fn request(parameters: impl IntoIterator<Item = (String, String)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Without the flag to keep the connection, the server closes it, so that no worker waits for the next request.
    push_record(&mut bytes, BEGIN_REQUEST, &[0, RESPONDER, 0, 0, 0, 0, 0, 0]);
    let mut pairs = Vec::new();
    for (name, value) in parameters {
        push_length(&mut pairs, name.len());
        push_length(&mut pairs, value.len());
        pairs.extend_from_slice(name.as_bytes());
        pairs.extend_from_slice(value.as_bytes());
    }
    for part in pairs.chunks(usize::from(u16::MAX)) {
        push_record(&mut bytes, PARAMS, part);
    }
    push_record(&mut bytes, PARAMS, &[]);
    push_record(&mut bytes, STDIN, &[]);
    bytes
}

/// Reads the standard output of the request, of at most that many bytes, up to its end.
///
/// # Errors
/// When it is not complete.
pub(super) async fn response(
    mut stream: impl AsyncBufRead + Unpin,
    most: usize,
) -> Result<Vec<u8>, Unreadable> {
    let mut output = Vec::new();
    loop {
        let mut header = [0; 8];
        stream.read_exact(&mut header).await?;
        let [
            version,
            kind,
            request_high,
            request_low,
            high,
            low,
            padding,
            _,
        ] = header;
        if version != VERSION {
            return Err(Unreadable::Record(format!(
                "a record begins with the byte {version}"
            )));
        }
        let length = u16::from_be_bytes([high, low]);
        let is_own = u16::from_be_bytes([request_high, request_low]) == REQUEST;
        match kind {
            STDOUT if is_own => {
                if output.len() + usize::from(length) > most {
                    return Err(Unreadable::TooLarge);
                }
                let mut content = (&mut stream).take(length.into());
                if content.read_to_end(&mut output).await? < usize::from(length) {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
                }
            }
            END_REQUEST if is_own => {
                if length < 8 {
                    let message = format!("the last record has {length} bytes instead of 8");
                    return Err(Unreadable::Record(message));
                }
                let mut end = [0; 8];
                stream.read_exact(&mut end).await?;
                let [.., protocol_status, _, _, _] = end;
                return match protocol_status {
                    0 => Ok(output),
                    2 => Err(Unreadable::Refused("it is overloaded")),
                    3 => Err(Unreadable::Refused("it does not answer requests")),
                    _ => Err(Unreadable::Refused("it cannot run the request")),
                };
            }
            // Standard error, and what concerns no request.
            _ => skip(&mut stream, length.into()).await?,
        }
        skip(&mut stream, padding.into()).await?;
    }
}

async fn skip(stream: &mut (impl AsyncBufRead + Unpin), mut length: usize) -> io::Result<()> {
    while length > 0 {
        let available = stream.fill_buf().await?.len().min(length);
        if available == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        stream.consume(available);
        length -= available;
    }
    Ok(())
}

fn push_record(bytes: &mut Vec<u8>, kind: u8, content: &[u8]) {
    debug_assert!(content.len() <= usize::from(u16::MAX));
    let [request_high, request_low] = REQUEST.to_be_bytes();
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a record is given at most 65 535 bytes"
    )]
    let [high, low] = (content.len() as u16).to_be_bytes();
    bytes.extend([VERSION, kind, request_high, request_low, high, low, 0, 0]);
    bytes.extend_from_slice(content);
}

/// The length of a name or value: a byte, or four with the highest bit set.
fn push_length(bytes: &mut Vec<u8>, length: usize) {
    match u8::try_from(length) {
        Ok(short @ 0..=127) => bytes.push(short),
        _ => {
            let long = u32::try_from(length).unwrap_or(u32::MAX) | 1 << 31;
            bytes.extend_from_slice(&long.to_be_bytes());
        }
    }
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Self::Connection(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, request: u16, content: &[u8], padding: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        push_record(&mut bytes, kind, content);
        bytes[2..4].copy_from_slice(&request.to_be_bytes());
        bytes[6] = padding;
        bytes.extend(vec![b'p'; padding.into()]);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Vec<u8>, Unreadable> {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.build().unwrap().block_on(response(bytes, 10))
    }

    fn end(status: u8) -> Vec<u8> {
        record(END_REQUEST, REQUEST, &[0, 0, 0, 1, status, 0, 0, 0], 0)
    }

    #[test]
    fn a_request_is_as_the_specification_has_it() {
        let long = "v".repeat(200);
        let bytes = request([
            ("A".to_owned(), "1".to_owned()),
            ("B".to_owned(), long.clone()),
        ]);
        let mut expected = vec![1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        expected.extend([
            1, 4, 0, 1, 0, 210, 0, 0, 1, 1, b'A', b'1', 1, 0x80, 0, 0, 200, b'B',
        ]);
        expected.extend(long.bytes());
        expected.extend([1, 4, 0, 1, 0, 0, 0, 0, 1, 5, 0, 1, 0, 0, 0, 0]);
        assert_eq!(bytes, expected);
        let bytes = request([("A".to_owned(), "v".repeat(70_000))]);
        assert_eq!(bytes.len(), 16 + 8 + 65_535 + 8 + (70_006 - 65_535) + 8 + 8);
    }

    #[test]
    fn a_response_is_its_output_up_to_the_end() {
        let records = [
            record(7, REQUEST, b"a warning", 3),
            record(STDOUT, REQUEST, b"abc", 5),
            record(STDOUT, 2, b"of another", 0),
            record(11, 0, &[9; 8], 0),
            record(STDOUT, REQUEST, b"defghij", 255),
            record(STDOUT, REQUEST, b"", 0),
            end(0),
        ];
        assert_eq!(read(&records.concat()).unwrap(), b"abcdefghij");
        // One that is cut off is not taken for a whole one.
        let bytes = records.concat();
        for length in 0..bytes.len() {
            let error = read(&bytes[..length]).unwrap_err();
            assert!(
                matches!(error, Unreadable::Connection(_)),
                "{length}: {error:?}"
            );
        }
    }

    #[test]
    fn what_breaks_the_rules_is_refused() {
        let long = [record(STDOUT, REQUEST, &[b'a'; 11], 0), end(0)].concat();
        assert!(matches!(read(&long), Err(Unreadable::TooLarge)));
        // A length that is not there is not waited for in memory.
        let announced = [1, STDOUT, 0, 1, 255, 255, 0, 0];
        assert!(matches!(read(&announced), Err(Unreadable::TooLarge)));
        let other = read(b"HTTP/1.1 400 Bad Request\r\n").unwrap_err();
        assert!(
            matches!(&other, Unreadable::Record(it) if it.ends_with("the byte 72")),
            "{other:?}"
        );
        let short = record(END_REQUEST, REQUEST, &[0; 7], 0);
        assert!(matches!(read(&short), Err(Unreadable::Record(_))));
        for status in [1, 2, 3, 4, 255] {
            assert!(matches!(read(&end(status)), Err(Unreadable::Refused(_))));
        }
    }
}
