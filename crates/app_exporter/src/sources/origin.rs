//! What a source is to the rest of the program: a part of a configuration, and what is asked because of it.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use crate::config::{Fault, Place};
use crate::decode::{Failure, Format, Limits, Part, Parts, Wanted};
use crate::sources::path_pattern::PathPattern;
use crate::sources::visit::Visit;

/// What stands for the target of a template.
pub(super) const TARGETED: &str = "${target}";

/// The part of a configuration that says where a source's numbers are.
///
/// Called while a configuration is checked and built. Nothing here opens, connects or waits: a source that is down is no
/// reason not to start. [`LoginConfig`](super::login::LoginConfig) is the simplest one.
pub(crate) trait Origin: fmt::Debug {
    /// The sets of rows that it yields.
    fn parts(&self) -> Parts;

    /// How its text is read, if it yields text.
    fn format(&self) -> Option<&Format> {
        None
    }

    /// What is wrong with it that its keys alone do not show. It begins at `place`.
    fn check(&self, _place: Place, _faults: &mut Vec<Fault>) {}

    /// Makes what can be asked, keeping the columns that are wanted.
    ///
    /// # Errors
    /// When a variable is not set, or a secret or a certificate can't be had.
    fn build(
        &self,
        wanted: Wanted,
        limits: Limits,
        surroundings: Surroundings<'_>,
    ) -> Result<Fetcher, Fault>;
}

/// A source that can be asked.
///
/// Called by the runner, never twice at once for one source, which drops the future at the deadline: that must end the
/// work. What may block, as reading a file does, goes through [`Visit::blocking`]. It reports rows, never its own health.
pub(crate) trait Fetch: fmt::Debug + Send + Sync + 'static {
    /// Asks once.
    ///
    /// # Errors
    /// When nothing could be had. That there is nothing is no error.
    fn fetch(&self, visit: &Visit) -> impl Future<Output = Result<Vec<Part>, Failure>> + Send;
}

/// A [`Fetch`] whose type is forgotten.
#[derive(Debug)]
pub(crate) struct Fetcher(Box<dyn AnyFetch>);

trait AnyFetch: fmt::Debug + Send + Sync {
    fn fetch<'f>(&'f self, visit: &'f Visit) -> Fetching<'f>;
}

type Fetching<'f> = Pin<Box<dyn Future<Output = Result<Vec<Part>, Failure>> + Send + 'f>>;

/// What a source is built in: everything that comes from outside the configuration.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'s> {
    /// What relative paths begin at.
    pub(crate) folder: &'s Path,
    /// The environment; for a template `target` is the target.
    pub(crate) variable: &'s dyn Fn(&str) -> Option<String>,
    /// The target of a template.
    pub(crate) target: Option<&'s Target<'s>>,
}

/// What a template is asked about, and whether the template says where that belongs.
#[derive(Debug)]
pub(crate) struct Target<'t> {
    text: &'t str,
    has_place: Cell<bool>,
}

/// A source as lists show it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SourceInfo {
    /// Its key in the configuration.
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// The rows it yields.
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

    /// The text, for a place where it belongs.
    pub(crate) fn take(&self) -> &'t str {
        self.has_place.set(true);
        self.text
    }

    /// Whether there was any place for it.
    pub(crate) fn has_place(&self) -> bool {
        self.has_place.get()
    }
}

impl Surroundings<'_> {
    /// The text with the target of a template in it; no other text changes.
    pub(super) fn targeted<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.target {
            Some(target) if text.contains(TARGETED) => text.replace(TARGETED, target.take()).into(),
            _ => text.into(),
        }
    }

    /// The path with the target of a template in it, which is no pattern whatever is in it.
    pub(super) fn path(&self, pattern: &PathPattern) -> PathPattern {
        match self.target {
            Some(target) if pattern.contains(TARGETED) => pattern.replace(TARGETED, target.take()),
            _ => pattern.clone(),
        }
    }
}

impl SourceInfo {
    /// A feature that builds it in, if none does yet.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        let missing = self.features.first()?;
        let is_there = self.features.iter().any(|feature| feature.is_on);
        (!is_there).then_some(missing.name)
    }
}

/// What to do where `key` needs a feature that is off.
pub(crate) fn not_built_in(key: &str, feature: &str) -> String {
    format!("`{key}` is not built into this program; build it with `--features {feature}`")
}

impl Fetcher {
    pub(super) fn new(fetch: impl Fetch) -> Self {
        Self(Box::new(fetch))
    }

    /// As [`Fetch::fetch`].
    pub(crate) async fn fetch(&self, visit: &Visit) -> Result<Vec<Part>, Failure> {
        self.0.fetch(visit).await
    }
}

impl<F: Fetch> AnyFetch for F {
    fn fetch<'f>(&'f self, visit: &'f Visit) -> Fetching<'f> {
        Box::pin(Fetch::fetch(self, visit))
    }
}
