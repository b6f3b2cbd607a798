//! The head of a CGI response.

use reqwest::StatusCode;

/// The limit of its bytes, which is that of web servers in front of such a server.
const LONGEST: usize = 64 * 1024;

/// The parts of a head that matter.
#[derive(Debug, PartialEq)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) content_type: Option<String>,
}

/// Splits an output into its head and its body.
///
/// # Errors
/// When it has no head, or an invalid status.
pub(super) fn split(mut output: Vec<u8>) -> Result<(Head, Vec<u8>), String> {
    let mut head = Head {
        status: StatusCode::OK,
        content_type: None,
    };
    let mut has_status = false;
    let mut begin = 0;
    loop {
        let rest = output.get(begin..).unwrap_or_default();
        let end = rest.iter().take(LONGEST).position(|byte| *byte == b'\n');
        let Some(end) = end.filter(|end| begin + end < LONGEST) else {
            return Err(format!(
                "it has no head of at most {LONGEST} bytes that ends in an empty line"
            ));
        };
        let line = rest[..end].trim_ascii_end();
        begin += end + 1;
        if line.is_empty() {
            break;
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return Err("a line of its head has no `:`".to_owned());
        };
        let value = line[colon + 1..].trim_ascii();
        match line[..colon].to_ascii_lowercase().as_slice() {
            b"status" => {
                let code = value.get(..3).unwrap_or(value);
                head.status = StatusCode::from_bytes(code)
                    .map_err(|_| "its status is not a number from 100 to 999".to_owned())?;
                has_status = true;
            }
            b"content-type" => {
                head.content_type = Some(String::from_utf8_lossy(value).into_owned());
            }
            b"location" if !has_status => head.status = StatusCode::FOUND,
            _ => (),
        }
    }
    let body = output.split_off(begin);
    Ok((head, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(u16, Option<String>, String), String> {
        let (head, body) = split(Vec::from(text))?;
        let body = String::from_utf8(body).unwrap();
        Ok((head.status.as_u16(), head.content_type, body))
    }

    #[test]
    fn a_head_has_a_status_and_a_type_or_not() {
        for (text, status, content_type, body) in [
            (
                "Content-type: a/b\r\nX: y\r\n\r\nz\n",
                200,
                Some("a/b"),
                "z\n",
            ),
            (
                "Status: 404 Not Found\ncontent-TYPE:a/b; c=d \n\n",
                404,
                Some("a/b; c=d"),
                "",
            ),
            ("Location: /x\r\n\r\n", 302, None, ""),
            ("Status: 301\r\nLocation: /x\r\n\r\n", 301, None, ""),
            ("\nx", 200, None, "x"),
        ] {
            let expected = (status, content_type.map(str::to_owned), body.to_owned());
            assert_eq!(read(text), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn an_output_without_a_head_is_refused() {
        let long = format!("A: {}\n\n", "a".repeat(LONGEST));
        for text in [
            "",
            "a: b",
            "a: b\r\n",
            "{}\n\n",
            "Status: x\n\n",
            "Status: 20\n\n",
            &long,
        ] {
            assert!(read(text).is_err(), "{text:?}");
        }
    }
}
