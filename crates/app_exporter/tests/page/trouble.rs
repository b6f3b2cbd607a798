//! Texts that must not become markup, and failures that the page must show.

use exporter_kit::{Gauge, Registry, Server};
use serde_json::json;

use super::Browser;
use super::shop::{Shop, serve};
use crate::support::Port;

/// A script that would run if any text became markup, an address or a script.
const ATTACKS: &[&str] = &[
    "<script>window.attacked = 1</script>",
    "<img src=x onerror=\"window.attacked = 1\">",
    "\"><svg onload='window.attacked = 1'>",
    "' onmouseover='window.attacked = 1",
    "javascript:window.attacked = 1",
    "</td></table></main><iframe srcdoc=\"<script>parent.attacked = 1</script>\">",
    "{{title}}",
    "${window.attacked = 1}",
    "back\\slash \"quotes\"\nand } a line",
    "\u{202e}txet\u{2028}",
];

fn attacked() -> Registry {
    let registry = Registry::new();
    for (i, attack) in ATTACKS.iter().enumerate() {
        let family = registry
            .add(Gauge::define(&format!("victim_{i}"), attack).labels(["value", "other"]))
            .expect("a free name");
        family.with([attack, "plain"]).set(1);
        family.with(["plain", attack]).set(2);
    }
    registry
}

#[test]
fn labels_and_help_are_never_more_than_text() {
    let Some(mut browser) = Browser::start("page-injection") else {
        return;
    };
    let registry = attacked();
    let server = Server::builder(&registry)
        .listen("127.0.0.1:0")
        .self_metrics(false)
        .title(ATTACKS[0])
        .description(ATTACKS[1])
        .version(ATTACKS[2])
        .start()
        .expect("a free port");
    let page = format!("http://{}/", server.local_addresses()[0]);
    let intact = |browser: &mut Browser| {
        let shown = browser.evaluate("document.getElementById('families').textContent");
        let shown = shown.as_str().expect("text");
        for attack in ATTACKS {
            // In the help and in two labels.
            assert!(shown.matches(attack).count() >= 3, "{attack} in {shown}");
        }
        for foreign in [
            "main img",
            "iframe",
            "main script",
            "body [onload], body [onerror], body [onmouseover]",
        ] {
            let found = format!("document.querySelectorAll('{foreign}').length");
            assert_eq!(browser.evaluate(&found), json!(0), "{foreign}");
        }
        assert_eq!(browser.evaluate("window.attacked ?? 0"), json!(0));
    };
    browser.call(
        "Emulation.setScriptExecutionDisabled",
        json!({"value": true}),
    );
    browser.open(&format!("{page}table.html"));
    intact(&mut browser);
    browser.call(
        "Emulation.setScriptExecutionDisabled",
        json!({"value": false}),
    );
    browser.open(&page);
    browser.refreshes(1);
    // Rows are drawn where they are seen.
    browser.size(1280, 4000);
    browser.until(&format!(
        "document.querySelectorAll('.family tbody tr:not(.room)').length === {}",
        2 * ATTACKS.len()
    ));
    intact(&mut browser);
    browser.evaluate("document.getElementById('filter').focus()");
    browser.write(ATTACKS[0]);
    browser.until("document.querySelectorAll('.family').length === 1");
    browser.assert_calm(&page);

    // And if something were inline, the policy would not let it run: this is the one thing that is said.
    browser.evaluate("{const script = document.createElement('script'); try { script.textContent = 'window.attacked = 1'; } catch {} document.head.append(script)}");
    browser.evaluate("{const image = document.createElement('img'); image.src = 'http://127.0.0.2:9/'; document.body.append(image)}");
    assert_eq!(browser.evaluate("window.attacked ?? 0"), json!(0));
}

#[test]
fn it_says_when_the_exporter_is_gone_and_when_it_is_back() {
    let Some(mut browser) = Browser::start("page-gone") else {
        return;
    };
    let shop = Shop::new();
    let port = Port::reserve();
    let start = || Server::builder(&shop.registry).listen(port.address).start();
    let server = start().expect("its port");
    let page = format!("http://{}/", port.address);
    browser.open(&page);
    browser.evaluate("{const interval = document.getElementById('interval'); interval.value = '1'; interval.dispatchEvent(new Event('change'))}");
    browser.refreshes(1);
    server.shutdown();
    browser.until(
        "document.querySelector('#health .bad')?.textContent.startsWith('No answer since ')",
    );
    assert_eq!(
        browser.evaluate("document.getElementById('status').textContent"),
        "The exporter does not answer"
    );
    // What was known is still there to read.
    let shown = browser.evaluate("document.getElementById('families').innerText");
    assert!(
        shown
            .as_str()
            .is_some_and(|text| text.contains("shop_active_sessions"))
    );
    let _server = start().expect("the same port");
    browser.until("document.querySelector('#health .good')?.textContent === 'Answering'");
    browser.refreshes(1);
}

#[test]
fn it_names_the_collector_that_failed() {
    let Some(mut browser) = Browser::start("page-failure") else {
        return;
    };
    let registry = Registry::new();
    registry
        .gauge_function("broken", "Panics.", || -> f64 { panic!("on purpose") })
        .expect("a free name");
    registry.gauge("whole", "Does not.").expect("a free name");
    let (_server, page) = serve(&registry);
    browser.open(&page);
    browser.until("document.querySelector('#health')?.innerText.includes('Collector broken: ')");
    let families = browser.evaluate("document.getElementById('families').innerText");
    assert!(
        families.as_str().is_some_and(|text| text.contains("whole")),
        "{families}"
    );
    browser.assert_calm(&page);
}
