//! `…_build_info`: the running build as labels.

use crate::collect::{Collect, CollectError, FamilyWriter, Sink};
use crate::model::{Descriptor, MetricType, Value};
use crate::name::NameError;

/// Collects `NAME_build_info` with version, revision, branch, Rust version, operating system and processor as labels.
///
/// The value is always 1. Unknown labels stay empty.
///
/// ```
/// use exporter_kit::{BuildInfo, Registry};
///
/// let registry = Registry::new();
/// registry.register(BuildInfo::new("my_exporter", env!("CARGO_PKG_VERSION"))?.revision("1a2b3c4").branch("main"))?;
/// assert!(registry.to_text().contains("my_exporter_build_info{"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct BuildInfo {
    descriptor: Descriptor,
    version: String,
    revision: String,
    branch: String,
    rust_version: String,
}

impl BuildInfo {
    /// Information about the build of `program`, a name in snake case.
    ///
    /// # Errors
    /// When `program` can't begin a metric name.
    pub fn new(program: &str, version: &str) -> Result<Self, NameError> {
        let name = format!("{program}_build_info");
        let help = format!(
            "A metric with a constant '1' value labeled by what {program} was built from and for."
        );
        Ok(Self {
            descriptor: Descriptor::new(MetricType::Info, &name, &help)?,
            version: version.to_owned(),
            revision: String::new(),
            branch: String::new(),
            rust_version: String::new(),
        })
    }

    /// The revision of the source, as version control names it.
    #[must_use]
    pub fn revision(mut self, revision: &str) -> Self {
        revision.clone_into(&mut self.revision);
        self
    }

    /// The branch of the source.
    #[must_use]
    pub fn branch(mut self, branch: &str) -> Self {
        branch.clone_into(&mut self.branch);
        self
    }

    /// The version of the Rust compiler.
    #[must_use]
    pub fn rust_version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.rust_version);
        self
    }
}

impl Collect for BuildInfo {
    fn descriptors(&self) -> Vec<Descriptor> {
        vec![self.descriptor.clone()]
    }

    fn collect(&self, sink: &mut dyn Sink) -> Result<(), CollectError> {
        let names = ["version", "revision", "branch", "rustversion", "os", "arch"];
        let values = [
            self.version.as_str(),
            &self.revision,
            &self.branch,
            &self.rust_version,
            std::env::consts::OS,
            std::env::consts::ARCH,
        ];
        FamilyWriter::begin(sink, &self.descriptor, names)?.sample(values, Value::Info)?;
        Ok(())
    }

    fn never_waits(&self, _: crate::collect::Internal) -> bool {
        true
    }
}
