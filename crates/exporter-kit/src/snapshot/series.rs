//! One series of a family at one time.

use std::fmt;

use crate::model::SeriesKeyBuf;
#[cfg(feature = "source")]
use crate::snapshot::heap_bytes;
use crate::snapshot::{OwnedSample, same_labels};

/// One series at one time.
#[derive(Clone)]
pub(crate) struct Series {
    pub(crate) key: SeriesKeyBuf,
    pub(crate) sample: OwnedSample,
}

#[cfg(feature = "source")]
impl Series {
    /// An estimate of its memory, in bytes.
    pub(crate) fn held_bytes(&self) -> usize {
        size_of::<Self>() + self.key.as_key().len() + heap_bytes(&self.sample.as_sample())
    }
}

impl PartialEq for Series {
    fn eq(&self, other: &Self) -> bool {
        let (own, others) = (self.key.as_key(), other.key.as_key());
        own.name() == others.name()
            && same_labels(own.labels(), others.labels())
            && self.sample == other.sample
    }
}

impl fmt::Debug for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{:?}",
            self.key.as_key().text(),
            self.sample.as_sample()
        )
    }
}
