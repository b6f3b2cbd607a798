//! Ten thousand series in one page.

use super::Browser;
use super::appearance::keep_screenshot;
use super::shop::{Warehouse, serve};

/// Most rows that the script writes in one piece.
const SLICE_ROWS: u64 = 500;

/// Most rows of tables, for any number of series.
const MAX_ROWS: u64 = 400;

/// The longest task of the browser, in milliseconds, since it was asked to look. It reports from 50 ms on.
const LONGEST: &str = "Math.max(0, ...(window.longest ?? []))";

#[test]
fn ten_thousand_series_are_taken_in_slices_and_only_what_is_seen_is_drawn() {
    let Some(mut browser) = Browser::start("page-many") else {
        return;
    };
    let warehouse = Warehouse::new();
    let (_server, page) = serve(&warehouse.registry);
    browser.open(&page);
    browser.evaluate(
        "{window.longest = []; new PerformanceObserver((list) => window.longest.push(...list.getEntries().map((entry) => entry.duration))).observe({type: 'longtask'});
        const interval = document.getElementById('interval'); interval.value = '1'; interval.dispatchEvent(new Event('change'))}",
    );
    browser.refreshes(1);
    assert_eq!(
        browser.evaluate("document.getElementById('shown').textContent.replace(/\\s+/g, ' ')"),
        "10 000 series in 3 families"
    );
    let rows = "document.querySelectorAll('.family tr:not(.room)').length";
    // Everything is opened, and still only what is near the window exists.
    browser.evaluate("document.querySelectorAll('.more').forEach((button) => button.click())");
    for sort in ["name", "value", "change"] {
        browser.evaluate(&format!(
            "{{const sort = document.getElementById('sort'); sort.value = '{sort}'; sort.dispatchEvent(new Event('change'))}}"
        ));
        warehouse.work();
        browser.refreshes(2);
        let count = browser.evaluate(rows).as_u64().expect("a number");
        assert!((8..=MAX_ROWS).contains(&count), "{count} rows");
        let largest = browser.evaluate(
            "Math.max(...performance.getEntriesByName('slice').map((slice) => slice.detail.rows))",
        );
        let largest = largest.as_u64().expect("a number");
        assert!(
            (1..=SLICE_ROWS).contains(&largest),
            "{largest} rows in one slice"
        );
    }
    // Far down the rows are there when they are looked at.
    let last = "[...document.querySelectorAll('.family')].at(-1)";
    browser.evaluate("window.scrollTo(0, 100000)");
    browser.until(&format!("{last}.getBoundingClientRect().top > -1e9 && [...document.querySelectorAll('.family tr:not(.room)')].some((tr) => {{const box = tr.getBoundingClientRect(); return box.top >= 0 && box.bottom <= innerHeight}})"));
    assert!(browser.evaluate(rows).as_u64().expect("a number") <= MAX_ROWS);
    browser.evaluate("window.scrollTo(0, 0)");
    browser.evaluate("{const sort = document.getElementById('sort'); sort.value = 'name'; sort.dispatchEvent(new Event('change')); document.getElementById('filter').focus()}");
    browser.write("node-007 nvme3");
    browser.until("document.getElementById('shown').textContent.startsWith('2 of ')");
    browser.evaluate("document.getElementById('filter').select()");
    browser.write("node-00");
    browser.until("document.getElementById('shown').textContent.startsWith('290 of ')");
    if std::env::var_os("UPDATE_SCREENSHOTS").is_some() {
        for _ in 0..8 {
            warehouse.work();
            browser.refreshes(1);
        }
        println!(
            "longest task: {} ms (0: below 50)",
            browser.evaluate(LONGEST)
        );
        let slowest = browser.evaluate(
            "Math.max(...performance.getEntriesByName('slice').map((slice) => slice.duration))",
        );
        println!("longest slice of the last refresh: {slowest} ms");
    }
    browser.size(1100, 760);
    keep_screenshot(&mut browser, "ten-thousand");
    browser.assert_calm(&page);
}
