//! The least HTTP client that can ask a learner's exporter something.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// An answer comes at once; only a server that hangs takes this long.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a server answered.
pub(super) struct Answer {
    /// The first line, like `HTTP/1.1 200 OK`.
    status: String,
    /// The header `Content-Type`, or nothing.
    pub(super) content_type: String,
    pub(super) body: String,
}

impl Answer {
    /// The status code and its reason, like `200 OK`.
    pub(super) fn status(&self) -> &str {
        self.status.split_once(' ').map_or("", |(_, status)| status)
    }

    pub(super) fn is_ok(&self) -> bool {
        self.status().starts_with("200")
    }
}

/// The answer to `GET path` on this machine's `port`.
pub(super) fn get(port: u16, path: &str) -> io::Result<Answer> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // HTTP/1.0: the body comes in one piece and ends with the connection.
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nHost: localhost:{port}\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    parse(&String::from_utf8_lossy(&answer)).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "what came back is no HTTP answer",
        )
    })
}

fn parse(answer: &str) -> Option<Answer> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let mut head = head.lines();
    let status = head.next().filter(|line| line.starts_with("HTTP/"))?;
    let content_type = head
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        .map_or("", |(_, value)| value.trim());
    Some(Answer {
        status: status.to_owned(),
        content_type: content_type.to_owned(),
        body: body.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_apart() {
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/plain; a=b\r\nX: y\r\n\r\nbody\r\n";
        let answer = parse(answer).unwrap();
        assert_eq!((answer.status(), answer.is_ok()), ("200 OK", true));
        assert_eq!(answer.content_type, "text/plain; a=b");
        assert_eq!(answer.body, "body\r\n");
        assert!(parse("SSH-2.0-OpenSSH\r\n\r\n").is_none());
    }
}
