//! The page as HTML.

use std::fmt::Write as _;
use std::time::Duration;

use super::asset::{self, Asset};
use super::html::{escape, fill};
use super::landing::{Landing, Links};
use super::own;
use super::table::{MAX_SERIES, Table};

/// The name, below the prefix, of the page for browsers without script.
pub(crate) const TABLE: &str = "table.html";

const TEMPLATE: &str = include_str!("assets/page.html");

/// The parts of the page that depend on the request.
#[derive(Debug)]
pub(crate) struct Viewer {
    /// The exporter's name in the request, if it is fit to be copied.
    pub(crate) host: Option<String>,
    /// The request came with credentials.
    pub(crate) login: bool,
    /// The time since the server was created.
    pub(crate) uptime: Duration,
}

/// Renders the page, which the script fills with values. It runs no collector, so it works while one hangs.
pub(crate) fn live(landing: &Landing, links: &Links, viewer: &Viewer) -> String {
    let prefix = links.prefix.as_str();
    let mut page = String::with_capacity(TEMPLATE.len() + 1024);
    fill(&mut page, TEMPLATE, |out, gap| match gap {
        "head" => {
            out.push_str("<script src=\"");
            link(out, prefix, &asset::SCRIPT);
            out.push_str("\"></script>\n<noscript><meta http-equiv=\"refresh\" content=\"0; url=");
            escape(out, prefix);
            let _ = write!(out, "/{TABLE}\"></noscript>");
        }
        "main" => {
            out.push_str("<p class=\"cut\">The values are in a <a href=\"");
            escape(out, prefix);
            let _ = writeln!(out, "/{TABLE}\">plain table</a> as well.</p>");
        }
        gap => common(out, gap, landing, links, viewer),
    });
    page
}

/// Renders the page for browsers without script: the current values, as a table.
pub(crate) fn table(landing: &Landing, links: &Links, viewer: &Viewer, table: Table) -> String {
    let (table, cut) = table.finish();
    let mut page = String::with_capacity(TEMPLATE.len() + table.len() + 1024);
    fill(&mut page, TEMPLATE, |out, gap| match gap {
        "main" => {
            out.push_str("<p class=\"cut\">The values at the time this was loaded. With JavaScript there is a <a href=\"");
            escape(out, &links.prefix);
            out.push_str("/\">live page</a>.</p>\n");
            out.push_str(&table);
            if cut {
                let _ = write!(
                    out,
                    "<p class=\"cut\">This table ends after {MAX_SERIES} series or 512 KiB. Everything is in the <a href=\""
                );
                escape(out, &links.metrics);
                out.push_str("\">raw text</a>.</p>\n");
            }
        }
        "head" => {}
        gap => common(out, gap, landing, links, viewer),
    });
    page
}

/// Fills the gaps that both pages share.
fn common(out: &mut String, gap: &str, landing: &Landing, links: &Links, viewer: &Viewer) {
    let prefix = links.prefix.as_str();
    let metrics = links.metrics.as_str();
    match gap {
        "title" => escape(out, landing.title()),
        "description" => escape(out, landing.description.as_deref().unwrap_or_default()),
        "notices" => {
            for notice in &landing.notices {
                out.push_str("\n<p class=\"notice\" role=\"note\">");
                escape(out, notice);
                out.push_str("</p>");
            }
        }
        "pages" => {
            for page in &landing.pages {
                out.push_str("\n<p><a href=\"");
                escape(out, prefix);
                escape(out, &page.path);
                out.push_str("\">");
                escape(out, &page.title);
                out.push_str("</a></p>");
            }
        }
        "version" => escape(out, landing.version.as_deref().unwrap_or("–")),
        "uptime" => {
            let _ = write!(out, "{}", viewer.uptime.as_secs());
        }
        "uptime text" => span(out, viewer.uptime),
        "own" => escape(out, &own::pattern()),
        "prefix" => escape(out, prefix),
        "style" => link(out, prefix, &asset::STYLE),
        "icon" => link(out, prefix, &asset::ICON),
        "metrics" => escape(out, metrics),
        "job" => escape(out, &job(landing.title())),
        "yaml path" => escape(out, &metrics.replace('\'', "''")),
        "shell path" => escape(out, &metrics.replace('\'', "'\\''")),
        "host" => escape(out, viewer.host.as_deref().unwrap_or("HOST:PORT")),
        "scheme" => out.push_str(if landing.tls { "https" } else { "http" }),
        "login" if viewer.login => out.push_str(
            "\n    # This exporter asks for a login.\n    basic_auth:\n      username: NAME\n      password_file: FILE",
        ),
        _ => {}
    }
}

fn link(out: &mut String, prefix: &str, asset: &Asset) {
    escape(out, prefix);
    let _ = write!(out, "/{}?v={:08x}", asset.name, asset.version);
}

/// A name for the job, of characters that need no quoting anywhere.
fn job(title: &str) -> String {
    let mut job = String::new();
    for character in title.chars() {
        match character {
            'a'..='z' | '0'..='9' | '_' | '-' => job.push(character),
            'A'..='Z' => job.push(character.to_ascii_lowercase()),
            _ if job.is_empty() || job.ends_with('_') => {}
            _ => job.push('_'),
        }
    }
    let job = job.trim_end_matches('_');
    if job.is_empty() {
        "exporter".to_owned()
    } else {
        job.to_owned()
    }
}

/// Writes a time span in its two largest units.
fn span(out: &mut String, span: Duration) {
    let seconds = span.as_secs();
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    let _ = match (days, hours, minutes) {
        (0, 0, 0) => write!(out, "{rest} s"),
        (0, 0, _) => write!(out, "{minutes} min {rest} s"),
        (0, _, _) => write!(out, "{hours} h {minutes} min"),
        _ => write!(out, "{days} d {hours} h"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::PageLink;

    fn viewer() -> Viewer {
        Viewer {
            host: Some("[::1]:9100".into()),
            login: false,
            uptime: Duration::from_secs(3 * 3600 + 120),
        }
    }

    #[test]
    fn text_stays_text() {
        let landing = Landing {
            title: Some("<script>".into()),
            description: Some("a & \"b\"".into()),
            version: Some("1.0'".into()),
            notices: vec!["<simulated>".into()],
            pages: vec![PageLink {
                path: "/a'b".into(),
                title: "<config>".into(),
            }],
            tls: false,
        };
        let links = Links {
            prefix: "/\"><script>".into(),
            metrics: "/metrics?\"><script>".into(),
        };
        let page = live(&landing, &links, &viewer());
        assert!(!page.contains("<script>"), "{page}");
        let table = table(&landing, &links, &viewer(), Table::default());
        assert!(!table.contains("<script"), "{table}");
        for part in [
            "<h1>&lt;script&gt;</h1>",
            "a &amp; &quot;b&quot;",
            "1.0&#39;",
            "<p class=\"notice\" role=\"note\">&lt;simulated&gt;</p>",
            "/a&#39;b\">&lt;config&gt;</a>",
            "src=\"/&quot;&gt;&lt;script&gt;/page.js?v=",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
    }

    #[test]
    fn the_configuration_to_copy_has_the_right_target() {
        let landing = Landing {
            title: Some("My App: exporter!".into()),
            tls: true,
            ..Landing::default()
        };
        let viewer = Viewer {
            login: true,
            ..viewer()
        };
        let links = Links {
            prefix: "/app".into(),
            metrics: "/app/it's".into(),
        };
        let page = live(&landing, &links, &viewer);
        for part in [
            "job_name: my_app_exporter\n",
            "scheme: <span data-fill=\"scheme\">https</span>\n",
            "metrics_path: '/app/it&#39;&#39;s'\n",
            "    basic_auth:\n      username: NAME\n",
            "targets: ['<span data-fill=\"host\">[::1]:9100</span>']",
            "<a href=\"/app/it&#39;s\">",
            "3 h 2 min",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
        assert!(!page.contains("{{"), "{page}");
    }

    #[test]
    fn spans_have_two_units() {
        for (seconds, expected) in [
            (0, "0 s"),
            (61, "1 min 1 s"),
            (7200, "2 h 0 min"),
            (90_000, "1 d 1 h"),
        ] {
            let mut out = String::new();
            span(&mut out, Duration::from_secs(seconds));
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn jobs_have_plain_names() {
        for (title, expected) in [
            ("App", "app"),
            ("a  b", "a_b"),
            ("«é»", "exporter"),
            ("x.", "x"),
        ] {
            assert_eq!(job(title), expected);
        }
    }
}
