//! The interface of a source: its keys in a configuration, and its fetch.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use crate::config::{Fault, Place};
use crate::decode::{Failure, Format, Limits, Part, Parts, Wanted};
#[cfg(feature = "_servers")]
use crate::sources::lookups::Lookups;
use crate::sources::memory::Memory;
use crate::sources::path_pattern::PathPattern;
use crate::sources::visit::Visit;

/// The placeholder for the target of a template.
pub(super) const TARGETED: &str = "${target}";

/// The keys of a source in a configuration.
///
/// Called while a configuration is checked and built. Must not open, connect or wait, so that the program starts while
/// a source is down. [`LoginConfig`](super::login::LoginConfig) is the simplest one.
pub(crate) trait Origin: fmt::Debug {
    /// The result sets of the source.
    fn parts(&self) -> Parts;

    /// The format of its text, if it yields text.
    fn format(&self) -> Option<&Format> {
        None
    }

    /// Adds the mistakes that serde does not find. The keys begin at `place`.
    fn check(&self, _place: Place, _faults: &mut Vec<Fault>) {}

    /// The danger in valid keys, which each start logs.
    fn warning(&self) -> Option<String> {
        None
    }

    /// Builds the fetcher, which keeps the wanted columns.
    ///
    /// # Errors
    /// When a variable is not set, or a secret or certificate cannot be loaded.
    fn build(
        &self,
        wanted: Wanted,
        limits: Limits,
        surroundings: Surroundings<'_>,
    ) -> Result<Fetcher, Fault>;
}

/// A source that can be fetched.
///
/// Called by the engine, never twice at once for one source. The engine drops the future at the deadline, which must
/// end the work. Blocking work, such as reading a file, goes through [`Visit::blocking`]. A source reports rows, never
/// its own health.
pub(crate) trait Fetch: fmt::Debug + Send + Sync + 'static {
    /// Fetches once.
    ///
    /// # Errors
    /// When the fetch failed. An empty result is a success.
    fn fetch(&self, visit: &Visit) -> impl Future<Output = Result<Vec<Part>, Failure>> + Send;
}

/// A type-erased [`Fetch`].
#[derive(Debug)]
pub(crate) struct Fetcher(Box<dyn AnyFetch>);

trait AnyFetch: fmt::Debug + Send + Sync {
    fn fetch<'f>(&'f self, visit: &'f Visit) -> Fetching<'f>;
}

type Fetching<'f> = Pin<Box<dyn Future<Output = Result<Vec<Part>, Failure>> + Send + 'f>>;

/// The inputs of a source from outside the configuration.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'s> {
    /// The base of relative paths.
    pub(crate) folder: &'s Path,
    /// The environment. In a template, `target` is the target.
    pub(crate) variable: &'s dyn Fn(&str) -> Option<String>,
    /// The target of a template.
    pub(crate) target: Option<&'s Target<'s>>,
    /// The memory that all sources share.
    pub(crate) memory: &'s Memory,
    /// The lookups of the source.
    #[cfg(feature = "_servers")]
    pub(crate) lookups: &'s Lookups,
}

/// The target of a template, and whether the template uses it.
#[derive(Debug)]
pub(crate) struct Target<'t> {
    text: &'t str,
    has_place: Cell<bool>,
}

/// The description of a source in lists.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SourceInfo {
    /// Its key in the configuration.
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// The result sets.
    pub(crate) rows: &'static str,
    /// The Cargo features that build it in; one is enough.
    pub(crate) features: &'static [Feature],
}

/// A Cargo feature, and whether this program is built with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Feature {
    pub(crate) name: &'static str,
    pub(crate) is_on: bool,
}

impl<'t> Target<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self {
            text,
            has_place: Cell::new(false),
        }
    }

    /// The target, which counts as used.
    pub(crate) fn take(&self) -> &'t str {
        self.has_place.set(true);
        self.text
    }

    /// Returns whether the template used the target.
    pub(crate) fn has_place(&self) -> bool {
        self.has_place.get()
    }
}

impl Surroundings<'_> {
    /// Replaces the placeholder of the target.
    pub(super) fn targeted<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.target {
            Some(target) if text.contains(TARGETED) => text.replace(TARGETED, target.take()).into(),
            _ => text.into(),
        }
    }

    /// Replaces the placeholder in a path. The target is never a pattern.
    pub(super) fn path(&self, pattern: &PathPattern) -> PathPattern {
        match self.target {
            Some(target) if pattern.contains(TARGETED) => pattern.replace(TARGETED, target.take()),
            _ => pattern.clone(),
        }
    }
}

impl SourceInfo {
    /// The feature to enable, if the source is not built in.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        let missing = self.features.first()?;
        let is_there = self.features.iter().any(|feature| feature.is_on);
        (!is_there).then_some(missing.name)
    }
}

/// The message for a `key` that needs a disabled feature.
pub(crate) fn not_built_in(key: &str, feature: &str) -> String {
    format!("`{key}` is not built into this program; build it with `--features {feature}`")
}

impl Fetcher {
    pub(super) fn new(fetch: impl Fetch) -> Self {
        Self(Box::new(fetch))
    }

    /// As for [`Fetch::fetch`].
    pub(crate) async fn fetch(&self, visit: &Visit) -> Result<Vec<Part>, Failure> {
        self.0.fetch(visit).await
    }
}

impl<F: Fetch> AnyFetch for F {
    fn fetch<'f>(&'f self, visit: &'f Visit) -> Fetching<'f> {
        Box::pin(Fetch::fetch(self, visit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_without_any_of_its_features_names_one() {
        let missing = |features| {
            let source = SourceInfo {
                name: "sql",
                about: "",
                rows: "",
                features,
            };
            source.missing()
        };
        let [a, b] =
            [("sql-a", false), ("sql-b", true)].map(|(name, is_on)| Feature { name, is_on });
        assert_eq!(missing(Vec::leak(vec![a])), Some("sql-a"));
        assert_eq!(missing(Vec::leak(vec![a, b])), None);
        assert_eq!(missing(&[]), None);
        assert_eq!(
            not_built_in("sql", "sql-a"),
            "`sql` is not built into this program; build it with `--features sql-a`"
        );
    }
}
