//! Reads what a peer exposes into samples, and says where two expositions differ.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};

/// A series: its name and its sorted labels. Bounds in `le` are written one way.
pub type Series = (String, Vec<(String, String)>);

/// Every sample of an exposition.
pub type Samples = BTreeMap<Series, f64>;

/// Float sums may differ by the order of their additions.
const TOLERANCE: f64 = 1e-6;

/// Reads the text format or OpenMetrics; comments are skipped, escapes resolved.
pub fn parse_text(text: &[u8]) -> Result<Samples> {
    let text = std::str::from_utf8(text).context("the exposition is not UTF-8")?;
    let mut samples = Samples::new();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (series, value) = parse_line(line).with_context(|| format!("in the line `{line}`"))?;
        insert(&mut samples, series, value)?;
    }
    Ok(samples)
}

/// Adds a sample; a series that is there already is an error.
pub(crate) fn insert(samples: &mut Samples, series: Series, value: f64) -> Result<()> {
    if samples.contains_key(&series) {
        bail!("the series {series:?} appears twice");
    }
    samples.insert(series, value);
    Ok(())
}

/// Brings the labels of a series into the one order and form that is compared.
pub(crate) fn series(name: impl Into<String>, mut labels: Vec<(String, String)>) -> Series {
    for (name, value) in &mut labels {
        if name == "le"
            && let Ok(bound) = value.parse::<f64>()
        {
            *value = bound.to_string();
        }
    }
    labels.sort();
    (name.into(), labels)
}

fn parse_line(line: &str) -> Result<(Series, f64)> {
    let end = line.find(['{', ' ']).context("there is no value")?;
    let name = &line[..end];
    let mut rest = &line[end..];
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            rest = rest.trim_start_matches(',');
            if let Some(after) = rest.strip_prefix('}') {
                rest = after;
                break;
            }
            let (label, after) = rest.split_once("=\"").context("a label has no value")?;
            let (value, after) = unescape(after)?;
            labels.push((label.to_owned(), value));
            rest = after;
        }
    }
    let value = rest
        .split_whitespace()
        .next()
        .context("there is no value")?;
    let value = value
        .parse()
        .with_context(|| format!("`{value}` is not a number"))?;
    Ok((series(name, labels), value))
}

/// The label value up to its closing quote, and what follows.
fn unescape(text: &str) -> Result<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => value.push(match chars.next().context("a backslash ends the line")?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    bail!("a label value has no end")
}

/// Fails with the first few differences, if there are any.
pub fn compare(expected: &Samples, found: &Samples) -> Result<()> {
    let mut differences = Vec::new();
    for (series, value) in expected {
        match found.get(series) {
            None => differences.push(format!("{series:?} is missing")),
            Some(other) if !equal(*value, *other) => {
                differences.push(format!("{series:?} is {other} instead of {value}"));
            }
            Some(_) => {}
        }
    }
    let extra = found
        .keys()
        .filter(|series| !expected.contains_key(*series));
    differences.extend(extra.map(|series| format!("{series:?} is too much")));
    if differences.is_empty() {
        return Ok(());
    }
    let count = differences.len();
    differences.truncate(3);
    bail!("{count} samples differ: {}", differences.join("; "))
}

fn equal(a: f64, b: f64) -> bool {
    a == b || (a - b).abs() <= TOLERANCE * a.abs().max(b.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_labels_in_any_order_and_bounds_in_any_form() {
        let a =
            parse_text(b"# TYPE a histogram\na_bucket{x=\"1\",le=\"1\"} 4\na_sum{x=\"1\"} 0.5\n");
        let b = parse_text(
            b"a_bucket{le=\"1.0\",x=\"1\"} 4.0 1700000000000\na_sum{x=\"1\",} 5e-1\n# EOF\n",
        );
        compare(&a.unwrap(), &b.unwrap()).unwrap();
    }

    #[test]
    fn names_what_differs() {
        let a = parse_text(b"a{x=\"quo\\\"te\\n\"} 1\n").unwrap();
        let b = parse_text(b"a{x=\"quo\\\"te\\n\"} 2\n").unwrap();
        assert!(
            compare(&a, &b)
                .unwrap_err()
                .to_string()
                .contains("is 2 instead of 1")
        );
    }

    #[test]
    fn refuses_a_series_that_appears_twice() {
        assert!(parse_text(b"a 1\na 1\n").is_err());
    }
}
