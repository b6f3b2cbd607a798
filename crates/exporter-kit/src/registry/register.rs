//! Registration of collectors, sources and registries.

use std::sync::Arc;

use super::core::Registry;
use super::error::RegisterError;
use super::registered::{Access, Member};
use crate::collect::{Collect, Internal};
#[cfg(feature = "source")]
use crate::source::{LastNumbers, Sources};

/// Any argument of [`Registry::register`]: a collector, [`Sources`](crate::source::Sources), or another registry.
///
/// Outside this library, only [`Collect`] types implement it.
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
    /// A server's scrape fetches from the sources and calls your collectors on separate threads, until its deadline.
    /// The same holds for nested registries.
    ///
    /// # Errors
    /// When the name of one of its families, or of their samples, is taken. The registry then adds nothing.
    pub fn register(&self, collector: impl Register) -> Result<(), RegisterError> {
        self.insert(collector.into_member(Internal(())))
    }

    /// Adds your own collector that waits for nothing and holds no lock while it writes.
    ///
    /// A server sends its families while it writes them, without a limit, and a slow reader may keep it waiting. The
    /// families of other collectors stay in memory until they are sent, up to 64 MiB in total.
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
        let scope = (!self.scope.is_empty()).then(|| Arc::clone(&self.scope));
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

/// A registry as a collector of its families. Each scrape of the outer registry checks them against the other families
/// there.
pub(crate) struct Nested(pub(crate) Registry);

impl Register for Registry {
    fn into_member(self, _: Internal) -> Member {
        Member {
            collector: Arc::new(Nested(self.clone())),
            #[cfg(feature = "http")]
            access: Access::Registry(Box::new(self)),
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
