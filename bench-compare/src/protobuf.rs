//! Reads delimited `io.prometheus.client.MetricFamily` messages into the same samples as text.

use anyhow::{Context as _, Result, bail};

use crate::exposition::{Samples, insert, series};

/// Reads gauges, counters and classic histograms; every other field is skipped.
pub fn parse(mut bytes: &[u8]) -> Result<Samples> {
    let mut samples = Samples::new();
    while !bytes.is_empty() {
        let family = take_bytes(&mut bytes)?;
        let mut name = String::new();
        let mut metrics = Vec::new();
        for field in Fields(family) {
            match field? {
                (1, Value::Bytes(text)) => name = string(text)?,
                (4, Value::Bytes(metric)) => metrics.push(metric),
                _ => {}
            }
        }
        for metric in metrics {
            read_metric(&name, metric, &mut samples)?;
        }
    }
    Ok(samples)
}

fn read_metric(name: &str, metric: &[u8], samples: &mut Samples) -> Result<()> {
    let mut labels = Vec::new();
    let mut content = None;
    for field in Fields(metric) {
        match field? {
            (1, Value::Bytes(pair)) => labels.push(read_label(pair)?),
            (number @ (2 | 3 | 7), Value::Bytes(bytes)) => content = Some((number, bytes)),
            _ => {}
        }
    }
    match content.context("a metric has no value")? {
        (7, histogram) => read_histogram(name, &labels, histogram, samples),
        (_, single) => insert(samples, series(name, labels), double(single, 1)?),
    }
}

fn read_label(pair: &[u8]) -> Result<(String, String)> {
    let mut label = (String::new(), String::new());
    for field in Fields(pair) {
        match field? {
            (1, Value::Bytes(name)) => label.0 = string(name)?,
            (2, Value::Bytes(value)) => label.1 = string(value)?,
            _ => {}
        }
    }
    Ok(label)
}

/// The bucket `+Inf` may be left out of a message; its count is the histogram's.
fn read_histogram(
    name: &str,
    labels: &[(String, String)],
    bytes: &[u8],
    samples: &mut Samples,
) -> Result<()> {
    let count = integer(bytes, 1)? as f64;
    let mut bounds = vec![(f64::INFINITY, count)];
    for field in Fields(bytes) {
        if let (3, Value::Bytes(bucket)) = field? {
            let bound = double(bucket, 2)?;
            if bound.is_finite() {
                bounds.push((bound, integer(bucket, 1)? as f64));
            }
        }
    }
    for (bound, count) in bounds {
        let mut labels = labels.to_vec();
        labels.push(("le".to_owned(), bound.to_string()));
        insert(samples, series(format!("{name}_bucket"), labels), count)?;
    }
    insert(
        samples,
        series(format!("{name}_sum"), labels.to_vec()),
        double(bytes, 2)?,
    )?;
    insert(
        samples,
        series(format!("{name}_count"), labels.to_vec()),
        count,
    )
}

/// The field `number`, which may be left out when it is zero.
fn double(message: &[u8], number: u64) -> Result<f64> {
    for field in Fields(message) {
        if let (found, Value::Fixed(bits)) = field?
            && found == number
        {
            return Ok(f64::from_bits(bits));
        }
    }
    Ok(0.0)
}

fn integer(message: &[u8], number: u64) -> Result<u64> {
    for field in Fields(message) {
        if let (found, Value::Varint(value)) = field?
            && found == number
        {
            return Ok(value);
        }
    }
    Ok(0)
}

enum Value<'a> {
    Varint(u64),
    Fixed(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message, in order.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.0.is_empty()).then(|| self.field())
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Result<(u64, Value<'a>)> {
        let tag = take_varint(&mut self.0)?;
        let value = match tag & 7 {
            0 => Value::Varint(take_varint(&mut self.0)?),
            1 => {
                let (bits, rest) = self.0.split_first_chunk().context("a double is cut off")?;
                self.0 = rest;
                Value::Fixed(u64::from_le_bytes(*bits))
            }
            2 => Value::Bytes(take_bytes(&mut self.0)?),
            kind => bail!("a field has the wire type {kind}"),
        };
        Ok((tag >> 3, value))
    }
}

fn take_varint(bytes: &mut &[u8]) -> Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().context("a varint is cut off")?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    bail!("a varint is longer than 10 bytes")
}

fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8]> {
    let length = take_varint(bytes)? as usize;
    let (taken, rest) = bytes
        .split_at_checked(length)
        .context("a message is cut off")?;
    *bytes = rest;
    Ok(taken)
}

fn string(bytes: &[u8]) -> Result<String> {
    Ok(std::str::from_utf8(bytes)
        .context("a name is not UTF-8")?
        .to_owned())
}
