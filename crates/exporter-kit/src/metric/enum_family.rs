//! Families with label values known at compile time. An index finds the series, without hashing.

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use crate::collect::{Collect, CollectError, Scope, Sink};
use crate::metric::definition::{Defined, Definition, DefinitionError};
use crate::metric::series::{self, Metric, SeriesCommon};
use crate::metric::statics::Static;
use crate::model::{Descriptor, MetricType, SeriesKeyBuf};
use crate::name;

/// A type whose values are label values. [`label_enum!`](crate::label_enum) generates one; `bool` also is one.
pub trait LabelEnum: Copy + Send + Sync + 'static {
    /// The label values, without duplicates.
    const VALUES: &'static [&'static str];

    /// Returns the position of this value's label value in [`VALUES`](Self::VALUES).
    fn index(self) -> usize;
}

impl LabelEnum for bool {
    const VALUES: &'static [&'static str] = &["false", "true"];

    #[inline]
    fn index(self) -> usize {
        usize::from(self)
    }
}

/// Defines an enum whose values are label values.
///
/// ```
/// use exporter_kit::{Counter, EnumFamily, Registry, label_enum};
///
/// label_enum! {
///     /// How a request was made.
///     pub enum Method { Get = "GET", Post = "POST" }
/// }
///
/// let registry = Registry::new();
/// let requests: EnumFamily<Counter, (Method, bool)> = registry.add(
///     Counter::define("requests_total", "Requests served.").enum_labels(["method", "cached"]),
/// )?;
/// requests.with((Method::Get, true)).inc();
/// assert!(registry.to_text().contains("requests_total{method=\"GET\",cached=\"true\"} 1.0\n"));
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
///
/// Two values with the same label value are a compile error, once the enum is a label of a family:
///
/// ```compile_fail,E0080
/// use exporter_kit::{Counter, EnumFamily, Static, label_enum};
///
/// label_enum! {
///     enum Method { Get = "GET", Head = "GET" }
/// }
///
/// // error: a label enum has one label value twice; give each value its own
/// static REQUESTS: Static<EnumFamily<Counter, Method>> =
///     Counter::define("requests_total", "Requests served.").enum_labels(["method"]).fixed();
/// ```
#[macro_export]
macro_rules! label_enum {
    ($(#[$attribute:meta])* $visibility:vis enum $name:ident {
        $($(#[$variant_attribute:meta])* $variant:ident = $value:literal),+ $(,)?
    }) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        $visibility enum $name { $($(#[$variant_attribute])* #[doc = concat!("`", $value, "`")] $variant),+ }

        impl $crate::LabelEnum for $name {
            const VALUES: &'static [&'static str] = &[$($value),+];

            #[inline]
            fn index(self) -> usize {
                self as usize
            }
        }
    };
}

/// The maximum number of labels of an [`EnumFamily`].
const MAX_LABELS: usize = 4;

/// A [`LabelEnum`], or a tuple of one to four. Sealed.
pub trait EnumLabels: tuple::Tuple {}

impl<L: tuple::Tuple> EnumLabels for L {}

mod tuple {
    use super::{LabelEnum, MAX_LABELS};

    pub trait Tuple: Copy + Send + Sync + 'static {
        /// An array of units, one for each label: the compiler compares its length with the names.
        type Arity;
        /// The number of labels.
        const COUNT: usize;
        /// The number of combinations.
        const SERIES: usize;
        fn index(self) -> usize;
        /// Returns the label values, followed by unused elements.
        fn values(index: usize) -> [&'static str; MAX_LABELS];
    }

    macro_rules! tuple {
        ($count:literal: $($label:ident $field:tt),+) => {
            impl<$($label: LabelEnum),+> Tuple for ($($label,)+) {
                type Arity = [(); $count];
                const COUNT: usize = $count;
                const SERIES: usize = 1 $(* super::count::<$label>())+;

                #[inline]
                fn index(self) -> usize {
                    let mut index = 0;
                    $(index = index * $label::VALUES.len() + self.$field.index();)+
                    index
                }

                fn values(mut index: usize) -> [&'static str; MAX_LABELS] {
                    let sizes = [$($label::VALUES),+];
                    let mut values = [""; MAX_LABELS];
                    for (value, all) in values[..$count].iter_mut().zip(sizes).rev() {
                        *value = all[index % all.len()];
                        index /= all.len();
                    }
                    values
                }
            }
        };
    }

    /// A single label needs no tuple.
    impl<L: LabelEnum> Tuple for L {
        type Arity = [(); 1];
        const COUNT: usize = 1;
        const SERIES: usize = super::count::<L>();

        #[inline]
        fn index(self) -> usize {
            LabelEnum::index(self)
        }

        fn values(index: usize) -> [&'static str; MAX_LABELS] {
            let mut values = [""; MAX_LABELS];
            values[0] = L::VALUES[index];
            values
        }
    }

    tuple!(1: A 0);
    tuple!(2: A 0, B 1);
    tuple!(3: A 0, B 1, C 2);
    tuple!(4: A 0, B 1, C 2, D 3);
}

/// Returns the number of label values. A duplicate is a compile error.
const fn count<L: LabelEnum>() -> usize {
    let values = L::VALUES;
    let mut i = 0;
    while i < values.len() {
        let mut j = 0;
        while j < i {
            if name::equal(values[i].as_bytes(), values[j].as_bytes()) {
                panic!("a label enum has one label value twice; give each value its own");
            }
            j += 1;
        }
        i += 1;
    }
    values.len()
}

/// The maximum number of combinations. More are a mistake: a [`Family`](crate::Family) makes only the used ones.
const MAX_SERIES: usize = 4096;

/// A metric with `N` labels whose values are enums. An index finds the series, without hashing or locks.
///
/// A series starts to exist at its first use; [`initialise`](Self::initialise) makes all at once. Series are never
/// removed, so [`with`](Self::with) returns a reference. Cheap to clone; clones are the same family.
///
/// ```
/// use exporter_kit::{EnumFamily, IntGauge, Registry};
///
/// let registry = Registry::new();
/// let workers: EnumFamily<IntGauge, bool> =
///     registry.add(IntGauge::define("workers", "Workers.").enum_labels(["busy"]))?;
/// workers.initialise();
/// workers.with(true).set(3);
/// assert!(registry.to_text().ends_with("workers{busy=\"false\"} 0.0\nworkers{busy=\"true\"} 3.0\n"));
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
///
/// Use, exposition and pitfalls: [the enum family's page](crate::docs::enum_family).
pub struct EnumFamily<M: Metric, L: EnumLabels> {
    /// In the handle itself, which saves one pointer on the way to a series.
    series: Arc<[OnceLock<M>]>,
    inner: Arc<EnumFamilyState>,
    labels: PhantomData<fn(L)>,
}

struct EnumFamilyState {
    shared: Arc<SeriesCommon>,
    const_labels: Vec<(String, String)>,
    label_names: Box<[Box<str>]>,
    /// The keys of the existing series. Separate, so that the data for recording is close together.
    heads: Box<[OnceLock<SeriesKeyBuf>]>,
}

impl<M: Metric, L: EnumLabels> Clone for EnumFamily<M, L> {
    fn clone(&self) -> Self {
        Self {
            series: Arc::clone(&self.series),
            inner: Arc::clone(&self.inner),
            labels: PhantomData,
        }
    }
}

impl<M: Metric, L: EnumLabels> fmt::Debug for EnumFamily<M, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnumFamily")
            .field("name", &self.inner.shared.descriptor.name())
            .field("labels", &self.inner.label_names)
            .finish_non_exhaustive()
    }
}

impl<M: Metric, L: EnumLabels> EnumFamily<M, L> {
    /// Returns the series with these label values; makes it at its first use.
    ///
    /// A hand-written [`LabelEnum`] must not return an index beyond its values. In a family with several labels, such
    /// an index can select the wrong series.
    ///
    /// # Panics
    /// When the index is beyond all series.
    #[inline]
    pub fn with(&self, labels: L) -> &M {
        let index = labels.index();
        let series = &self.series[index];
        match series.get() {
            Some(metric) => metric,
            None => self.made(index),
        }
    }

    #[cold]
    fn made(&self, index: usize) -> &M {
        self.series[index].get_or_init(|| self.make(index))
    }

    /// Makes every series, so that a scrape shows all from the start.
    pub fn initialise(&self) {
        for index in 0..L::SERIES {
            self.made(index);
        }
    }

    fn make(&self, index: usize) -> M {
        let EnumFamilyState {
            shared,
            const_labels,
            label_names,
            heads,
            ..
        } = &*self.inner;
        let own = label_names.iter().map(|name| &**name).zip(L::values(index));
        let labels = const_labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .chain(own);
        heads[index].get_or_init(|| SeriesKeyBuf::new(shared.descriptor.name(), labels));
        series::create(shared)
    }
}

impl<M: Metric, L: EnumLabels> Collect for EnumFamily<M, L> {
    fn descriptors(&self) -> Vec<Descriptor> {
        vec![self.inner.shared.descriptor.clone()]
    }

    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        if sink.family(&self.inner.shared.descriptor) {
            let mut scratch = M::Scratch::default();
            for (metric, head) in self.series.iter().zip(&self.inner.heads) {
                // The key exists before its series.
                let (Some(metric), Some(head)) = (metric.get(), head.get()) else {
                    continue;
                };
                if !M::show(metric.series(), head.as_key(), &mut scratch, sink) {
                    break;
                }
            }
        }
        Ok(())
    }

    fn never_waits(&self, _: crate::collect::Internal) -> bool {
        true
    }
}

impl<'a, M: Metric> Definition<'a, M> {
    /// Adds these labels, whose values are enums, to every series: the definition of an [`EnumFamily`].
    #[must_use]
    pub const fn enum_labels<L: EnumLabels<Arity = [(); N]>, const N: usize>(
        self,
        names: [&'a str; N],
    ) -> Definition<'a, EnumFamily<M, L>> {
        const {
            assert!(
                L::SERIES <= MAX_SERIES,
                "the label enums have more than 4096 combinations; use `labels`"
            )
        };
        let mut labels = [""; MAX_LABELS];
        let mut i = 0;
        while i < N {
            labels[i] = names[i];
            i += 1;
        }
        Definition {
            name: self.name,
            help: self.help,
            unit: self.unit,
            scheme: self.scheme,
            setup: self.setup,
            labels,
        }
    }
}

impl<M: Metric, L: EnumLabels> Definition<'static, EnumFamily<M, L>> {
    /// Makes the family usable as a `static`. An invalid name is a compile error.
    ///
    /// # Panics
    /// When a name or the unit is invalid; in a `static` or `const`, the panic is a compile error.
    #[must_use]
    pub const fn fixed(self) -> Static<EnumFamily<M, L>> {
        self.assert_valid(self.labels.split_at(L::COUNT).0);
        Static::new(self)
    }
}

impl<M: Metric, L: EnumLabels> Defined for EnumFamily<M, L> {
    type Labels<'a> = [&'a str; MAX_LABELS];
    const METRIC_TYPE: MetricType = M::TYPE;

    fn check(definition: &Definition<'_, Self>, scope: &Scope) -> Result<(), DefinitionError> {
        definition.check_with_labels(&definition.labels[..L::COUNT], scope)
    }

    fn build(definition: &Definition<'_, Self>, scope: &Scope) -> Self {
        let names = definition.labels[..L::COUNT].iter();
        let inner = EnumFamilyState {
            shared: definition.shared(scope),
            const_labels: scope.labels.clone(),
            label_names: names.map(|name| (*name).into()).collect(),
            heads: (0..L::SERIES).map(|_| OnceLock::new()).collect(),
        };
        Self {
            series: (0..L::SERIES).map(|_| OnceLock::new()).collect(),
            inner: Arc::new(inner),
            labels: PhantomData,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Counter, Registry};

    #[test]
    fn one_label_is_the_same_with_and_without_a_tuple() {
        let [bare, tuple] = [(); 2].map(|()| Registry::new());
        let definition = Counter::define("c_total", "h");
        let of_bare: EnumFamily<Counter, bool> = bare.add(definition.enum_labels(["on"])).unwrap();
        let of_tuple: EnumFamily<Counter, (bool,)> =
            tuple.add(definition.enum_labels(["on"])).unwrap();
        of_bare.with(true).inc();
        of_tuple.with((true,)).inc();
        assert_eq!(bare.to_text(), tuple.to_text());
        assert!(bare.to_text().ends_with("c_total{on=\"true\"} 1.0\n"));
    }
}
