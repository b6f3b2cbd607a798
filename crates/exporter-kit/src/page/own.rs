//! The families about the exporter itself, which the page shows folded below those of the application.

/// The beginnings of their names.
const PREFIXES: [&str; 2] = ["exporter_kit_", "process_"];

/// The ends of their names: build, reload of the configuration, health of the sources.
const SUFFIXES: [&str; 9] = [
    "_build_info",
    "_config_last_reload_successful",
    "_config_last_reload_success_timestamp_seconds",
    "_source_age_seconds",
    "_source_duration_seconds",
    "_source_errors_total",
    "_source_last_success_timestamp_seconds",
    "_source_rows",
    "_source_up",
];

/// Returns whether the family of that name is about the exporter.
pub(super) fn is_own(name: &str) -> bool {
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
}

/// The same rule for the script, as a regular expression.
pub(super) fn pattern() -> String {
    format!("^({})|({})$", PREFIXES.join("|"), SUFFIXES.join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_about_the_exporter_are_told_by_their_names() {
        for name in [
            "process_cpu_seconds_total",
            "exporter_kit_http_connections",
            "shop_build_info",
            "shop_source_up",
        ] {
            assert!(is_own(name), "{name}");
        }
        for name in ["shop_processes", "shop_build_infos", "shop_source", "up"] {
            assert!(!is_own(name), "{name}");
        }
    }

    #[test]
    fn the_pattern_needs_no_escaping() {
        let is_plain = |c: char| c.is_ascii_lowercase() || "_^$|()".contains(c);
        assert!(pattern().chars().all(is_plain), "{}", pattern());
    }
}
