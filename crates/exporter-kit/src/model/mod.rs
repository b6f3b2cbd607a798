//! The vocabulary of an exposition: metric type, descriptor, series, number, sample.
//!
//! Recording belongs to `metric`, formats belong to `encode`.

pub(crate) mod decimal;
mod descriptor;
pub(crate) mod escape;
mod exemplar;
pub(crate) mod header;
mod label_layout;
mod metric_type;
mod number;
mod sample;
mod series_key;
mod timestamp;

pub use descriptor::Descriptor;
pub use exemplar::{EXEMPLAR_MAX_CHARS, Exemplar, ExemplarError};
pub use metric_type::MetricType;
pub use number::{IntoNumber, Number};
pub use sample::{HistogramError, HistogramValue, NativeBuckets, Sample, SummaryValue, Value};
pub use series_key::{Labels, SeriesKey};
pub use timestamp::Timestamp;

pub(crate) use descriptor::Composition;
pub(crate) use label_layout::{LabelLayout, equal_bytes};
pub(crate) use series_key::{SeriesKeyBuf, check_labels, render_key, render_labels};
