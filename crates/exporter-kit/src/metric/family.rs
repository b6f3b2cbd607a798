//! Families: the series of one metric by their label values.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::collect::{Collect, CollectError, Sink};
use crate::metric::recent::{self, FamilyId};
use crate::metric::series::{self, Instrument, Shared};
use crate::model::{Descriptor, HeadBuf, LabelLayout};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, RwLock, lock, read, write};

/// A metric with `N` labels: one series for each set of label values.
///
/// [`with`](Self::with) gives the series' handle, which can be kept: looking up costs a hash, recording
/// through a kept handle does not. Handles are no lock guards; holding any number of them blocks nothing.
///
/// ```
/// use exporter_kit::{Counter, Registry};
///
/// let registry = Registry::new();
/// let requests = registry.add(Counter::define("requests_total", "Requests served.").labels(["method", "status"]))?;
/// requests.with(["GET", "200"]).inc();
/// let created = requests.with(["POST", "201"]);
/// created.inc_by(3);
/// assert!(registry.to_text().contains("requests_total{method=\"POST\",status=\"201\"} 3.0\n"));
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
///
/// When to use it, what a scrape shows and what to look out for: [its page](crate::docs::family).
pub struct Family<M: Instrument, const N: usize> {
    inner: Arc<Inner<M, N>>,
}

struct Inner<M, const N: usize> {
    id: FamilyId,
    shared: Arc<Shared>,
    /// Labels that the registry gives to every series; they stand first.
    const_labels: Vec<(String, String)>,
    label_names: [Box<str>; N],
    layout: LabelLayout<N>,
    limits: FamilyLimits,
    made: Instant,
    refused: AtomicU64,
    hasher: DefaultHashBuilder,
    index: RwLock<HashTable<M>>,
    /// Series made since the last scrape. Held for a push or a swap only.
    pending: Mutex<Vec<M>>,
    /// Series in the order of their heads, as the last scrape left them. Only scrapes wait for it.
    ordered: Mutex<Ordered<M>>,
    /// How many series have been removed.
    removals: AtomicU64,
    /// Where recording goes past the limit: a series that is shown nowhere.
    nowhere: M,
}

/// What keeps a family's memory bounded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FamilyLimits {
    /// The most series at once.
    pub(crate) series: usize,
    /// How long a series stays that nobody uses.
    pub(crate) idle: Option<Duration>,
}

struct Ordered<M> {
    series: Arc<Vec<M>>,
    /// How often something had been removed when `series` was made.
    removals: u64,
}

impl<M: Instrument, const N: usize> Clone for Family<M, N> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<M: Instrument, const N: usize> fmt::Debug for Family<M, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Family")
            .field("name", &self.inner.shared.descriptor.name())
            .field("labels", &self.inner.label_names)
            .finish_non_exhaustive()
    }
}

impl<M: Instrument, const N: usize> Family<M, N> {
    /// Invariant: the names have passed the validator.
    pub(crate) fn new(
        shared: Arc<Shared>,
        const_labels: Vec<(String, String)>,
        labels: [&str; N],
        limits: FamilyLimits,
    ) -> Self {
        let nowhere: M = series::create(
            &shared,
            HeadBuf::new(shared.descriptor.name(), std::iter::empty()),
        );
        let layout = LabelLayout::new(shared.descriptor.name(), &const_labels, labels);
        let inner = Inner {
            id: FamilyId::next(),
            layout,
            shared,
            const_labels,
            label_names: labels.map(Into::into),
            limits,
            made: Instant::now(),
            refused: AtomicU64::new(0),
            hasher: DefaultHashBuilder::default(),
            index: RwLock::new(HashTable::new()),
            pending: Mutex::new(Vec::new()),
            ordered: Mutex::new(Ordered {
                series: Arc::new(Vec::new()),
                removals: 0,
            }),
            removals: AtomicU64::new(0),
            nowhere,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The series with these label values, in the order of the label names; made if it is not there yet.
    ///
    /// Any text is a label value. Past the family's limit a series that nobody sees is given instead.
    #[inline]
    pub fn with(&self, values: [&str; N]) -> M {
        self.update(values, M::clone)
    }

    /// Does something with the series with these label values, without making a handle of it: the fastest way
    /// to record where the values are different each time.
    ///
    /// ```
    /// use exporter_kit::{Counter, Registry};
    ///
    /// let registry = Registry::new();
    /// let requests = registry.add(Counter::define("requests_total", "Requests served.").labels(["path"]))?;
    /// requests.update(["/"], Counter::inc);
    /// requests.update(["/"], |requests| requests.inc_by(2));
    /// assert_eq!(requests.with(["/"]).get(), 3.0);
    /// # Ok::<(), exporter_kit::RegisterError>(())
    /// ```
    #[inline]
    pub fn update<T>(&self, values: [&str; N], update: impl FnOnce(&M) -> T) -> T {
        let inner = &*self.inner;
        let hash = inner.hash(&values);
        // What a thread remembers is a handle: a series with an idle limit would seem to be in use for ever.
        let remembers = recent::REMEMBERS && inner.limits.idle.is_none();
        let mut update = Some(update);
        if remembers {
            let found = recent::find(
                inner.id,
                hash,
                |series| inner.is(series, &values),
                |series| update.take().map(|update| update(series)),
            );
            if let Some(Some(result)) = found {
                return result;
            }
        }
        let series = inner.find_or_create(hash, &values, remembers);
        match update {
            Some(update) => update(&series),
            None => unreachable!("it is taken only to be called"),
        }
    }

    /// Removes the series with these label values; says whether it was there. Handles of it go on
    /// recording, but nobody sees it; the same values asked for again begin a new series.
    pub fn remove(&self, values: [&str; N]) -> bool {
        let hash = self.inner.hash(&values);
        let mut index = write(&self.inner.index);
        let found = index.find_entry(hash, |series| self.inner.is(series, &values));
        let Ok(entry) = found else { return false };
        let (series, _) = entry.remove();
        self.inner.forget(&[series]);
        true
    }

    /// Removes every series that has all of these labels, given as name and value; says how many there were.
    ///
    /// ```
    /// use exporter_kit::{Gauge, Registry};
    ///
    /// let registry = Registry::new();
    /// let free = registry.add(Gauge::define("disk_free_bytes", "Free space.").labels(["host", "disk"]))?;
    /// for disk in ["sda", "sdb"] {
    ///     free.with(["web1", disk]).set(1);
    /// }
    /// free.with(["web2", "sda"]).set(2);
    /// assert_eq!(free.remove_matching(&[("host", "web1")]), 2);
    /// assert_eq!(free.len(), 1);
    /// # Ok::<(), exporter_kit::RegisterError>(())
    /// ```
    pub fn remove_matching(&self, labels: &[(&str, &str)]) -> usize {
        self.inner.remove_if(|series| {
            let head = series.series().head();
            labels.iter().all(|wanted| {
                head.labels()
                    .any(|(name, value)| (&*name, &*value) == *wanted)
            })
        })
    }

    /// Removes every series.
    pub fn clear(&self) {
        self.inner.remove_if(|_| true);
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        read(&self.inner.index).len()
    }

    /// Whether there is no series.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<M: Instrument, const N: usize> Inner<M, N> {
    #[inline]
    fn hash(&self, values: &[&str; N]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        for value in values {
            // `str` hashes with a terminator, so ["ab", "c"] and ["a", "bc"] differ.
            value.hash(&mut hasher);
        }
        hasher.finish()
    }

    fn hash_of(&self, series: &M) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        for (_, value) in series
            .series()
            .head()
            .labels()
            .skip(self.const_labels.len())
        {
            value.hash(&mut hasher);
        }
        hasher.finish()
    }

    #[inline]
    fn is(&self, series: &M, values: &[&str; N]) -> bool {
        series.series().has_label_values(&self.layout, values)
    }

    fn find_or_create(&self, hash: u64, values: &[&str; N], remember: bool) -> M {
        let Some(series) = self
            .find(hash, values)
            .or_else(|| self.create(hash, values))
        else {
            return self.refuse(values);
        };
        if remember {
            recent::keep(self.id, hash, &series);
        }
        series
    }

    fn find(&self, hash: u64, values: &[&str; N]) -> Option<M> {
        let index = read(&self.index);
        let series = index.find(hash, |series| self.is(series, values))?;
        if self.limits.idle.is_some() {
            // Under the lock, under which nobody can remove it: a removed series must not seem used.
            series.series().mark_used();
        }
        Some(series.clone())
    }

    /// Makes the series; `None` past the limit.
    #[cold]
    fn create(&self, hash: u64, values: &[&str; N]) -> Option<M> {
        let mut index = write(&self.index);
        // Another thread may have made it since the look-up.
        if let Some(series) = index.find(hash, |series| self.is(series, values)) {
            return Some(series.clone());
        }
        if index.len() >= self.limits.series {
            return None;
        }
        let own = self
            .label_names
            .iter()
            .map(|name| &**name)
            .zip(values.iter().copied());
        let labels = self
            .const_labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .chain(own);
        let series: M = series::create(
            &self.shared,
            HeadBuf::new(self.shared.descriptor.name(), labels),
        );
        index.insert_unique(hash, series.clone(), |series| self.hash_of(series));
        let mut pending = lock(&self.pending);
        // Where series come and go and nobody scrapes, the removed ones must not pile up here.
        if pending.len() > 2 * index.len() + 64 {
            pending.retain(|series| !series.series().is_removed());
        }
        pending.push(series.clone());
        Some(series)
    }

    #[cold]
    fn refuse(&self, values: &[&str; N]) -> M {
        if self.refused.fetch_add(1, Ordering::Relaxed) == 0 {
            log::warn!(
                "family `{}` has reached its limit of {} series; what is recorded for others, first {:?}, is shown \
                 nowhere; raise the limit, or use fewer label values",
                self.shared.descriptor.name(),
                self.limits.series,
                values,
            );
        }
        self.nowhere.clone()
    }

    fn remove_if(&self, mut unwanted: impl FnMut(&M) -> bool) -> usize {
        let removed: Vec<M> = write(&self.index)
            .extract_if(|series| unwanted(series))
            .collect();
        self.forget(&removed);
        removed.len()
    }

    fn forget(&self, removed: &[M]) {
        for series in removed {
            series.series().mark_removed();
        }
        self.removals
            .fetch_add(removed.len() as u64, Ordering::Relaxed);
    }

    /// Removes what nobody has used for the idle limit, `now` seconds after the family was made.
    fn remove_idle(&self, now: u32) {
        let Some(limit) = self.limits.idle else {
            return;
        };
        let limit = u32::try_from(limit.as_secs()).unwrap_or(u32::MAX);
        // Under the index's lock nobody can be given a handle. The index and the ordered list hold one each.
        self.remove_if(|series| {
            let in_use = Arc::strong_count(series.series()) > 2;
            series.series().idle_seconds(now, in_use) >= limit.max(1)
        });
    }

    /// The series in order. The locks are given back before anything is done with them.
    fn ordered(&self) -> Arc<Vec<M>> {
        let mut ordered = lock(&self.ordered);
        let removals = self.removals.load(Ordering::Relaxed);
        let pending = std::mem::take(&mut *lock(&self.pending));
        if !pending.is_empty() || ordered.removals != removals {
            let series = Arc::make_mut(&mut ordered.series);
            series.extend(pending);
            series.retain(|series| !series.series().is_removed());
            series.sort_by(|a, b| a.series().head().text().cmp(b.series().head().text()));
            ordered.removals = removals;
        }
        Arc::clone(&ordered.series)
    }
}

impl<M: Instrument, const N: usize> Collect for Family<M, N> {
    fn descriptors(&self) -> Vec<Descriptor> {
        vec![self.inner.shared.descriptor.clone()]
    }

    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        if sink.family(&self.inner.shared.descriptor) {
            let mut scratch = M::Scratch::default();
            let ordered = self.inner.ordered();
            self.inner.remove_idle(
                u32::try_from(self.inner.made.elapsed().as_secs()).unwrap_or(u32::MAX - 1),
            );
            for metric in ordered.iter() {
                let series = metric.series();
                if !series.is_removed() && !M::show(series, &mut scratch, sink) {
                    break;
                }
            }
        }
        Ok(())
    }

    fn refused(&self) -> u64 {
        self.inner.refused.load(Ordering::Relaxed)
    }

    fn streams(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Counter, Registry};

    #[test]
    fn an_idle_series_goes_and_one_in_use_stays() {
        let registry = Registry::new();
        let definition = Counter::define("c_total", "h")
            .labels(["l"])
            .idle_limit(Duration::from_secs(10));
        let family = registry.add(definition).unwrap();
        let held = family.with(["held"]);
        family.with(["asked for"]).inc();
        family.with(["idle"]).inc();
        let scrape_at = |now| {
            family.inner.ordered();
            family.inner.remove_idle(now);
            family.len()
        };
        assert_eq!(scrape_at(1), 3);
        family.with(["asked for"]).inc();
        assert_eq!(scrape_at(10), 3);
        assert_eq!(scrape_at(12), 2);
        held.inc();
        assert_eq!(scrape_at(30), 1);
        drop(held);
        assert_eq!(scrape_at(31), 1);
        assert_eq!(scrape_at(41), 0);
    }

    #[test]
    fn series_that_come_and_go_unscraped_take_no_memory() {
        let family = Registry::new()
            .add(Counter::define("c_total", "h").labels(["l"]))
            .unwrap();
        for i in 0..10_000 {
            let value = i.to_string();
            family.with([&value]).inc();
            assert!(family.remove([&value]));
        }
        assert!(lock(&family.inner.pending).len() < 100);
    }
}
