//! Bodies compressed with zstd, with the window that RFC 9659 allows.
//!
//! The client reads gzip, whose window has 32 KiB. Its own zstd would let a server ask for 128 MiB.

use std::io;

use reqwest::header::{CONTENT_ENCODING, HeaderMap};
use zstd::stream::raw::{DParameter, Decoder, Operation as _};

/// The value of `Accept-Encoding`.
pub(super) const ACCEPTED: &str = "zstd,gzip";
/// The base-2 logarithm of the largest window: 8 MiB.
const WINDOW_LOG: u32 = 23;

/// The body of a response, as its chunks come.
pub(super) struct BodyReader {
    zstd: Option<Frames>,
    /// The limit of bytes.
    most: usize,
    body: Vec<u8>,
}

struct Frames {
    decoder: Decoder<'static>,
    /// False within a frame.
    has_ended: bool,
}

/// A body that cannot be read.
#[derive(Debug)]
pub(super) enum Unreadable {
    TooLarge,
    /// It is not compressed as its header says.
    Compression(io::Error),
}

impl BodyReader {
    /// # Errors
    /// When the memory does not suffice for a decoder.
    pub(super) fn new(headers: &HeaderMap, most: usize) -> Result<Self, Unreadable> {
        let encoding = headers.get(CONTENT_ENCODING).map(|value| value.as_bytes());
        let is_zstd = encoding.is_some_and(|it| it.trim_ascii().eq_ignore_ascii_case(b"zstd"));
        Ok(Self {
            zstd: is_zstd.then(Frames::new).transpose()?,
            most,
            body: Vec::new(),
        })
    }

    /// Adds a chunk, and returns by how many bytes the body grew.
    ///
    /// # Errors
    /// When the body is too large, or not compressed as it says.
    pub(super) fn push(&mut self, mut chunk: &[u8]) -> Result<usize, Unreadable> {
        let before = self.body.len();
        let Some(frames) = &mut self.zstd else {
            extend(&mut self.body, chunk, self.most)?;
            return Ok(self.body.len() - before);
        };
        let mut block = [0; 16 * 1024];
        loop {
            let status = frames.decoder.run_on_buffers(chunk, &mut block)?;
            chunk = chunk.get(status.bytes_read..).unwrap_or_default();
            frames.has_ended = status.remaining == 0;
            let out = block.get(..status.bytes_written).unwrap_or_default();
            extend(&mut self.body, out, self.most)?;
            let may_have_more = status.bytes_written == block.len() && !frames.has_ended;
            if chunk.is_empty() && !may_have_more {
                return Ok(self.body.len() - before);
            }
        }
    }

    /// # Errors
    /// When the body ended within a frame.
    pub(super) fn finish(self) -> Result<Vec<u8>, Unreadable> {
        match self.zstd {
            Some(Frames {
                has_ended: false, ..
            }) => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            _ => Ok(self.body),
        }
    }
}

impl Frames {
    fn new() -> Result<Self, Unreadable> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG))?;
        Ok(Self {
            decoder,
            has_ended: true,
        })
    }
}

fn extend(body: &mut Vec<u8>, bytes: &[u8], most: usize) -> Result<(), Unreadable> {
    if body.len() + bytes.len() > most {
        return Err(Unreadable::TooLarge);
    }
    body.extend_from_slice(bytes);
    Ok(())
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Self::Compression(error)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;
    use reqwest::header::HeaderValue;
    use zstd::stream::raw::CParameter;

    use super::*;

    fn read(encoding: &'static str, body: &[u8], piece: usize) -> Result<Vec<u8>, Unreadable> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        let mut reader = BodyReader::new(&headers, 200_000)?;
        for chunk in body.chunks(piece) {
            reader.push(chunk)?;
        }
        reader.finish()
    }

    /// A frame that announces a window of 2 to this power.
    fn frame(window_log: u32) -> Vec<u8> {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder
            .set_parameter(CParameter::WindowLog(window_log))
            .unwrap();
        encoder.write_all(b"7").unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_window_is_at_most_8_mib() {
        assert_eq!(read(" ZSTD", &frame(23), 3).unwrap(), b"7");
        for window_log in 24..=27 {
            let result = read("zstd", &frame(window_log), 3);
            let Err(Unreadable::Compression(error)) = result else {
                panic!("{result:?}");
            };
            assert!(error.to_string().contains("too much memory"), "{error}");
        }
    }

    #[test]
    fn a_body_ends_with_its_frame_and_other_encodings_are_left_alone() {
        let frame = frame(10);
        for piece in [1, 1000] {
            assert!(read("zstd", &frame[..frame.len() - 1], piece).is_err());
            assert_eq!(read("zstd", &frame.repeat(3), piece).unwrap(), b"777");
            assert!(read("zstd", b"7", piece).is_err());
            assert_eq!(read("zstd", b"", piece).unwrap(), b"");
            assert_eq!(read("br", b"7", piece).unwrap(), b"7");
            let bomb = zstd::bulk::compress(&[0; 200_001], 1).unwrap();
            assert!(matches!(
                read("zstd", &bomb, piece),
                Err(Unreadable::TooLarge)
            ));
        }
    }

    proptest! {
        #[test]
        fn what_was_compressed_is_read_in_any_pieces(
            text in prop::collection::vec(0_u8..4, 0..20_000),
            piece in 1_usize..70_000,
        ) {
            let compressed = zstd::bulk::compress(&text, 1).unwrap();
            prop_assert_eq!(read("zstd", &compressed, piece).unwrap(), text);
        }
    }
}
