//! The workspace as cargo describes it: its folders, packages and features.

use std::path::PathBuf;

use serde_json::Value;

use crate::run::{Failure, cargo, output};

/// The answer of `cargo metadata`, read once by the command that needs it.
pub(crate) struct Workspace(Value);

/// A package that is published.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
}

impl Workspace {
    pub(crate) fn read() -> Result<Self, Failure> {
        let text = output(&mut cargo(&["metadata", "--format-version=1", "--no-deps"]))?;
        let metadata = serde_json::from_str(&text)
            .map_err(|err| Failure::new(format!("cargo metadata's answer is not JSON: {err}")))?;
        Ok(Self(metadata))
    }

    /// Makes the workspace's folder the current one, so that every path is written from there.
    pub(crate) fn enter(&self) -> Result<(), Failure> {
        let root = self.path("workspace_root")?;
        std::env::set_current_dir(&root)
            .map_err(|err| Failure::new(format!("cannot enter `{}`: {err}", root.display())))
    }

    /// Cargo's target folder; the commands install their own tools there, too.
    pub(crate) fn target(&self) -> Result<PathBuf, Failure> {
        self.path("target_directory")
    }

    /// The features of `package` that users name, in cargo's order: without `default` and those that begin with `_`.
    pub(crate) fn features(&self, package: &str) -> Result<Vec<String>, Failure> {
        let packages = self.0["packages"].as_array().map_or(&[][..], Vec::as_slice);
        let features = packages
            .iter()
            .find(|candidate| candidate["name"] == package)
            .and_then(|found| found["features"].as_object())
            .ok_or_else(|| Failure::new(format!("there is no package `{package}`")))?;
        let names = features
            .keys()
            .filter(|name| *name != "default" && !name.starts_with('_'));
        Ok(names.cloned().collect())
    }

    /// The packages that may be published, in cargo's order.
    pub(crate) fn published(&self) -> Result<Vec<Package>, Failure> {
        let packages = self.0["packages"].as_array().map_or(&[][..], Vec::as_slice);
        let published: Vec<Package> = packages
            .iter()
            // `publish = false` is an empty list of registries.
            .filter(|package| package["publish"].is_null())
            .filter_map(|package| {
                Some(Package {
                    name: package["name"].as_str()?.to_owned(),
                    version: package["version"].as_str()?.to_owned(),
                })
            })
            .collect();
        if published.is_empty() {
            return Err(Failure::new("no package of the workspace is published"));
        }
        Ok(published)
    }

    fn path(&self, key: &str) -> Result<PathBuf, Failure> {
        let path = self.0[key].as_str();
        path.map(PathBuf::from)
            .ok_or_else(|| Failure::new(format!("cargo metadata does not say `{key}`")))
    }
}
