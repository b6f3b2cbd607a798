//! Families whose label values are known when the program is written: found by index, without hashing.

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use crate::collect::Scope;
use crate::collect::{Collect, CollectError, Sink};
use crate::metric::definition::{Definition, DefinitionError, build::Build};
use crate::metric::fixed::{Metric, Static};
use crate::metric::series::{self, Instrument, Shared};
use crate::model::{Descriptor, SeriesKeyBuf};
use crate::name;

/// A type whose values are label values known beforehand. [`label_enum!`](crate::label_enum) makes one; `bool` is one.
pub trait LabelEnum: Copy + Send + Sync + 'static {
    /// The label values, each once.
    const VALUES: &'static [&'static str];

    /// Where this value's label value stands in [`VALUES`](Self::VALUES).
    fn index(self) -> usize;
}

impl LabelEnum for bool {
    const VALUES: &'static [&'static str] = &["false", "true"];

    #[inline]
    fn index(self) -> usize {
        usize::from(self)
    }
}

/// Makes an enum whose values are label values.
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
/// let requests: EnumFamily<Counter, (Method, bool), 2> = registry.add(
///     Counter::define("requests_total", "Requests served.").enum_labels(["method", "cached"]),
/// )?;
/// requests.with((Method::Get, true)).inc();
/// assert!(registry.to_text().contains("requests_total{method=\"GET\",cached=\"true\"} 1.0\n"));
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
///
/// Two values that have one label value are an error of the build, once the enum is the label of a family:
///
/// ```compile_fail,E0080
/// use exporter_kit::{Counter, EnumFamily, Static, label_enum};
///
/// label_enum! {
///     enum Method { Get = "GET", Head = "GET" }
/// }
///
/// // error: a label enum has one label value twice; give each value its own
/// static REQUESTS: Static<EnumFamily<Counter, Method, 1>> =
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

/// A [`LabelEnum`], or a tuple of one to four. Sealed.
pub trait EnumLabels<const N: usize>: tuple::Tuple<N> {}

impl<L: tuple::Tuple<N>, const N: usize> EnumLabels<N> for L {}

mod tuple {
    use super::LabelEnum;

    pub trait Tuple<const N: usize>: Copy + Send + Sync + 'static {
        /// How many combinations there are.
        const SERIES: usize;
        fn index(self) -> usize;
        fn values(index: usize) -> [&'static str; N];
    }

    macro_rules! tuple {
        ($count:literal: $($label:ident $field:tt),+) => {
            impl<$($label: LabelEnum),+> Tuple<$count> for ($($label,)+) {
                const SERIES: usize = 1 $(* super::count::<$label>())+;

                #[inline]
                fn index(self) -> usize {
                    let mut index = 0;
                    $(index = index * $label::VALUES.len() + self.$field.index();)+
                    index
                }

                fn values(mut index: usize) -> [&'static str; $count] {
                    let sizes = [$($label::VALUES),+];
                    let mut values = [""; $count];
                    for (value, all) in values.iter_mut().zip(sizes).rev() {
                        *value = all[index % all.len()];
                        index /= all.len();
                    }
                    values
                }
            }
        };
    }

    /// A single label needs no tuple.
    impl<L: LabelEnum> Tuple<1> for L {
        const SERIES: usize = super::count::<L>();

        #[inline]
        fn index(self) -> usize {
            LabelEnum::index(self)
        }

        fn values(index: usize) -> [&'static str; 1] {
            [L::VALUES[index]]
        }
    }

    tuple!(1: A 0);
    tuple!(2: A 0, B 1);
    tuple!(3: A 0, B 1, C 2);
    tuple!(4: A 0, B 1, C 2, D 3);
}

/// How many label values there are. One that stands twice is an error of the build.
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

/// More combinations than this are a mistake: a [`Family`](crate::Family) makes only those that are used.
const MAX_SERIES: usize = 4096;

/// A metric with `N` labels whose values are enums: a series is found by its index, without hashing or locks.
///
/// Series are made when they are first used, or all at once with [`initialise`](Self::initialise); they are
/// never removed, so [`with`](Self::with) gives a reference. Cheap to clone; clones are the same family.
///
/// ```
/// use exporter_kit::{EnumFamily, IntGauge, Registry};
///
/// let registry = Registry::new();
/// let workers: EnumFamily<IntGauge, bool, 1> =
///     registry.add(IntGauge::define("workers", "Workers.").enum_labels(["busy"]))?;
/// workers.initialise();
/// workers.with(true).set(3);
/// assert!(registry.to_text().ends_with("workers{busy=\"false\"} 0.0\nworkers{busy=\"true\"} 3.0\n"));
/// # Ok::<(), exporter_kit::RegisterError>(())
/// ```
///
/// When to use it, what a scrape shows and what to look out for: [its page](crate::docs::enum_family).
pub struct EnumFamily<M: Instrument, L: EnumLabels<N>, const N: usize> {
    /// In the handle itself, so that there is one pointer less to follow to a series.
    series: Arc<[OnceLock<M>]>,
    inner: Arc<Inner<N>>,
    labels: PhantomData<fn(L)>,
}

struct Inner<const N: usize> {
    shared: Arc<Shared>,
    const_labels: Vec<(String, String)>,
    label_names: [Box<str>; N],
    /// The heads of the series that are there. Apart, so that what recording reads is close together.
    heads: Box<[OnceLock<SeriesKeyBuf>]>,
}

impl<M: Instrument, L: EnumLabels<N>, const N: usize> Clone for EnumFamily<M, L, N> {
    fn clone(&self) -> Self {
        Self {
            series: Arc::clone(&self.series),
            inner: Arc::clone(&self.inner),
            labels: PhantomData,
        }
    }
}

impl<M: Instrument, L: EnumLabels<N>, const N: usize> fmt::Debug for EnumFamily<M, L, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnumFamily")
            .field("name", &self.inner.shared.descriptor.name())
            .field("labels", &self.inner.label_names)
            .finish_non_exhaustive()
    }
}

impl<M: Instrument, L: EnumLabels<N>, const N: usize> EnumFamily<M, L, N> {
    /// The series with these label values; made if it is not there yet.
    ///
    /// A [`LabelEnum`] that was written by hand and gives an index beyond its values is a mistake of its author: beside
    /// other labels it may be given another one's series.
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

    /// Makes every series, so that all are shown from the start.
    pub fn initialise(&self) {
        for index in 0..L::SERIES {
            self.made(index);
        }
    }

    fn make(&self, index: usize) -> M {
        let Inner {
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

impl<M: Instrument, L: EnumLabels<N>, const N: usize> Collect for EnumFamily<M, L, N> {
    fn descriptors(&self) -> Vec<Descriptor> {
        vec![self.inner.shared.descriptor.clone()]
    }

    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        if sink.family(&self.inner.shared.descriptor) {
            let mut scratch = M::Scratch::default();
            for (metric, head) in self.series.iter().zip(&self.inner.heads) {
                // A head is there before its series.
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

/// A [`Definition`] with label names whose values are enums: becomes an [`EnumFamily`].
pub struct EnumFamilyDefinition<'a, M, L, const N: usize> {
    definition: Definition<'a, M>,
    names: [&'a str; N],
    labels: PhantomData<fn(L)>,
}

impl<M, L, const N: usize> Clone for EnumFamilyDefinition<'_, M, L, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M, L, const N: usize> Copy for EnumFamilyDefinition<'_, M, L, N> {}

impl<M, L, const N: usize> fmt::Debug for EnumFamilyDefinition<'_, M, L, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnumFamilyDefinition")
            .field("definition", &self.definition)
            .field("labels", &self.names)
            .finish()
    }
}

impl<'a, M> Definition<'a, M> {
    /// Gives every series these labels, whose values are enums.
    #[must_use]
    pub const fn enum_labels<L: EnumLabels<N>, const N: usize>(
        self,
        names: [&'a str; N],
    ) -> EnumFamilyDefinition<'a, M, L, N> {
        const {
            assert!(
                L::SERIES <= MAX_SERIES,
                "the label enums have more than 4096 combinations; use `labels`"
            )
        };
        EnumFamilyDefinition {
            definition: self,
            names,
            labels: PhantomData,
        }
    }
}

impl<M: Instrument, L: EnumLabels<N>, const N: usize> EnumFamilyDefinition<'static, M, L, N> {
    /// Makes the family usable as a `static`. A bad name is an error of the build.
    ///
    /// # Panics
    /// When a name or the unit is not valid; in a `static` or `const` that is an error of the build.
    #[must_use]
    pub const fn fixed(self) -> Static<EnumFamily<M, L, N>> {
        self.definition.assert_valid(&self.names);
        Static::new(self)
    }
}

impl<M: Instrument, L: EnumLabels<N>, const N: usize> Metric for EnumFamily<M, L, N> {
    type Definition = EnumFamilyDefinition<'static, M, L, N>;
}

impl<M: Instrument, L: EnumLabels<N>, const N: usize> Build for EnumFamilyDefinition<'_, M, L, N> {
    type Metric = EnumFamily<M, L, N>;

    fn check(&self, scope: &Scope) -> Result<(), DefinitionError> {
        self.definition.check_with_labels(&self.names, scope)
    }

    fn build(&self, scope: &Scope) -> EnumFamily<M, L, N> {
        let inner = Inner {
            shared: self.definition.shared(scope),
            const_labels: scope.labels.clone(),
            label_names: self.names.map(Into::into),
            heads: (0..L::SERIES).map(|_| OnceLock::new()).collect(),
        };
        EnumFamily {
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
        let of_bare: EnumFamily<Counter, bool, 1> =
            bare.add(definition.enum_labels(["on"])).unwrap();
        let of_tuple: EnumFamily<Counter, (bool,), 1> =
            tuple.add(definition.enum_labels(["on"])).unwrap();
        of_bare.with(true).inc();
        of_tuple.with((true,)).inc();
        assert_eq!(bare.to_text(), tuple.to_text());
        assert!(bare.to_text().ends_with("c_total{on=\"true\"} 1.0\n"));
    }
}
