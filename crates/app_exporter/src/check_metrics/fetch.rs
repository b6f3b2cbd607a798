//! Fetches one page over plain HTTP, within limits of time and size.
//!
//! Requests are HTTP/1.0, so bodies end with the connection. Some servers send chunks all the same.

use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};

/// The time from the first connection attempt to the last byte.
const PATIENCE: Duration = Duration::from_secs(30);
/// Far above the size of real response heads.
const MAX_HEAD_BYTES: u64 = 64 * 1024;
/// Far above the size of real chunk heads.
const MAX_CHUNK_HEAD: u64 = 1024;

pub(super) struct Answer {
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
}

/// Fetches `url`. Every status but 200 is an error.
pub(super) fn get(url: &str, accept: &str) -> anyhow::Result<Answer> {
    let Some(rest) = url.strip_prefix("http://") else {
        bail!(
            "the URL does not begin with http://; fetch it with another program, such as curl, and pipe the result to `check-metrics -`"
        );
    };
    let rest = rest.split('#').next().unwrap_or(rest);
    let at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(at);
    let slash = if target.starts_with('/') { "" } else { "/" };
    let deadline = Instant::now() + PATIENCE;
    let mut stream = connect(authority, deadline)?;
    let version = crate::version::VERSION;
    write!(
        stream,
        "GET {slash}{target} HTTP/1.0\r\nHost: {authority}\r\nAccept: {accept}\r\n\
         User-Agent: app_exporter/{version}\r\nConnection: close\r\n\r\n"
    )?;
    read_answer(BufReader::new(Bounded { stream, deadline }))
}

fn connect(authority: &str, deadline: Instant) -> anyhow::Result<TcpStream> {
    let unsafe_in_a_head = |c: char| c.is_whitespace() || c.is_control() || c == '@';
    if authority.is_empty() || authority.contains(unsafe_in_a_head) {
        bail!("`{authority}` is not HOST:PORT; write http://HOST:PORT/PATH");
    }
    let port_follows = authority
        .rsplit(']')
        .next()
        .is_some_and(|end| end.contains(':'));
    let with_port = if port_follows {
        authority.to_owned()
    } else {
        format!("{authority}:80")
    };
    let addresses = with_port
        .to_socket_addrs()
        .with_context(|| format!("cannot resolve the host of `{authority}`"))?;
    let mut last = None;
    for address in addresses {
        match TcpStream::connect_timeout(&address, left(deadline)?) {
            Ok(stream) => {
                stream.set_write_timeout(Some(left(deadline)?))?;
                return Ok(stream);
            }
            Err(error) => last = Some((address, error)),
        }
    }
    match last {
        Some((address, error)) => {
            Err(error).with_context(|| format!("cannot connect to {address}"))
        }
        None => bail!("the host of `{authority}` has no address"),
    }
}

fn read_answer(mut from: impl BufRead) -> anyhow::Result<Answer> {
    let mut head = from.by_ref().take(MAX_HEAD_BYTES);
    let mut line = String::new();
    head.read_line(&mut line)
        .context("the response is not HTTP")?;
    let status = line
        .trim_end()
        .split_once(' ')
        .map_or("", |(_, status)| status);
    if !line.starts_with("HTTP/1.") {
        bail!("the response is not HTTP; check host and port");
    }
    if status.split(' ').next() != Some("200") {
        bail!("status `{status}`, not 200; check the path");
    }
    let mut content_type = String::new();
    let mut length = None;
    let mut is_chunked = false;
    loop {
        line.clear();
        if head.read_line(&mut line)? == 0 {
            bail!("the response ends before its body");
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-type" => value.clone_into(&mut content_type),
            "content-length" => length = value.parse::<usize>().ok(),
            "transfer-encoding" if value.eq_ignore_ascii_case("chunked") => is_chunked = true,
            "transfer-encoding" | "content-encoding" if value != "identity" => {
                bail!(
                    "the body is encoded as `{value}`, which was not requested; fetch it with curl, and pipe the result to `check-metrics -`"
                );
            }
            _ => {}
        }
    }
    let mut body = Vec::new();
    if is_chunked {
        read_chunks(from, &mut body)?;
        return Ok(Answer { content_type, body });
    }
    super::read_all(from, &mut body)?;
    if let Some(length) = length.filter(|length| *length != body.len()) {
        bail!(
            "the body has {} bytes, not {length} as announced; try again",
            body.len()
        );
    }
    Ok(Answer { content_type, body })
}

/// Reads a body in chunks, each after its size in hexadecimal, up to an empty one.
fn read_chunks(mut from: impl BufRead, body: &mut Vec<u8>) -> anyhow::Result<()> {
    loop {
        let mut size = String::new();
        from.by_ref().take(MAX_CHUNK_HEAD).read_line(&mut size)?;
        let digits = size.split(';').next().unwrap_or("").trim();
        let size = u64::from_str_radix(digits, 16).map_err(|_| {
            anyhow!(
                "`{}` is not the size of a chunk; try again",
                digits.escape_debug()
            )
        })?;
        if size == 0 {
            return Ok(());
        }
        if size > super::MAX_BYTES - body.len() as u64 {
            bail!("larger than {} bytes; check a part of it", super::MAX_BYTES);
        }
        let before = body.len() as u64;
        from.by_ref().take(size).read_to_end(body)?;
        let mut end = String::new();
        from.by_ref().take(2).read_line(&mut end)?;
        if body.len() as u64 - before < size || !end.ends_with('\n') {
            bail!("the response ends within a chunk; try again");
        }
    }
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        let message = format!("not finished within {} seconds", PATIENCE.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, message))
    } else {
        Ok(left)
    }
}

/// A connection with a deadline for all reads together.
struct Bounded {
    stream: TcpStream,
    deadline: Instant,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(left(self.deadline)?))?;
        self.stream.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(answer: &str) -> String {
        match read_answer(answer.as_bytes()) {
            Ok(_) => panic!("{answer:?} should be refused"),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn an_answer_is_taken_whole_or_not_at_all() {
        let answer =
            "HTTP/1.1 200 OK\r\nCONTENT-TYPE: text/plain \r\nContent-Length: 4\r\n\r\na 1\n";
        let answer = read_answer(answer.as_bytes()).expect("an answer");
        assert_eq!(
            (answer.content_type.as_str(), answer.body.as_slice()),
            ("text/plain", &b"a 1\n"[..])
        );
        assert!(refused("").contains("response is not HTTP"));
        assert!(refused("SSH-2.0\r\n").contains("response is not HTTP"));
        assert!(refused("HTTP/1.1 404 Not Found\r\n\r\n").contains("status `404 Not Found`"));
        assert!(refused("HTTP/1.1 200 OK\r\n").contains("ends before its body"));
        assert!(
            refused("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\na 1\n").contains("has 4 bytes")
        );
        let chunked =
            |body: &str| format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n{body}");
        let answer = chunked("3;a=b\r\na 1\r\n1\r\n\n\r\n0\r\n\r\n");
        let answer = read_answer(answer.as_bytes()).expect("an answer");
        assert_eq!(answer.body, b"a 1\n");
        assert!(refused(&chunked("")).contains("not the size of a chunk"));
        assert!(refused(&chunked("x\r\n")).contains("`x` is not the size"));
        assert!(refused(&chunked("3\r\na ")).contains("within a chunk"));
        assert!(refused(&chunked("ffffffffffffffff\r\n")).contains("larger than"));
        assert!(refused("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n").contains("`gzip`"));
    }

    #[test]
    fn only_plain_http_to_a_host_is_fetched() {
        let refused = |url| format!("{:#}", get(url, "").err().expect("refused"));
        assert!(refused("https://localhost/").contains("begin with http://"));
        assert!(refused("http:///metrics").contains("not HOST:PORT"));
        assert!(refused("http://user@localhost/").contains("not HOST:PORT"));
        assert!(refused("http://a b/").contains("not HOST:PORT"));
    }
}
