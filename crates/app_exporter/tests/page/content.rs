//! Content of the page, and its use.

use exporter_kit::{Registry, Server};
use serde_json::{Value, json};

use super::Browser;
use super::shop::Shop;

/// The text of the family's section, with ordinary spaces.
fn family(name: &str) -> String {
    format!(
        "([...document.querySelectorAll('.family')].find((section) => section.querySelector('h2').textContent === '{name}')?.innerText ?? '').replace(/\\s+/g, ' ')"
    )
}

const TITLES: &str = "[...document.querySelectorAll('.family h2')].map((h2) => h2.textContent)";

#[test]
fn it_shows_every_family_and_how_the_exporter_is() {
    let Some(mut browser) = Browser::start("page-content") else {
        return;
    };
    let shop = Shop::new().with_sources();
    let (_server, page) = shop.serve();
    browser.open(&page);
    browser.drawn();
    for (name, parts) in [
        (
            "shop_active_sessions",
            &["gauge", "Number of active user sessions.", "45"][..],
        ),
        (
            "shop_requests_total",
            &["counter", "method=GET", "status=200", "182 467", "0/s"],
        ),
        (
            "shop_request_duration_seconds",
            &["histogram", "4000", "mean 3", "p50 ≈ ", "p99 ≈ ", "sum "],
        ),
        ("shop_cache_size_bytes", &["700 MiB"]),
        ("shop_region_info", &["info", "region=eu-central"]),
    ] {
        let text = browser.evaluate(&family(name));
        for part in parts {
            let text = text.as_str().unwrap_or_default();
            assert!(text.contains(part), "{part} in {name}: {text}");
        }
    }
    // The exporter's own families are folded below, the health of its sources among them.
    let folded = "[...document.querySelectorAll('.own .family h2')].map((h2) => h2.textContent)";
    let order = browser.evaluate(&format!(
        "{TITLES}.slice(-{folded}.length).join() === {folded}.join()"
    ));
    assert_eq!(order, json!(true));
    let folded = browser.evaluate(folded).to_string();
    for name in ["process_threads", "shop_build_info", "shop_source_up"] {
        assert!(folded.contains(name), "{name} in {folded}");
    }
    assert!(!folded.contains("shop_active_sessions"), "{folded}");
    assert_eq!(
        browser.evaluate("document.querySelector('.own').open"),
        json!(false)
    );
    browser.evaluate("document.querySelector('.own > summary').click()");
    let started = family("process_start_time_seconds");
    browser.until(&format!("/ago|now/.test({started})"));
    // A process that has just begun did so now.
    let begun = browser.evaluate(&family("process_start_time_seconds"));
    let begun = begun.as_str().unwrap_or_default();
    assert!(begun.contains("ago") || begun.contains("now"), "{begun}");
    let health =
        browser.evaluate("document.querySelector('.health').innerText.replace(/\\s+/g, ' ')");
    let health = health.as_str().expect("text");
    for part in [
        "Answering",
        "No collector has failed",
        "1 of 2 sources failing: redis",
        "database up 2 h ",
        "12.3 ms none",
        "redis failing 12 min",
        "timeout 17",
    ] {
        assert!(health.contains(part), "{part} in {health}");
    }
    let host = page.trim_start_matches("http://").trim_end_matches('/');
    let config = browser.evaluate("document.getElementById('scrape-config').textContent");
    assert_eq!(
        config,
        json!(format!(
            "scrape_configs:\n  - job_name: shop_exporter\n    scheme: http\n    metrics_path: '/metrics'\n    static_configs:\n      - targets: ['{host}']\n"
        ))
    );
    let facts =
        browser.evaluate("document.querySelector('.facts').innerText.replace(/\\s+/g, ' ')");
    let facts = facts.as_str().expect("text");
    assert!(facts.starts_with("Version 2.4.1 Up "), "{facts}");
    // The links work, and show text.
    for (link, first) in [
        ("a[href$=\"/metrics\"]", "# HELP process_cpu"),
        ("a[href$=\"/openmetrics.txt\"]", "# TYPE process_cpu"),
    ] {
        let text = browser.evaluate(&format!(
            "fetch(document.querySelector('{link}').href).then(async (answer) => answer.headers.get('content-type').split(';')[0] + ' ' + await answer.text())"
        ));
        let text = text.as_str().expect("text");
        assert!(text.starts_with("text/plain # "), "{link}: {text:.80}");
        assert!(text.contains(first), "{first} in {text:.200}");
    }
    browser.assert_calm(&page);
}

#[test]
fn notices_stand_at_the_top() {
    let Some(mut browser) = Browser::start("page-notices") else {
        return;
    };
    let server = Server::builder(&Registry::new())
        .listen("127.0.0.1:0")
        .notice("These numbers are <b>simulated</b>.")
        .notice("And nothing is for sale.")
        .start()
        .expect("a free port");
    let page = format!("http://{}/", server.local_addresses()[0]);
    browser.open(&page);
    browser.drawn();
    let notices = browser
        .evaluate("[...document.body.children].slice(0, 2).map((notice) => notice.innerText)");
    assert_eq!(
        notices,
        json!([
            "These numbers are <b>simulated</b>.",
            "And nothing is for sale."
        ])
    );
    browser.assert_calm(&page);
}

#[test]
fn it_refreshes_itself_until_it_is_paused() {
    let Some(mut browser) = Browser::start("page-live") else {
        return;
    };
    let shop = Shop::new();
    let (_server, page) = shop.serve();
    browser.open(&page);
    browser.evaluate("{const interval = document.getElementById('interval'); interval.value = '1'; interval.dispatchEvent(new Event('change'))}");
    browser.drawn();
    let sessions = family("shop_active_sessions");
    for count in [61, 52, 70] {
        // In this order, so that whoever sees the sessions has the requests.
        shop.requests.with(["GET", "200"]).inc_by(100);
        shop.sessions.set(count);
        browser.until(&format!("{sessions}.includes(' {count} ')"));
    }
    let line = |name: &str| {
        format!(
            "[...document.querySelectorAll('.family')].find((section) => section.querySelector('h2').textContent === '{name}').querySelector('.line').getAttribute('d')"
        )
    };
    for name in ["shop_active_sessions", "shop_requests_total"] {
        let line = browser.evaluate(&line(name));
        assert!(
            line.as_str().is_some_and(|d| d.matches('L').count() >= 2),
            "{name}: {line}"
        );
    }
    let requests = browser.evaluate(&family("shop_requests_total"));
    let requests = requests.as_str().expect("text");
    assert!(requests.contains("182 767"), "{requests}");
    // A rate above zero for the one that moved, zero for the others.
    assert_eq!(requests.matches(" 0/s").count(), 3, "{requests}");

    browser.evaluate("document.getElementById('pause').click()");
    browser.until("document.getElementById('pause').textContent === 'Resume'");
    browser.until("document.querySelector('#health').innerText.includes('Paused')");
    let before = browser.requests();
    shop.sessions.set(99);
    // Nothing tells that nothing happens: two intervals are waited for.
    browser.evaluate("new Promise((go) => setTimeout(go, 2500))");
    assert!(browser.requests() <= before + 1, "it goes on while paused");
    browser.evaluate("document.getElementById('pause').click()");
    browser.until(&format!("{sessions}.includes(' 99 ')"));

    // A series that is gone is gone from the page, a new one is there.
    shop.queues.remove(["mail"]);
    shop.queues.with(["letters"]).set(7);
    let queues = family("shop_queue_jobs");
    browser.until(&format!(
        "!{queues}.includes('queue=mail') && {queues}.includes('queue=letters')"
    ));
    browser.assert_calm(&page);
}

#[test]
fn it_is_filtered_and_sorted_from_the_keyboard() {
    let Some(mut browser) = Browser::start("page-keys") else {
        return;
    };
    let shop = Shop::new();
    let (_server, page) = shop.serve();
    browser.open(&page);
    browser.drawn();
    let all = browser.evaluate(TITLES);
    let count = all.as_array().expect("a list").len();

    browser.press("/", 191, Some("/"));
    assert_eq!(browser.evaluate("document.activeElement.id"), "filter");
    assert_eq!(browser.evaluate("document.activeElement.value"), "");
    browser.write("method=get requests");
    browser.until(&format!("{TITLES}.join() === 'shop_requests_total'"));
    browser.until("document.querySelectorAll('.family tbody tr').length === 2");
    browser.until("document.getElementById('status').textContent.startsWith('2 of ')");
    assert_eq!(
        browser.evaluate("decodeURIComponent(location.hash)"),
        "#method=get requests"
    );
    // The help is searched as well, and a filter outlives loading again.
    browser.evaluate("document.getElementById('filter').select()");
    browser.write("user sessions");
    browser.until(&format!("{TITLES}.join() === 'shop_active_sessions'"));
    browser.open("about:blank");
    browser.open(&format!("{page}#user%20sessions"));
    browser.until(&format!("{TITLES}.join() === 'shop_active_sessions'"));
    // A match is never hidden: the fold is open for as long as there is a filter.
    browser.press("/", 191, Some("/"));
    browser.write("process_threads");
    browser.until(&format!("{TITLES}.join() === 'process_threads'"));
    browser.until("document.querySelector('.own').open");
    browser.press("Escape", 27, None);
    browser.until("!document.querySelector('.own').open");
    browser.write("no such metric");
    browser.until("document.querySelector('.end').textContent.startsWith('Nothing matches')");
    browser.press("Escape", 27, None);
    browser.until(&format!("{TITLES}.length === {count}"));
    browser.press("Escape", 27, None);
    assert_eq!(
        browser.evaluate("document.activeElement === document.body"),
        json!(true)
    );

    let sort = |by: &str| {
        format!(
            "{{const sort = document.getElementById('sort'); sort.value = '{by}'; sort.dispatchEvent(new Event('change'))}}"
        )
    };
    browser.evaluate(&sort("value"));
    // What the machine does is in the process' own families; where those stand nobody knows.
    let own = format!("{TITLES}.filter((name) => name.startsWith('shop_'))");
    browser.until(&format!(
        "{own}.join().startsWith('shop_cache_size_bytes,shop_requests_total,shop_request_duration_seconds,shop_queue_jobs')"
    ));
    let values = "[...[...document.querySelectorAll('.family')].find((section) => section.querySelector('h2').textContent === 'shop_queue_jobs').querySelectorAll('td.value')].map((td) => Number(td.title))";
    browser.until(&format!("{values}.join() === '128,3,0'"));
    browser.evaluate("{const interval = document.getElementById('interval'); interval.value = '1'; interval.dispatchEvent(new Event('change'))}");
    browser.evaluate(&sort("change"));
    shop.queues.with(["thumbnails"]).set(50);
    browser.until(&format!(
        "{own}[0] === 'shop_queue_jobs' && {values}.join() === '50,128,3'"
    ));

    // The focus goes through the controls in the order in which they stand, and is seen.
    browser.evaluate("document.querySelector('summary').focus()");
    let mut order = Vec::new();
    for _ in 0..5 {
        browser.press("Tab", 9, None);
        order.push(browser.evaluate("document.activeElement.id"));
    }
    assert_eq!(
        order,
        ["filter", "sort", "interval", "pause", "theme"].map(Value::from)
    );
    let outline = browser.evaluate("getComputedStyle(document.activeElement).outlineStyle");
    assert_eq!(outline, "solid");
    let nameless = browser.evaluate(
        "[...document.querySelectorAll('button, input, select')].filter((control) => !(control.getAttribute('aria-label') || control.labels?.[0]?.textContent.trim() || control.textContent.trim())).length",
    );
    assert_eq!(nameless, json!(0));
    browser.assert_calm(&page);
}
