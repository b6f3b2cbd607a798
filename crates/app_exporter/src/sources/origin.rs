//! What a source is to the rest of the program: a part of a configuration, and what is asked because of it.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use crate::config::{At, Fault, Place, SourceConfig};
use crate::decode::{Failure, Format, Limits, Part, Parts, Wanted};
use crate::sources::path_pattern::PathPattern;
use crate::sources::visit::Visit;

/// What stands for the target of a template.
pub(super) const TARGETED: &str = "${target}";

/// The part of a configuration that says where a source's numbers are.
///
/// Called while a configuration is checked and built. Nothing here opens, connects or waits: a source that is down is no
/// reason not to start. [`LoginConfig`](super::LoginConfig) is the simplest one.
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

/// What is said of a source where sources are listed, and how it is found in a configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SourceInfo {
    /// Its key in the configuration.
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// The rows it yields.
    pub(crate) rows: &'static str,
    /// What is under its key, if that is there.
    pub(crate) configured: fn(&SourceConfig) -> Option<Configured<'_>>,
}

/// A source's part of a configuration, where it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Configured<'c> {
    pub(crate) name: &'static str,
    pub(crate) place: Place,
    pub(crate) origin: &'c dyn Origin,
}

impl<'t> Target<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            has_place: Cell::new(false),
        }
    }

    /// The text, for a place where it belongs.
    pub(super) fn take(&self) -> &'t str {
        self.has_place.set(true);
        self.text
    }

    /// Whether there was any place for it.
    pub(super) fn has_place(&self) -> bool {
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
    /// What the key holds, if it is there.
    pub(super) fn under<'c, O: Origin>(
        name: &'static str,
        origin: Option<&'c At<O>>,
    ) -> Option<Configured<'c>> {
        origin.map(|origin| Configured {
            name,
            place: origin.place(),
            origin: &**origin,
        })
    }
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
