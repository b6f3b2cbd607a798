//! Members of a registry, and how a scrape gets their families.

use std::sync::Arc;

use super::Registry;
use crate::collect::{Collect, Internal};
#[cfg(feature = "source")]
use crate::source::{LastNumbers, Sources};

/// Anything that [`Registry::register`] takes: a collector, [`Sources`](crate::source::Sources), or another registry.
///
/// Implemented for every [`Collect`] and nothing else outside this library.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not give metrics",
    note = "implement `Collect` for it, or make the metric with a `Registry`"
)]
pub trait Register {
    #[doc(hidden)]
    fn into_member(self, internal: Internal) -> Member;
}

/// A collector, and how a scrape gets its families.
#[doc(hidden)]
pub struct Member {
    /// Gives at once what it can.
    pub(super) collector: Arc<dyn Collect>,
    pub(super) access: Access,
}

/// The way in which a server's scrape gets the families of a collector. Elsewhere all collectors are called in place.
pub(crate) enum Access {
    /// The collector waits for nothing: it is called while the answer is written.
    InPlace,
    /// It may wait: it is called on a thread that can be left behind.
    #[cfg(feature = "http")]
    OnThread(crate::source::CollectorRuns),
    /// The sources are asked.
    #[cfg(feature = "http")]
    Sources(Sources),
    /// Each member of the registry in its own way.
    #[cfg(feature = "http")]
    Registry(Registry),
    #[cfg(not(feature = "http"))]
    MayWait,
}

impl Access {
    #[cfg(feature = "http")]
    fn may_wait() -> Self {
        Self::OnThread(crate::source::CollectorRuns::default())
    }

    #[cfg(not(feature = "http"))]
    fn may_wait() -> Self {
        Self::MayWait
    }

    pub(crate) fn is_in_place(&self) -> bool {
        matches!(self, Self::InPlace)
    }
}

impl Member {
    /// A collector that waits for nothing.
    pub(super) fn in_place(collector: impl Collect + 'static) -> Self {
        Self {
            collector: Arc::new(collector),
            access: Access::InPlace,
        }
    }
}

impl<C: Collect + 'static> Register for C {
    fn into_member(self, internal: Internal) -> Member {
        let access = if self.never_waits(internal) {
            Access::InPlace
        } else {
            Access::may_wait()
        };
        Member {
            collector: Arc::new(self),
            access,
        }
    }
}

#[cfg(feature = "source")]
impl Register for Sources {
    fn into_member(self, _: Internal) -> Member {
        Member {
            collector: Arc::new(LastNumbers(self.clone())),
            #[cfg(feature = "http")]
            access: Access::Sources(self),
            #[cfg(not(feature = "http"))]
            access: Access::may_wait(),
        }
    }
}

#[cfg(feature = "source")]
impl Register for &Sources {
    fn into_member(self, internal: Internal) -> Member {
        self.clone().into_member(internal)
    }
}

/// A registry as a collector of its families. Those are checked against the ones of the registry that it is in at each
/// scrape.
pub(crate) struct Nested(pub(crate) Registry);

impl Register for Registry {
    fn into_member(self, _: Internal) -> Member {
        Member {
            collector: Arc::new(Nested(self.clone())),
            #[cfg(feature = "http")]
            access: Access::Registry(self),
            #[cfg(not(feature = "http"))]
            access: Access::may_wait(),
        }
    }
}

impl Register for &Registry {
    fn into_member(self, internal: Internal) -> Member {
        self.clone().into_member(internal)
    }
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Member").finish_non_exhaustive()
    }
}
