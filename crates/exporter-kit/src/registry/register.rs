//! Registering: collectors, sources and registries become members of a registry.

use std::sync::Arc;

use super::core::{Access, Member};
use super::error::RegisterError;
use super::handle::Registry;
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

impl Registry {
    /// Adds a collector: a metric, a `&'static` [`Static`](crate::Static), [`Sources`](crate::source::Sources), another
    /// registry, or a [`Collect`] of your own.
    ///
    /// A server's scrape asks the sources and calls your collectors on threads of their own, until its deadline; that holds
    /// for what is in registries within this one, too.
    ///
    /// # Errors
    /// When the name of one of its families, or of their samples, is taken. Nothing is added then.
    pub fn register(&self, collector: impl Register) -> Result<(), RegisterError> {
        self.insert(collector.into_member(Internal(())))
    }

    /// Adds a collector of your own that waits for nothing and holds no lock while it gives.
    ///
    /// A server sends its families while it gives them, however many they are, and a slow reader may keep it waiting. What
    /// other collectors give is held in memory until it is sent, up to 64 MiB in all.
    ///
    /// # Errors
    /// As for [`register`](Self::register).
    pub fn register_streaming(
        &self,
        collector: impl Collect + 'static,
    ) -> Result<(), RegisterError> {
        self.insert(Member::in_place(collector))
    }

    fn insert(&self, member: Member) -> Result<(), RegisterError> {
        let scope = (!self.scope.is_empty()).then(|| (*self.scope).clone());
        self.core.insert(member, false, scope)
    }
}

impl<C: Collect + 'static> Register for C {
    fn into_member(self, internal: Internal) -> Member {
        if self.never_waits(internal) {
            Member::in_place(self)
        } else {
            Member::may_wait(self)
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
