//! The series of one family by their label values: look-up, creation, limits, removal and order.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hashbrown::DefaultHashBuilder;

use crate::collect::Sink;
use crate::metric::recent::{self, FamilyId};
use crate::metric::series::{self, Metric, SeriesCommon};
use crate::metric::store::{Run, SeriesStore};
use crate::model::{Descriptor, LabelLayout, SeriesKey, render_key};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, OnceLock, RwLock, lock, read, write};

/// The limits of a family's memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FamilyLimits {
    /// The maximum number of series.
    pub(crate) series: usize,
    /// The time after which a scrape removes an unused series.
    pub(crate) idle: Option<Duration>,
}

/// The series of one family.
pub(super) struct FamilySeries<M, const N: usize> {
    id: FamilyId,
    shared: Arc<SeriesCommon>,
    /// Labels that the registry adds to every series, before the other labels.
    const_labels: Vec<(String, String)>,
    label_names: [Box<str>; N],
    layout: LabelLayout<N>,
    limits: FamilyLimits,
    made: Instant,
    refused: AtomicU64,
    hasher: DefaultHashBuilder,
    /// Locked only while finding, making or removing series.
    store: RwLock<SeriesStore<M>>,
    /// Locked by the scrape that puts the series in order. Only other scrapes wait for it.
    ordering: Mutex<()>,
    /// The series for recording beyond the limit; scrapes do not show it.
    nowhere: OnceLock<M>,
}

impl<M: Metric, const N: usize> FamilySeries<M, N> {
    /// Invariant: the validator has accepted the names.
    pub(super) fn new(
        shared: Arc<SeriesCommon>,
        const_labels: Vec<(String, String)>,
        labels: [&str; N],
        limits: FamilyLimits,
    ) -> Self {
        Self {
            id: FamilyId::next(),
            layout: LabelLayout::new(shared.descriptor.name(), &const_labels, labels),
            nowhere: OnceLock::new(),
            shared,
            const_labels,
            label_names: labels.map(Into::into),
            limits,
            made: Instant::now(),
            refused: AtomicU64::new(0),
            hasher: DefaultHashBuilder::default(),
            store: RwLock::new(SeriesStore::new()),
            ordering: Mutex::new(()),
        }
    }

    pub(super) fn descriptor(&self) -> &Descriptor {
        &self.shared.descriptor
    }

    pub(super) fn label_names(&self) -> &[Box<str>; N] {
        &self.label_names
    }

    /// Returns the number of recordings beyond the limit.
    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub(super) fn len(&self) -> usize {
        read(&self.store).len()
    }

    /// Calls `update` with the series with these values; makes it at its first use.
    #[inline]
    pub(super) fn update<T>(&self, values: &[&str; N], update: impl FnOnce(&M) -> T) -> T {
        let hash = self.hash(values);
        // A remembered series is a handle, so a series with an idle limit would always seem to be in use.
        let remembers = recent::REMEMBERS && self.limits.idle.is_none();
        let mut update = Some(update);
        if remembers {
            let found = recent::find(self.id, hash, values, |series| {
                update.take().map(|update| update(series))
            });
            if let Some(Some(result)) = found {
                return result;
            }
        }
        let series = self.find_or_create(hash, values, remembers);
        match update {
            Some(update) => update(&series),
            None => unreachable!("it is taken only to be called"),
        }
    }

    /// Removes the series with these values; returns whether it existed.
    pub(super) fn remove(&self, values: &[&str; N]) -> bool {
        let hash = self.hash(values);
        let is = |head: &str, escaped| self.layout.has_values(head, escaped, values);
        write(&self.store).remove(hash, is)
    }

    /// Removes every series whose key `unwanted` accepts; returns their number.
    pub(super) fn remove_if(&self, unwanted: impl Fn(SeriesKey<'_>) -> bool) -> usize {
        write(&self.store).remove_if(|_, rest| unwanted(self.layout.key(rest)))
    }

    /// Shows the series in order, without those idle for too long.
    pub(super) fn show(&self, sink: &mut dyn Sink) {
        let mut scratch = M::Scratch::default();
        let ordered = self.ordered();
        // Only with a limit, because reading the clock takes as long as showing two series.
        if let Some(limit) = self.limits.idle {
            let now = self.made.elapsed().as_secs();
            let now = u32::try_from(now).unwrap_or(u32::MAX - 1);
            self.remove_idle(limit, now);
        }
        ordered.walk(|rest, metric| {
            let head = self.layout.key(rest);
            M::show(metric.series(), head, &mut scratch, sink)
        });
    }
    #[inline]
    fn hash(&self, values: &[&str; N]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        for value in values {
            // `str` hashes with a terminator, so ["ab", "c"] and ["a", "bc"] differ.
            value.hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Returns the hash of the label values in the rest of a series key.
    fn hash_of(&self, head: &str) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        for value in self.layout.values(head) {
            value.hash(&mut hasher);
        }
        hasher.finish()
    }

    fn find_or_create(&self, hash: u64, values: &[&str; N], remember: bool) -> M {
        let Some(series) = self
            .find(hash, values)
            .or_else(|| self.create(hash, values))
        else {
            return self.refuse(values);
        };
        if remember {
            recent::keep(self.id, hash, values, &series);
        }
        series
    }

    fn find(&self, hash: u64, values: &[&str; N]) -> Option<M> {
        let store = read(&self.store);
        let is = |head: &str, escaped| self.layout.has_values(head, escaped, values);
        let series = store.find(hash, is)?;
        if self.limits.idle.is_some() {
            // Under the lock, which removal also takes: a removed series must not seem used.
            series.series().mark_used();
        }
        Some(series.clone())
    }

    /// Makes the series; returns `None` beyond the limit.
    #[cold]
    fn create(&self, hash: u64, values: &[&str; N]) -> Option<M> {
        let mut store = write(&self.store);
        // Another thread may have made it since the look-up.
        let is = |head: &str, escaped| self.layout.has_values(head, escaped, values);
        if let Some(series) = store.find(hash, is) {
            return Some(series.clone());
        }
        if store.len() >= self.limits.series {
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
        let mut head = String::new();
        render_key(&mut head, self.shared.descriptor.name(), labels);
        let series: M = series::create(&self.shared);
        let own = self.layout.rest_of(&head);
        store.push(hash, own, series.clone(), |head| self.hash_of(head));
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
        let create = || series::create(&self.shared);
        self.nowhere.get_or_init(create).clone()
    }

    /// Removes series unused for `limit`, `now` seconds after the family was made.
    fn remove_idle(&self, limit: Duration, now: u32) {
        let limit = u32::try_from(limit.as_secs()).unwrap_or(u32::MAX);
        // The lock prevents look-ups, and so new handles. The store itself holds one handle of each series.
        write(&self.store).remove_if(|series, _| {
            let in_use = Arc::strong_count(series.series()) > 1;
            series.series().idle_seconds(now, in_use) >= limit.max(1)
        });
    }

    /// Returns the series in order. The lock is already released when the caller uses them.
    fn ordered(&self) -> Arc<Run<M>> {
        let _turn = lock(&self.ordering);
        let in_order = read(&self.store).in_order();
        let disorder = match in_order {
            Ok(run) => return run,
            Err(disorder) => disorder,
        };
        let hash_of = |head: &str| self.hash_of(head);
        let merged = disorder.merge(hash_of);
        let outdated = write(&self.store).settle(disorder, merged, hash_of);
        let (merged, rehoused) = outdated.reuse();
        write(&self.store).rehouse(&merged, &rehoused);
        rehoused
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::{Counter, Gauge, Registry};

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
            family.inner.remove_idle(Duration::from_secs(10), now);
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
        assert!(read(&family.inner.store).held() < 100);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_scrape_shows_what_is_there_in_order(steps in vec((0..6u32, 0..400usize), 0..1500)) {
            let registry = Registry::new();
            let family = registry.add(Gauge::define("g", "h").labels(["l"])).unwrap();
            let label = |n: usize| format!("{n:0width$}\"", width = 1 + n % 90);
            let mut expected = BTreeMap::new();
            let mut scraped = 0;
            for (i, (step, n)) in steps.iter().enumerate() {
                let value = label(*n);
                match step {
                    0 => {
                        let was = expected.remove(&escaped(&value)).is_some();
                        prop_assert_eq!(family.remove([&value]), was);
                    }
                    1 if n % 50 == 0 => {
                        let removed = family.remove_matching(&[("l", &value)]);
                        prop_assert_eq!(removed, usize::from(expected.remove(&escaped(&value)).is_some()));
                    }
                    2 if n % 100 == 0 => {
                        family.clear();
                        expected.clear();
                    }
                    3 if n % 20 == 0 => {
                        scraped += 1;
                        check(&registry, &expected)?;
                    }
                    _ => {
                        family.with([&value]).set(i);
                        expected.insert(escaped(&value), i);
                    }
                }
                prop_assert_eq!(family.len(), expected.len());
            }
            check(&registry, &expected)?;
            prop_assert!(read(&family.inner.store).held() <= 3 * expected.len() + 65 || scraped == 0);
        }
    }

    fn escaped(value: &str) -> String {
        value.replace('"', "\\\"")
    }

    fn check(registry: &Registry, expected: &BTreeMap<String, usize>) -> Result<(), TestCaseError> {
        let text = registry.to_text();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let expected = expected.iter();
        let expected: Vec<_> = expected
            .map(|(label, value)| format!("g{{l=\"{label}\"}} {value}.0"))
            .collect();
        prop_assert_eq!(lines, expected);
        Ok(())
    }
}
