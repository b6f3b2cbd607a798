//! The table of sources: what a configuration can name.

use crate::config::SourceConfig;
use crate::sources::origin::{Configured, SourceInfo};
use crate::sources::{command, file, files, http, login, redis, simulate, sql};

/// Every source.
pub(crate) const SOURCES: &[SourceInfo] = &[
    simulate::INFO,
    file::INFO,
    files::INFO,
    command::INFO,
    http::INFO,
    sql::INFO,
    redis::INFO,
    login::INFO,
];

/// The one source that a configuration names.
///
/// # Errors
/// When it names none or several: the end of a sentence that begins with the source.
pub(crate) fn configured(source: &SourceConfig) -> Result<Configured<'_>, String> {
    let mut named = SOURCES.iter().filter_map(|it| (it.configured)(source));
    match (named.next(), named.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => {
            let names: Vec<_> = SOURCES.iter().map(|it| format!("`{}`", it.name)).collect();
            let names = names.join(", ");
            Err(format!(
                "does not say where its numbers are; add one of {names}, with what it needs under it"
            ))
        }
        (Some(a), Some(b)) => Err(format!(
            "has both `{}` and `{}`; make two sources of it",
            a.name, b.name
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Location};

    #[test]
    fn every_source_is_listed_under_its_key() {
        let schema = format!("{:#}", Config::schema());
        for source in SOURCES {
            let config = format!("sources: {{a: {{{}: 1}}}}", source.name);
            let error = Config::parse(&config, &Location::new("a.yml")).unwrap_err();
            assert!(!error.to_string().contains("unknown key"), "{error}");
            assert!(schema.contains(&format!("\"{}\": {{", source.name)));
        }
    }
}
