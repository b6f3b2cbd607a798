//! The common part of all metric types: a series, and how a type makes and shows one.

use std::fmt;
use std::sync::Arc;

use crate::collect::{Collect, CollectError, Sink};
use crate::metric::setup::Settings;
use crate::model::{Descriptor, MetricType, SeriesKey, SeriesKeyBuf};
use crate::sync::atomic::{AtomicU32, Ordering};

/// A metric type of this library: [`Counter`](crate::Counter), [`Gauge`](crate::Gauge), [`IntGauge`](crate::IntGauge),
/// [`Histogram`](crate::Histogram), [`Summary`](crate::Summary) or [`StateSet`](crate::StateSet).
///
/// Sealed: use it in bounds. For other values, implement [`Collect`](crate::Collect).
pub trait Metric: Collect + sealed::Sealed + Clone + fmt::Debug + 'static {}

pub(crate) mod sealed {
    use super::{Arc, MetricType, SeriesCell, SeriesKey, Settings, Sink};

    pub trait Sealed: Sized {
        const TYPE: MetricType;
        /// The cell that recording writes.
        type Cell: Send + Sync;
        /// Memory that a scrape reuses for the next series.
        type Scratch: Default;

        fn cell(settings: &Settings) -> Self::Cell;
        fn from_series(series: Arc<SeriesCell<Self::Cell>>) -> Self;
        fn series(&self) -> &Arc<SeriesCell<Self::Cell>>;
        /// Passes the current value of the series and its key to the sink; returns whether the sink accepts more.
        fn show(
            series: &SeriesCell<Self::Cell>,
            head: SeriesKey<'_>,
            scratch: &mut Self::Scratch,
            sink: &mut dyn Sink,
        ) -> bool;
    }
}

/// Makes a series and the handle to it.
pub(crate) fn create<M: Metric>(shared: &Arc<SeriesCommon>) -> M {
    M::from_series(Arc::new(SeriesCell {
        stamp: AtomicU32::new(USED),
        cell: M::cell(&shared.settings),
        shared: Arc::clone(shared),
    }))
}

/// The common part of all series of one family.
#[derive(Debug)]
pub(crate) struct SeriesCommon {
    pub(crate) descriptor: Descriptor,
    pub(crate) settings: Settings,
    /// The complete key of a metric without labels of its own, if the registry adds labels.
    pub(crate) scoped_key: Option<SeriesKeyBuf>,
}

impl SeriesCommon {
    /// The complete key of a metric without labels of its own.
    #[inline]
    pub(crate) fn key(&self) -> SeriesKey<'_> {
        match &self.scoped_key {
            Some(key) => key.as_key(),
            None => self.descriptor.bare_key(),
        }
    }
}

/// One series: the cell that recording writes. Its key is stored elsewhere.
///
/// Field order: the stamp and a cell of one atomic share a cache line, because a scrape reads both.
#[derive(Debug)]
#[repr(C)]
pub struct SeriesCell<C> {
    /// [`USED`], [`REMOVED`], or the time of the last scrape that found it in use, in seconds since the creation of its
    /// family.
    stamp: AtomicU32,
    pub(crate) cell: C,
    pub(crate) shared: Arc<SeriesCommon>,
}

impl<C> SeriesCell<C> {
    #[inline]
    pub(crate) fn is_removed(&self) -> bool {
        self.stamp.load(Ordering::Relaxed) == REMOVED
    }

    /// Marks the series as removed from its family: handles still record, but scrapes do not show it.
    pub(crate) fn mark_removed(&self) {
        self.stamp.store(REMOVED, Ordering::Relaxed);
    }

    /// Marks the series as used, unless it has been removed meanwhile.
    #[inline]
    pub(crate) fn mark_used(&self) {
        let stamp = self.stamp.load(Ordering::Relaxed);
        if stamp != USED && stamp != REMOVED {
            // If the stamp has changed, a scrape has just set it, or the series has been removed.
            let _ = self
                .stamp
                .compare_exchange(stamp, USED, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Returns the seconds since the last use; a handle (`in_use`) and a look-up are uses.
    pub(crate) fn idle_seconds(&self, now: u32, in_use: bool) -> u32 {
        let stamp = self.stamp.load(Ordering::Relaxed);
        if stamp == REMOVED {
            return 0;
        }
        if in_use || stamp == USED {
            self.stamp.store(now.max(USED + 1), Ordering::Relaxed);
            return 0;
        }
        now.saturating_sub(stamp)
    }
}

/// A stamp: the series has been looked up since the last scrape.
const USED: u32 = 0;
const REMOVED: u32 = u32::MAX;

/// Shows a metric without labels as a family of one series.
pub(crate) fn collect_one<M: Metric>(metric: &M, sink: &mut dyn Sink) -> Result<(), CollectError> {
    let series = metric.series();
    let shared = &*series.shared;
    if sink.family(&shared.descriptor) {
        M::show(series, shared.key(), &mut M::Scratch::default(), sink);
    }
    Ok(())
}

/// Implements [`Metric`] and [`Collect`] for a tuple struct of one `Arc<SeriesCell<…>>`.
macro_rules! metric {
    ($metric:ident) => {
        impl crate::metric::series::Metric for $metric {}

        impl crate::collect::Collect for $metric {
            fn descriptors(&self) -> Vec<crate::model::Descriptor> {
                vec![self.0.shared.descriptor.clone()]
            }

            fn collect(
                &self,
                sink: &mut dyn crate::collect::Sink,
            ) -> Result<(), crate::collect::CollectError> {
                crate::metric::series::collect_one(self, sink)
            }

            fn never_waits(&self, _: crate::collect::Internal) -> bool {
                true
            }
        }

        impl std::fmt::Debug for $metric {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(
                    f,
                    concat!(stringify!($metric), "({})"),
                    self.0.shared.key().text().trim_end()
                )
            }
        }
    };
}
pub(crate) use metric;
