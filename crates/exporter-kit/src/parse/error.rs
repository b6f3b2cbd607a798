//! The error for a rejected exposition: place, text, rule and remedy.

use std::fmt;

/// A rejected exposition: the place, the text there, and the broken rule.
///
/// The message begins with `line 3, column 14: `, followed by the text, the rule and the remedy.
#[derive(Clone, PartialEq, Eq)]
pub struct ParseError {
    line: usize,
    column: usize,
    found: Box<str>,
    kind: ParseErrorKind,
}

/// The largest number of characters that an error quotes.
const FOUND_CHARS: usize = 60;

impl ParseError {
    /// `before` is the text before the fault on its line.
    pub(crate) fn new(line: usize, before: &str, found: &str, kind: ParseErrorKind) -> Self {
        Self {
            line,
            column: before.chars().count() + 1,
            found: found.chars().take(FOUND_CHARS).collect::<String>().into(),
            kind,
        }
    }

    /// The line, from 1. If a family or series lacks something, its last line.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in characters, from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// The offending text, unescaped, at most 60 characters of it.
    pub fn found(&self) -> &str {
        &self.found
    }

    /// The broken rule.
    pub fn kind(&self) -> ParseErrorKind {
        self.kind
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: ", self.line, self.column)?;
        if !self.found.is_empty() {
            write!(f, "`{}`: ", self.found.escape_debug())?;
        }
        f.write_str(self.kind.reason())
    }
}

crate::error::debug_by_display!(ParseError);

impl std::error::Error for ParseError {}

impl ParseErrorKind {
    /// Returns whether the rule concerns the value of a sample, not the whole sample.
    pub(crate) fn is_about_value(self) -> bool {
        matches!(
            self,
            Self::NotACount
                | Self::NotWhole
                | Self::InfoValue
                | Self::StateValue
                | Self::Timestamp
                | Self::BucketCount
                | Self::NegativeQuantile
        )
    }
}

macro_rules! rules {
    ($($(#[$doc:meta])+ $name:ident => $reason:literal,)+) => {
        /// A rule of the formats that an exposition can break.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ParseErrorKind {
            $($(#[$doc])+ $name,)+
        }

        impl ParseErrorKind {
            /// The rule and the remedy.
            pub const fn reason(self) -> &'static str {
                match self {
                    $(Self::$name => $reason,)+
                }
            }
        }
    };
}

rules! {
    /// Bytes that are not UTF-8.
    NotUtf8 => "an exposition is UTF-8; encode the text, or replace these bytes",
    /// A byte order mark at the beginning.
    ByteOrderMark => "an exposition begins without a byte order mark; remove it",
    /// A last line without a line feed.
    NoLineFeed => "every line ends with a line feed, the last one too; append one",
    /// A line that ends in a carriage return.
    CarriageReturn => "lines end with a line feed alone, but this one has a carriage return before it; convert the line ends from CRLF to LF",
    /// A blank line in OpenMetrics.
    BlankLine => "OpenMetrics has no blank lines; remove it",
    /// No `# EOF`.
    NoEof => "the last line `# EOF` is missing, so the exposition may be cut off; send all of it, or append `# EOF`",
    /// Something after `# EOF`.
    AfterEof => "`# EOF` is the last line; remove the lines behind it, or move `# EOF` to the end",
    /// A `#` line that is not metadata.
    Comment => "a line with `#` is `# HELP name text`, `# TYPE name type`, `# UNIT name unit` or `# EOF`, with single spaces; remove other comments",
    /// A metric name with an invalid character.
    MetricName => "a metric name is made of ASCII letters, digits, `_` and `:` and does not begin with a digit; rename it, or write another name in quotes: `{\"name\"}`",
    /// A missing metric name.
    NoMetricName => "a sample begins with its name, or with the quoted name in the braces; write one",
    /// Two metric names.
    SecondMetricName => "a sample has one name; add `=` and a value behind the text in quotes, or remove it",
    /// A label name with an invalid character.
    LabelName => "a label name is made of ASCII letters, digits and `_` and does not begin with a digit; rename it, or write another name in quotes",
    /// A label name that is reserved for Prometheus.
    ReservedLabel => "label names that begin with `__` are reserved for Prometheus; rename it",
    /// A label that is reserved for the samples of the type.
    TypeLabel => "this label belongs to the buckets, quantiles or states of the type; rename it",
    /// A duplicate label.
    DuplicateLabel => "a label set has each label name once; drop or rename one of the two",
    /// No `=` after a label name.
    NoEquals => "a label is `name=\"value\"`; write `=` here",
    /// No `"` before a label value.
    NoQuote => "a label value is in double quotes; write `\"` here",
    /// A quote that is not closed on its line.
    OpenQuote => "the quote is not closed on this line; close it, and write a line feed in it as `\\n`",
    /// An escape that the format does not define.
    Escape => "the escapes are `\\\\`, `\\n` and in quotes `\\\"`; write a backslash as `\\\\`",
    /// Neither `,` nor `}` after a label.
    NoComma => "after a label comes `,` and the next one, or `}`",
    /// A missing space.
    NoSpace => "a single space separates name, value, timestamp and exemplar; write one here",
    /// A value that is not a number.
    Number => "a value is a decimal number, `+Inf`, `-Inf` or `NaN`; write one",
    /// A value beyond the range of a 64-bit floating-point number.
    OutOfRange => "a value is a 64-bit floating-point number, at most 1.8e308; correct it, or write `+Inf`",
    /// A timestamp that is not a number.
    Timestamp => "a timestamp is a number of seconds since 1970, decimals allowed; correct it, or leave it out",
    /// A timestamp of the text format that is not an integer.
    TimestampMillis => "a timestamp is an integer of milliseconds since 1970; correct it, or leave it out",
    /// Something after the end of a sample.
    Trailing => "there is text behind the end of the sample; remove it",
    /// An invalid exemplar.
    Exemplar => "an exemplar is ` # {labels} value` and perhaps ` timestamp`, with single spaces; complete or remove it",
    /// An exemplar with too many characters.
    ExemplarLength => "the label names and values of an exemplar have at most 128 characters together; shorten them",
    /// An exemplar where none is allowed.
    ExemplarPlace => "only the total of a counter and the buckets of a histogram have exemplars; remove it",
    /// An unknown type.
    Type => "this is not one of the format's types; name one of them, or leave the line out",
    /// A known type in other letters or with blanks behind it.
    TypeWord => "Prometheus knows the types `counter`, `gauge`, `histogram`, `summary` and `untyped` (in OpenMetrics `unknown` and others), in small letters and without blanks behind them; write one of these",
    /// A sample of a family whose `# TYPE` line is wrong.
    TypeOfSample => "the type of its family is not one of the format's types; correct the `# TYPE` line",
    /// A second `# TYPE`, or one after samples in the text format.
    SecondType => "a family has one `# TYPE` line, before its samples; remove or move this one",
    /// A second `# HELP`.
    SecondHelp => "a family has one `# HELP` line; remove this one",
    /// A second `# UNIT`.
    SecondUnit => "a family has one `# UNIT` line; remove this one",
    /// Metadata after samples.
    LateMetadata => "metadata comes before the samples of its family; move it up",
    /// A unit that the name does not end in.
    Unit => "a family's name ends in `_` and its unit; append the unit to the name, or remove the `# UNIT` line",
    /// A unit of an info or a state set.
    UnitOfType => "info and state set families have no unit; remove the `# UNIT` line",
    /// Two families with the same name, or samples of the same name.
    Clash => "another family has this name, or samples of this name; put the lines of one family together, or rename it",
    /// A series that begins again.
    Interleaved => "this series began on an earlier line; put its lines together",
    /// A duplicate sample.
    Duplicate => "the same sample comes twice; remove one, or give both rising timestamps",
    /// Samples with and without timestamp in one series.
    MixedTimestamps => "all samples of a series have a timestamp, or none has; add or remove it",
    /// Falling timestamps.
    Backwards => "the timestamps of a series rise; sort its samples",
    /// A sample that the type does not define.
    SampleOfType => "the family's type has no such sample; check the suffix of its name",
    /// A bucket without a usable `le`.
    Le => "a bucket has a label `le` with its upper bound, a number or `+Inf`; add or correct it",
    /// A quantile sample without a usable `quantile`.
    Quantile => "a sample of a summary has a label `quantile` with a number from 0 to 1; add or correct it, or name it `_sum` or `_count`",
    /// A state without its label.
    State => "a sample of a state set has a label with the family's name that names the state; add it",
    /// A state that is neither on nor off.
    StateValue => "a state is 0 or 1",
    /// An info that is not 1.
    InfoValue => "the value of an info is 1",
    /// A counter that is negative or NaN.
    NotACount => "the value of a counter is not negative and not NaN; correct it, or make it a gauge",
    /// A count that is not an integer, or too large.
    NotWhole => "a count is an integer below 2^64; round it",
    /// A quantile that is negative.
    NegativeQuantile => "the quantiles of a summary are not negative; use a gauge for values that can be",
    /// Bounds that do not rise.
    BucketOrder => "buckets come in the order of their bounds, each once; sort them",
    /// A cumulative count that falls.
    BucketCount => "the counts of buckets are cumulative and never fall from one bound to the next; add them up",
    /// No last bucket.
    NoInfBucket => "a histogram's last bucket is `le=\"+Inf\"`; add it",
    /// A count that differs from the last bucket's.
    CountMismatch => "the count equals the `+Inf` bucket; correct one of them",
    /// A sum without a count.
    SumWithoutCount => "a histogram with a sum has a count as well; add it",
    /// A count without a sum.
    CountWithoutSum => "a histogram with a count has a sum as well; add it, or remove the count",
    /// A sum although observations can be negative.
    SumOfNegative => "a histogram with negative buckets has no sum, because it could fall; remove sum and count",
    /// A negative sum without negative buckets.
    NegativeSum => "without negative buckets the sum is not negative; correct it",
    /// A created time without other samples.
    NoTotal => "a counter has a `_total`; add it",
}
