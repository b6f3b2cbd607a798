//! Log lines on standard error, as logfmt or JSON, without colours.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::ValueEnum;
use exporter_kit::Timestamp;
use log::kv::{Error, Key, Value, VisitSource, VisitValue};
use log::{LevelFilter, Log, Metadata, Record, SetLoggerError};

/// The lowest level that is written, by the names that other exporters use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

/// The format of a log line. Both formats have the same keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Logfmt,
    Json,
}

/// Writes all records from `level` on to standard error.
pub(crate) fn start(level: LogLevel, format: LogFormat) -> Result<(), SetLoggerError> {
    log::set_boxed_logger(Box::new(Logger { format }))?;
    log::set_max_level(match level {
        LogLevel::Debug => LevelFilter::Debug,
        LogLevel::Info => LevelFilter::Info,
        LogLevel::Warn => LevelFilter::Warn,
        LogLevel::Error => LevelFilter::Error,
    });
    Ok(())
}

/// Reports panics as one line, in the log if there is one. Whoever catches a panic says what it cost.
pub(crate) fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or(payload.downcast_ref::<String>().map(String::as_str));
        let payload = text.unwrap_or("no message");
        let place = panic.location().map(ToString::to_string);
        let message = format!(
            "panicked at {}: {payload}; this is a bug, please report it",
            place.as_deref().unwrap_or("an unknown place")
        );
        if log::max_level() == LevelFilter::Off {
            // A closed standard error must not stop the program.
            let _ = writeln!(std::io::stderr(), "{message}");
        } else {
            log::error!("{message}");
        }
    }));
}

struct Logger {
    format: LogFormat,
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = line(self.format, Timestamp::now(), record);
            // One write for each line, so that threads do not mix theirs. A closed standard error must not stop the
            // metrics, and there is no other place to report it.
            let _ = std::io::stderr().lock().write_all(line.as_bytes());
        }
    }

    fn flush(&self) {}
}

/// Formats a record as a line, with its line feed.
fn line(format: LogFormat, now: Timestamp, record: &Record<'_>) -> String {
    let seconds = Duration::from_secs(u64::try_from(now.seconds()).unwrap_or(0));
    let now: SystemTime = UNIX_EPOCH + seconds + Duration::from_nanos(now.subsec_nanos().into());
    let time = humantime::format_rfc3339_millis(now).to_string();
    // In capitals, as alerts and searches for other exporters expect.
    let level = record.level().as_str();
    let message = record.args().to_string();
    let mut fields = Fields {
        format,
        line: String::with_capacity(128),
    };
    fields.text("time", &time);
    fields.text("level", level);
    fields.text("msg", &message);
    // Only the conversion of a value can fail, which then has no field: writing to a string does not.
    let _ = record.key_values().visit(&mut fields);
    fields.end()
}

/// An unfinished line.
struct Fields {
    format: LogFormat,
    line: String,
}

impl Fields {
    fn key(&mut self, key: &str) {
        match self.format {
            LogFormat::Logfmt => {
                if !self.line.is_empty() {
                    self.line.push(' ');
                }
                self.line.push_str(key);
                self.line.push('=');
            }
            LogFormat::Json => {
                self.line.push(if self.line.is_empty() { '{' } else { ',' });
                quote(&mut self.line, key);
                self.line.push(':');
            }
        }
    }

    fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        if self.format == LogFormat::Json || needs_quotes(value) {
            quote(&mut self.line, value);
        } else {
            self.line.push_str(value);
        }
    }

    /// Writes a number or a boolean, which have no quotes in both formats.
    fn bare(&mut self, key: &str, value: impl std::fmt::Display) {
        self.key(key);
        let _ = write!(self.line, "{value}");
    }

    fn end(mut self) -> String {
        if self.format == LogFormat::Json {
            self.line.push('}');
        }
        self.line.push('\n');
        self.line
    }
}

impl<'kvs> VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        value.visit(Field {
            key: key.as_str(),
            fields: self,
        })
    }
}

/// Writes a value by its type, so that numbers are numbers in JSON.
struct Field<'a> {
    key: &'a str,
    fields: &'a mut Fields,
}

impl<'v> VisitValue<'v> for Field<'_> {
    fn visit_any(&mut self, value: Value<'_>) -> Result<(), Error> {
        self.fields.text(self.key, &value.to_string());
        Ok(())
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), Error> {
        self.fields.bare(self.key, value);
        Ok(())
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), Error> {
        self.fields.bare(self.key, value);
        Ok(())
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), Error> {
        self.fields.bare(self.key, value);
        Ok(())
    }
}

/// True if a logfmt reader would misread the value without quotes.
fn needs_quotes(value: &str) -> bool {
    let special = |char: char| char.is_whitespace() || char.is_control() || "=\"\\".contains(char);
    value.is_empty() || value.contains(special)
}

/// Writes a string of JSON. Readers of logfmt know the same escapes.
fn quote(line: &mut String, value: &str) {
    line.push('"');
    for char in value.chars() {
        match char {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            // U+2028 and U+2029 end a line for some readers. Control characters are below 0x20, or 0x7f to 0x9f.
            _ if char.is_control() || matches!(char, '\u{2028}' | '\u{2029}') => {
                let _ = write!(line, "\\u{:04x}", u32::from(char));
            }
            _ => line.push(char),
        }
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use log::Level;

    use super::*;

    fn write(format: LogFormat, message: &str, values: &[(&str, Value<'_>)]) -> String {
        let now = Timestamp::new(1_795_376_400, 123_999_999);
        let mut record = Record::builder();
        record.level(Level::Info).key_values(&values);
        line(format, now, &record.args(format_args!("{message}")).build())
    }

    #[test]
    fn logfmt_quotes_only_what_needs_it() {
        let values = [
            ("address", Value::from("[::]:8000")),
            ("empty", Value::from("")),
            ("equal", Value::from("a=b")),
            ("number", Value::from(-5)),
            ("yes", Value::from(true)),
            ("half", Value::from(0.5)),
        ];
        assert_eq!(
            write(LogFormat::Logfmt, "Listening on", &values),
            "time=2026-11-22T19:40:00.123Z level=INFO msg=\"Listening on\" address=[::]:8000 \
             empty=\"\" equal=\"a=b\" number=-5 yes=true half=0.5\n"
        );
        assert_eq!(
            write(LogFormat::Logfmt, "Stopped", &[]),
            "time=2026-11-22T19:40:00.123Z level=INFO msg=Stopped\n"
        );
    }

    #[test]
    fn json_has_the_same_keys() {
        let values = [("address", Value::from("[::]:8000")), ("n", Value::from(5))];
        assert_eq!(
            write(LogFormat::Json, "Listening on", &values),
            "{\"time\":\"2026-11-22T19:40:00.123Z\",\"level\":\"INFO\",\"msg\":\"Listening on\",\
             \"address\":\"[::]:8000\",\"n\":5}\n"
        );
    }

    #[test]
    fn no_text_can_break_a_line_or_begin_a_field() {
        let ugly = "a\"b\\c\nd\r\te\u{1b}[31m\u{7f}\u{2028}é level=ERROR";
        for format in [LogFormat::Logfmt, LogFormat::Json] {
            let line = write(format, ugly, &[("ugly", Value::from(ugly))]);
            let breaks = line.chars().filter(|char| char.is_control()).count();
            assert_eq!(breaks, 1, "{line}");
            let quoted = r#""a\"b\\c\nd\r\te\u001b[31m\u007f\u2028é level=ERROR""#;
            assert_eq!(line.matches(quoted).count(), 2, "{line}");
        }
        let line = write(LogFormat::Json, ugly, &[("ugly", Value::from(ugly))]);
        let object: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(object["msg"], ugly);
        assert_eq!(object["ugly"], ugly);
    }
}
