//! The vocabulary of an exposition: metric type, descriptor, head, number, point.
//!
//! Nothing here records (that is `metric`) and nothing here writes a format (that is `encode`).

mod descriptor;
mod exemplar;
mod head;
mod metric_type;
mod number;
mod point;
mod timestamp;

pub use descriptor::Descriptor;
pub use exemplar::{EXEMPLAR_MAX_CHARS, Exemplar, ExemplarError};
pub use head::{Head, Labels};
pub use metric_type::MetricType;
pub use number::{IntoNumber, Number};
pub use point::{HistogramError, HistogramValue, NativeBuckets, Point, SummaryValue, Value};
pub use timestamp::Timestamp;

pub(crate) use head::{
    HeadBuf, LabelLayout, check_labels, equal_bytes, render_head, render_labels,
};
