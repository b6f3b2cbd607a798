//! Appearance of the page: light, dark, narrow, without a script.
//!
//! With `UPDATE_SCREENSHOTS=1` the pictures in `docs/page/` are taken again.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::Browser;
use super::shop::Shop;
use crate::support::run;

/// Pictures are kept small, as a repository keeps each version.
const MAX_BYTES: usize = 150 * 1024;

/// Saves what is in the window as `docs/page/NAME.png`, if that was asked for.
pub(super) fn keep_screenshot(browser: &mut Browser, name: &str) {
    if std::env::var_os("UPDATE_SCREENSHOTS").is_none() {
        return;
    }
    let picture = run(Command::new("base64").arg("-d"), &browser.screenshot());
    assert!(picture.status.success(), "{picture:?}");
    assert!(
        picture.stdout.len() <= MAX_BYTES,
        "{name}: {} bytes",
        picture.stdout.len()
    );
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/page");
    std::fs::create_dir_all(&folder).expect("the folder");
    std::fs::write(folder.join(format!("{name}.png")), picture.stdout).expect("the picture");
}

/// Runs the shop for a few refreshes, so that there is something to see.
fn trade(browser: &mut Browser, shop: &Shop, page: &str) {
    browser.open(page);
    browser.evaluate("{const interval = document.getElementById('interval'); interval.value = '1'; interval.dispatchEvent(new Event('change'))}");
    let turns = if std::env::var_os("UPDATE_SCREENSHOTS").is_some() {
        24
    } else {
        2
    };
    for turn in 0..turns {
        shop.trade(turn);
        browser.refreshes(1);
    }
    browser.evaluate("{const interval = document.getElementById('interval'); interval.value = '5'; interval.dispatchEvent(new Event('change'))}");
}

const BACKGROUND: &str = "getComputedStyle(document.body).backgroundColor";
const LIGHT: &str = "rgb(245, 246, 246)";
const DARK: &str = "rgb(16, 20, 21)";

#[test]
fn it_is_light_or_dark_as_the_reader_likes() {
    let Some(mut browser) = Browser::start("page-colours") else {
        return;
    };
    let shop = Shop::new().with_sources();
    let (_server, page) = shop.serve();
    browser.prefer("light");
    trade(&mut browser, &shop, &page);
    assert_eq!(browser.evaluate(BACKGROUND), LIGHT);
    keep_screenshot(&mut browser, "light");
    browser.prefer("dark");
    assert_eq!(browser.evaluate(BACKGROUND), DARK);
    browser.evaluate("{const filter = document.getElementById('filter'); filter.value = 'shop_re'; filter.dispatchEvent(new Event('input'))}");
    browser.until("document.getElementById('shown').textContent.includes(' of ')");
    keep_screenshot(&mut browser, "dark");
    browser.evaluate("document.querySelector('.how').open = true");
    keep_screenshot(&mut browser, "how-to-scrape");
    // The button outdoes the system, and is remembered as long as the tab is there.
    browser.evaluate("document.getElementById('theme').click()");
    assert_eq!(browser.evaluate(BACKGROUND), LIGHT);
    browser.open(&page);
    assert_eq!(browser.evaluate(BACKGROUND), LIGHT);
    let pressed = "document.getElementById('theme').getAttribute('aria-pressed')";
    browser.until(&format!("{pressed} === 'false'"));
    browser.evaluate("document.getElementById('theme').click()");
    assert_eq!(browser.evaluate(BACKGROUND), DARK);
    browser.assert_calm(&page);
}

#[test]
fn it_fits_a_narrow_window() {
    let Some(mut browser) = Browser::start("page-narrow") else {
        return;
    };
    let shop = Shop::new();
    shop.queues
        .with([&"a-very-long-name-without-any-spaces".repeat(20)])
        .set(1);
    let (_server, page) = shop.serve();
    browser.size(360, 780);
    trade(&mut browser, &shop, &page);
    // A line ends between labels: one that is in two lines is too long for any.
    let filter = |text: &str| {
        format!(
            "{{const filter = document.getElementById('filter'); filter.value = '{text}'; filter.dispatchEvent(new Event('input'))}}"
        )
    };
    browser.evaluate(&filter("without-any-spaces"));
    browser.until("document.querySelector('.label') !== null");
    let broken = "[...document.querySelectorAll('.label')].filter((label) => label.getClientRects().length > 1).length";
    assert_eq!(browser.evaluate(broken), json!(0));
    browser.evaluate(&filter(""));
    shop.queues.remove_matching(&[]);
    let width = "document.documentElement.scrollWidth";
    assert_eq!(browser.evaluate(width), json!(360));
    browser.evaluate("document.querySelector('.how').open = true");
    assert_eq!(browser.evaluate(width), json!(360));
    browser.evaluate("document.querySelector('.how').open = false");
    keep_screenshot(&mut browser, "narrow");
    browser.assert_calm(&page);
}

#[test]
fn it_is_a_plain_table_without_javascript() {
    let Some(mut browser) = Browser::start("page-no-script") else {
        return;
    };
    let shop = Shop::new();
    let (_server, page) = shop.serve();
    browser.call(
        "Emulation.setScriptExecutionDisabled",
        json!({"value": true}),
    );
    // The page sends browsers without a script to the table.
    browser.open(&page);
    browser.loaded(&format!("{page}table.html"));
    let text = browser.evaluate("document.body.innerText.replace(/\\s+/g, ' ')");
    let text = text.as_str().expect("text");
    for part in [
        "The values at the time this was loaded.",
        "shop_active_sessions gauge Number of active user sessions. Labels Value 45",
        "method=GET status=200 182467",
        "Version 2.4.1 Up ",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    // No control is shown that would do nothing.
    let dead = browser.evaluate(
        "[...document.querySelectorAll('button, input, select')].filter((control) => control.checkVisibility()).length",
    );
    assert_eq!(dead, json!(0));
    keep_screenshot(&mut browser, "no-script");
    browser.size(360, 780);
    assert_eq!(
        browser.evaluate("document.documentElement.scrollWidth"),
        json!(360)
    );
    browser.assert_calm(&page);
}
