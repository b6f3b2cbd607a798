//! The table of sources: the keys by which a configuration names them.

use crate::config::{At, Place};
use crate::setup::source::SourceConfig;
use crate::sources::origin::{Origin, SourceInfo, not_built_in};
use crate::sources::{command, fastcgi, file, files, http, login, redis, simulate, sql};

/// The keys of one source in a configuration.
pub(super) struct NamedOrigin<'c> {
    pub(super) info: SourceInfo,
    pub(super) place: Place,
    pub(super) origin: &'c dyn Origin,
}

/// The keys of a source in a configuration, and their place.
type OriginKeys<'c> = Option<(Place, &'c dyn Origin)>;

/// Every source.
pub(crate) fn sources() -> impl Iterator<Item = SourceInfo> {
    SourceConfig::default()
        .table()
        .map(|(info, _)| info)
        .into_iter()
}

impl SourceConfig {
    /// All sources, each with its keys if the configuration has them.
    fn table(&self) -> [(SourceInfo, OriginKeys<'_>); 9] {
        [
            (simulate::INFO, keys(&self.simulate)),
            (file::INFO, keys(&self.file)),
            (files::INFO, keys(&self.files)),
            (command::INFO, keys(&self.command)),
            (http::INFO, keys(&self.http)),
            (fastcgi::INFO, keys(&self.fastcgi)),
            (sql::INFO, keys(&self.sql)),
            (redis::INFO, keys(&self.redis)),
            (login::INFO, keys(&self.login)),
        ]
    }

    /// The one source that the configuration names.
    ///
    /// # Errors
    /// When it names none, several, or one that is not built in.
    pub(super) fn origin(&self) -> Result<NamedOrigin<'_>, String> {
        let table = self.table().into_iter();
        let mut named = table.filter_map(|(info, keys)| {
            keys.map(|(place, origin)| NamedOrigin {
                info,
                place,
                origin,
            })
        });
        match (named.next(), named.next()) {
            (Some(only), None) => match only.info.missing() {
                None => Ok(only),
                Some(feature) => Err(format!(
                    "cannot be used: {}",
                    not_built_in(only.info.name, feature)
                )),
            },
            (None, _) => {
                let names: Vec<_> = sources().map(|it| format!("`{}`", it.name)).collect();
                let names = names.join(", ");
                Err(format!("lacks an origin; add one of {names} with its keys"))
            }
            (Some(a), Some(b)) => Err(format!(
                "has both `{}` and `{}`; split it into two sources",
                a.info.name, b.info.name
            )),
        }
    }
}

fn keys<O: Origin>(keys: &Option<At<O>>) -> OriginKeys<'_> {
    keys.as_ref()
        .map(|keys| (keys.place(), &**keys as &dyn Origin))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::ConfigError;
    use crate::setup::{Config, Files};

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(&Files::of_text(Path::new("a.yml"), text), &|_| None)
    }

    #[test]
    fn every_source_is_listed_under_its_key() {
        let schema = format!("{:#}", Config::schema());
        for source in sources() {
            let config = format!("sources: {{a: {{{}: 1}}}}", source.name);
            let error = parse(&config).unwrap_err();
            assert!(!error.to_string().contains("unknown key"), "{error}");
            assert!(schema.contains(&format!("\"{}\": {{", source.name)));
        }
    }

    /// Run with and without the features of the sources.
    #[test]
    fn a_source_that_is_not_built_in_is_named_with_its_feature() {
        for source in sources() {
            let Some(feature) = source.missing() else {
                continue;
            };
            let config = format!("sources: {{a: {{{}: {{any: key}}}}}}", source.name);
            let error = parse(&config).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "a.yml:1:11: the source `a` cannot be used: {}",
                    not_built_in(source.name, feature)
                )
            );
        }
    }
}
