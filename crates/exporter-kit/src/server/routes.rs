//! The meaning of each path.

use crate::page::Links;
use crate::server::path::RoutePrefix;

/// The paths of a server.
#[derive(Debug)]
pub(crate) struct Routes {
    prefix: RoutePrefix,
    /// The prefix as browsers see it.
    external: RoutePrefix,
    metrics_path: String,
    metrics: String,
}

/// The meaning of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    Metrics,
    /// A path below the prefix, with the prefix removed: the page is at `/`.
    Below(&'a str),
    Healthy,
    Ready,
    Reload,
    /// A redirect to the page.
    ToHome,
    Nowhere,
}

impl Routes {
    /// Without an external URL, browsers see the same paths as the server. Without a prefix, the prefix is the path of
    /// the external URL.
    pub(crate) fn new(
        prefix: Option<RoutePrefix>,
        external: Option<RoutePrefix>,
        metrics_path: &str,
    ) -> Self {
        let prefix = prefix.or_else(|| external.clone()).unwrap_or_default();
        Self {
            external: external.unwrap_or_else(|| prefix.clone()),
            metrics: format!("{}{metrics_path}", prefix.as_str()),
            metrics_path: metrics_path.to_owned(),
            prefix,
        }
    }

    pub(crate) fn of<'a>(&self, path: &'a str) -> Route<'a> {
        if path == self.metrics {
            return Route::Metrics;
        }
        match path.strip_prefix(self.prefix.as_str()) {
            Some("/-/healthy") => Route::Healthy,
            Some("/-/ready") => Route::Ready,
            Some("/-/reload") => Route::Reload,
            Some("") => Route::ToHome,
            Some(rest) if rest.starts_with('/') => Route::Below(rest),
            _ if path == "/" => Route::ToHome,
            _ => Route::Nowhere,
        }
    }

    /// The path of the metrics.
    pub(crate) fn metrics(&self) -> &str {
        &self.metrics
    }

    /// The paths for links, as browsers see them.
    pub(crate) fn links(&self) -> Links {
        Links {
            prefix: self.external.as_str().to_owned(),
            metrics: format!("{}{}", self.external.as_str(), self.metrics_path),
        }
    }

    /// The path of the page.
    pub(crate) fn home(&self) -> String {
        format!("{}/", self.prefix.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(prefix: &str, metrics: &str) -> Routes {
        Routes::new(prefix.parse().ok(), None, metrics)
    }

    #[test]
    fn without_a_prefix_paths_are_what_they_are() {
        let routes = routes("/", "/metrics");
        for (path, route) in [
            ("/metrics", Route::Metrics),
            ("/", Route::Below("/")),
            ("/-/healthy", Route::Healthy),
            ("/-/ready", Route::Ready),
            ("/-/reload", Route::Reload),
            ("/metrics/", Route::Below("/metrics/")),
            ("//", Route::Below("//")),
            ("/-/", Route::Below("/-/")),
        ] {
            assert_eq!(routes.of(path), route, "{path}");
        }
    }

    #[test]
    fn with_a_prefix_only_the_way_to_it_is_outside() {
        let routes = routes("/a/b", "/metrics");
        assert_eq!(routes.metrics(), "/a/b/metrics");
        assert_eq!(routes.home(), "/a/b/");
        for (path, route) in [
            ("/a/b/metrics", Route::Metrics),
            ("/a/b/", Route::Below("/")),
            ("/a/b/c/d", Route::Below("/c/d")),
            ("/a/b/-/ready", Route::Ready),
            ("/a/b", Route::ToHome),
            ("/", Route::ToHome),
            ("/metrics", Route::Nowhere),
            ("/-/healthy", Route::Nowhere),
            ("/a/bmetrics", Route::Nowhere),
            ("/a/b-/ready", Route::Nowhere),
            ("/a", Route::Nowhere),
        ] {
            assert_eq!(routes.of(path), route, "{path}");
        }
    }

    #[test]
    fn links_are_what_browsers_see_and_say_where_the_prefix_was_not_said() {
        let external = || "/shop".parse().ok();
        let routes = Routes::new(None, external(), "/metrics");
        assert_eq!(routes.metrics(), "/shop/metrics");
        assert_eq!(routes.links().metrics, "/shop/metrics");
        let stripped = Routes::new("/".parse().ok(), external(), "/metrics");
        assert_eq!(stripped.metrics(), "/metrics");
        assert_eq!(stripped.links().metrics, "/shop/metrics");
        let alone = Routes::new("/a".parse().ok(), None, "/metrics");
        assert_eq!(alone.links().metrics, "/a/metrics");
    }

    #[test]
    fn metrics_can_take_the_place_of_the_page() {
        assert_eq!(routes("/", "/").of("/"), Route::Metrics);
        assert_eq!(routes("/a", "/").of("/a/"), Route::Metrics);
        assert_eq!(routes("/a", "/").of("/"), Route::ToHome);
    }
}
