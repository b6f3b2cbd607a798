//! Corpora in the repository: a text file for each target, one input a line, escaped as in a string of Rust.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Bytes of a corpus in the repository.
const MOST_BYTES: usize = 100 * 1024;

fn file(target: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora");
    folder.join(format!("{target}.txt"))
}

/// Returns the inputs of a target; none if it has no corpus yet.
///
/// # Errors
/// When the file cannot be read, or a line is not escaped.
pub fn read(target: &str) -> io::Result<Vec<Vec<u8>>> {
    let text = match fs::read_to_string(file(target)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text?,
    };
    let lines = text.lines().enumerate();
    let inputs = lines.map(|(at, line)| {
        let place = || io::Error::other(format!("{target}.txt:{}: not escaped", at + 1));
        unescape(line).ok_or_else(place)
    });
    inputs.collect()
}

/// Replaces the corpus of a target by the inputs in a folder of libFuzzer, as many as there is room for. Returns their
/// number.
///
/// # Errors
/// When the folder cannot be read, or the corpus cannot be written.
pub fn write(target: &str, folder: &Path) -> io::Result<usize> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(folder)? {
        lines.push(fs::read(entry?.path())?.escape_ascii().to_string());
    }
    // An order that does not depend on libFuzzer's names.
    lines.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    let total: usize = lines.iter().map(|line| line.len() + 1).sum();
    // Of a corpus that is too large, small and large inputs alike.
    let keep_every = total.div_ceil(MOST_BYTES).max(1);
    let kept: Vec<&str> = lines
        .iter()
        .map(String::as_str)
        .step_by(keep_every)
        .collect();
    fs::create_dir_all(file(target).with_file_name(""))?;
    fs::write(file(target), kept.join("\n") + "\n")?;
    Ok(kept.len())
}

/// The reverse of [`slice::escape_ascii`].
fn unescape(line: &str) -> Option<Vec<u8>> {
    let mut bytes = line.bytes();
    let mut input = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            input.push(byte);
            continue;
        }
        input.push(match bytes.next()? {
            b't' => b'\t',
            b'r' => b'\r',
            b'n' => b'\n',
            b'x' => hexadecimal(bytes.next()?)? << 4 | hexadecimal(bytes.next()?)?,
            other => other,
        });
    }
    Some(input)
}

fn hexadecimal(digit: u8) -> Option<u8> {
    let digit = char::from(digit).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_read_as_it_was_written() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(unescape(&all.escape_ascii().to_string()), Some(all));
        assert_eq!(unescape("\\x0"), None);
    }
}
