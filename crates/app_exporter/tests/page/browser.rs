//! A real Chromium without a window, driven through the protocol of its developer tools.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Scratch, require};

/// Long enough for a machine that is busy; a test that gets here fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Chromium takes commands from descriptor 3 and answers on 4; ours are its standard input and output. Its
/// messages about the missing desktop are discarded.
const PIPES: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#;

/// A browser with one tab.
pub(crate) struct Browser {
    chromium: Child,
    commands: Option<ChildStdin>,
    messages: Receiver<Value>,
    session: Option<String>,
    last_id: u64,
    events: Vec<Value>,
    _profile: Scratch,
}

impl Browser {
    /// `name` is the test's. `None` means that Chromium is missing and the test is left out.
    pub(crate) fn start(name: &str) -> Option<Self> {
        let path = require("chromium")?;
        let profile = Scratch::new(name);
        let mut chromium = command(&path, &profile)
            .spawn()
            .unwrap_or_else(|err| panic!("{} does not start: {err}", path.display()));
        let commands = chromium.stdin.take();
        let answers = BufReader::new(chromium.stdout.take().expect("its output is a pipe"));
        let (sender, messages) = mpsc::channel();
        thread::spawn(move || {
            // Each message ends in a zero byte.
            for message in answers.split(0).map_while(Result::ok) {
                let message = serde_json::from_slice(&message).expect("a message in JSON");
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let mut browser = Self {
            chromium,
            commands,
            messages,
            session: None,
            last_id: 0,
            events: Vec::new(),
            _profile: profile,
        };
        browser.open_tab();
        Some(browser)
    }

    fn open_tab(&mut self) {
        let tab = self.call("Target.createTarget", json!({"url": "about:blank"}));
        let attached = self.call(
            "Target.attachToTarget",
            json!({"targetId": tab["targetId"], "flatten": true}),
        );
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Network", "Log"] {
            self.call(&format!("{domain}.enable"), json!({}));
        }
        self.size(1200, 860);
    }

    /// Calls a method of the protocol and gives its result.
    pub(crate) fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({"id": id, "method": method});
        message["params"] = parameters;
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut message = message.to_string().into_bytes();
        message.push(0);
        let commands = self.commands.as_mut().expect("it is there until dropped");
        commands.write_all(&message).expect("Chromium listens");
        loop {
            let answer = self.next(method);
            if answer["id"] == json!(id) {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
        }
    }

    fn next(&mut self, waiting_for: &str) -> Value {
        let message = self
            .messages
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|err| panic!("waiting for {waiting_for}: {err}"));
        if message["method"].is_string() {
            self.events.push(message.clone());
        }
        message
    }

    /// Opens a page and waits until it is loaded.
    pub(crate) fn open(&mut self, url: &str) {
        let before = self.events.len();
        self.call("Page.navigate", json!({"url": url}));
        let loaded = |event: &Value| event["method"] == "Page.loadEventFired";
        while !self.events[before..].iter().any(loaded) {
            self.next(url);
        }
    }

    /// Waits until the page at `url` is loaded, to which another one leads. It asks neither page: while one replaces the
    /// other, Chromium answers with an error.
    pub(crate) fn loaded(&mut self, url: &str) {
        let navigated = |event: &Value| {
            let frame = &event["params"]["frame"];
            event["method"] == "Page.frameNavigated"
                && frame["url"] == url
                && frame["parentId"].is_null()
        };
        let loaded = |event: &Value| event["method"] == "Page.loadEventFired";
        loop {
            let at = self.events.iter().rposition(navigated);
            if at.is_some_and(|at| self.events[at..].iter().any(loaded)) {
                return;
            }
            self.next(url);
        }
    }

    /// The value of an expression in the page, once it is resolved if it is a promise.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let result = self.call(
            "Runtime.evaluate",
            json!({"expression": expression, "awaitPromise": true, "returnByValue": true}),
        );
        let failed = &result["exceptionDetails"];
        assert!(failed.is_null(), "{expression}: {failed}");
        result["result"]["value"].clone()
    }

    /// Waits until a condition holds; it is checked whenever the page changes.
    pub(crate) fn until(&mut self, condition: &str) {
        let patience = PATIENCE.as_millis() - 5000;
        let wait = format!(
            "new Promise((resolve) => {{
                const check = () => {{
                    if (!({condition})) return;
                    observer.disconnect();
                    resolve('');
                }};
                const observer = new MutationObserver(check);
                observer.observe(document, {{subtree: true, childList: true, attributes: true, characterData: true}});
                setTimeout(() => resolve(document.body.innerText), {patience});
                check();
            }})"
        );
        let page = self.evaluate(&wait);
        assert_eq!(page, "", "never came true: {condition}");
    }

    /// Waits until the page shows `more` further refreshes.
    pub(crate) fn refreshes(&mut self, more: u64) {
        let seen = self.evaluate("Number(document.documentElement.dataset.refresh ?? 0)");
        let wanted = seen.as_u64().expect("a number") + more;
        self.until(&format!(
            "Number(document.documentElement.dataset.refresh ?? 0) >= {wanted}"
        ));
    }

    /// Waits until the page shows the metrics, and all of it is drawn: in a window so high that all of it is near.
    pub(crate) fn drawn(&mut self) {
        self.size(1200, 4000);
        self.until("document.documentElement.dataset.refresh");
        self.until("![...document.querySelectorAll('.family .room')].some((room) => !room.closest('details:not([open])'))");
    }

    pub(crate) fn size(&mut self, width: u32, height: u32) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}),
        );
    }

    /// Sets the colours that the operating system prefers: `light` or `dark`.
    pub(crate) fn prefer(&mut self, colours: &str) {
        let feature = json!({"name": "prefers-color-scheme", "value": colours});
        self.call("Emulation.setEmulatedMedia", json!({"features": [feature]}));
    }

    /// Presses and releases a key. `text` is what it types, if anything.
    pub(crate) fn press(&mut self, key: &str, code: u32, text: Option<&str>) {
        let mut event = json!({"type": "keyDown", "key": key, "windowsVirtualKeyCode": code});
        if let Some(text) = text {
            event["text"] = json!(text);
        }
        self.call("Input.dispatchKeyEvent", event.clone());
        event["type"] = json!("keyUp");
        self.call("Input.dispatchKeyEvent", event);
    }

    /// Types into what has the focus.
    pub(crate) fn write(&mut self, text: &str) {
        self.call("Input.insertText", json!({"text": text}));
    }

    /// Takes a picture of the window, as PNG.
    pub(crate) fn screenshot(&mut self) -> String {
        let shot = self.call("Page.captureScreenshot", json!({"format": "png"}));
        shot["data"].as_str().expect("base64").to_owned()
    }

    /// Asserts that the page logged neither errors nor warnings, opened no dialogue and sent requests to its own host alone.
    pub(crate) fn assert_calm(&mut self, base: &str) {
        // Whatever happened before this is answered is in the events now.
        self.evaluate("0");
        for event in &self.events {
            let parameters = &event["params"];
            match event["method"].as_str() {
                Some(
                    "Runtime.exceptionThrown"
                    | "Log.entryAdded"
                    | "Runtime.consoleAPICalled"
                    | "Page.javascriptDialogOpening",
                ) => {
                    panic!("the page is not calm: {event}");
                }
                Some("Network.requestWillBeSent") => {
                    let url = parameters["request"]["url"].as_str().unwrap_or_default();
                    assert!(url.starts_with(base), "a request to {url}");
                }
                _ => {}
            }
        }
    }

    /// Counts the requests that the page has sent.
    pub(crate) fn requests(&mut self) -> usize {
        self.evaluate("0");
        let sent = |event: &&Value| event["method"] == "Network.requestWillBeSent";
        self.events.iter().filter(sent).count()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium ends when nobody commands it any more. If it is past that, it is killed.
        self.commands = None;
        while !matches!(
            self.messages.recv_timeout(PATIENCE),
            Err(mpsc::RecvTimeoutError::Disconnected | mpsc::RecvTimeoutError::Timeout)
        ) {}
        let _ = self.chromium.kill();
        let _ = self.chromium.wait();
    }
}

fn command(chromium: &Path, profile: &Scratch) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", PIPES]).arg(chromium).args([
        "--headless=new",
        "--remote-debugging-pipe",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-default-apps",
        "--disable-extensions",
        "--disable-sync",
        "--disable-breakpad",
        "--no-default-browser-check",
        "--no-first-run",
        "--hide-scrollbars",
    ]);
    // The sandbox refuses to be started by root.
    if rustix::process::geteuid().is_root() {
        command.arg("--no-sandbox");
    }
    let mut folder = std::ffi::OsString::from("--user-data-dir=");
    folder.push(profile.path());
    command
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}
