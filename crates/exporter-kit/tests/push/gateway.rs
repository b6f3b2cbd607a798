//! Requests to a Pushgateway, byte by byte, and the handling of its responses.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use exporter_kit::push::{PushError, PushGateway};
use exporter_kit::{Gauge, Registry, StateSet};

/// Far beyond what a push takes here.
const PATIENCE: Duration = Duration::from_secs(60);

/// Answers one request, and gives it back.
struct Recorder {
    address: SocketAddr,
    request: thread::JoinHandle<String>,
}

impl Recorder {
    fn answering(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let request = thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let request = read_request(&mut stream);
            stream.write_all(answer.as_bytes()).unwrap();
            request
        });
        Self { address, request }
    }

    fn group(&self, job: &str) -> PushGateway {
        let group = PushGateway::new(&self.address.to_string(), job).unwrap();
        group.timeout(PATIENCE)
    }

    fn request(self) -> String {
        self.request.join().unwrap()
    }
}

/// One request: its head, and a body as long as the head says.
fn read_request(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).unwrap();
    head + &String::from_utf8(body).unwrap()
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

fn registry() -> Registry {
    let registry = Registry::new();
    registry.gauge("rows", "Rows.").unwrap().set(7);
    registry
}

const BODY: &str = "# HELP rows Rows.\n# TYPE rows gauge\nrows 7.0\n";

#[test]
fn a_push_is_this_request() {
    let recorder = Recorder::answering(OK);
    let address = recorder.address;
    recorder.group("backup").push(&registry()).unwrap();
    let expected = format!(
        "PUT /metrics/job/backup HTTP/1.1\r\nhost: {address}\r\nuser-agent: exporter-kit/{}\r\n\
         content-type: text/plain; version=0.0.4; charset=utf-8\r\ncontent-length: {}\r\n\r\n{BODY}",
        env!("CARGO_PKG_VERSION"),
        BODY.len()
    );
    assert_eq!(recorder.request(), expected);
}

#[test]
fn an_addition_posts_and_a_deletion_has_no_body() {
    let recorder = Recorder::answering(OK);
    recorder.group("backup").push_add(&registry()).unwrap();
    let request = recorder.request();
    assert!(
        request.starts_with("POST /metrics/job/backup HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(request.ends_with(BODY), "{request}");

    let recorder = Recorder::answering("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
    recorder.group("backup").delete().unwrap();
    let request = recorder.request();
    assert!(
        request.starts_with("DELETE /metrics/job/backup HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.ends_with("\r\n\r\n") && !request.contains("content-type"),
        "{request}"
    );
}

#[test]
fn the_grouping_is_sorted_and_coded_where_a_path_needs_it() {
    let recorder = Recorder::answering(OK);
    let url = format!("http://{}/behind/a/proxy/", recorder.address);
    let group = PushGateway::new(&url, "a/b").unwrap();
    let labels = [
        ("zone", "eu-1"),
        ("instance", "db:9090"),
        ("empty", ""),
        ("dots", ".."),
        ("path", "/var/tmp"),
        ("utf", "grün ü"),
    ];
    let group = labels.iter().fold(group, |group, (name, value)| {
        group.grouping(name, value).unwrap()
    });
    group.delete().unwrap();
    let request = recorder.request();
    let path = request.split(' ').nth(1).unwrap();
    assert_eq!(
        path,
        "/behind/a/proxy/metrics/job@base64/YS9i/dots@base64/Li4/empty@base64/=/instance/db:9090\
         /path@base64/L3Zhci90bXA/utf@base64/Z3LDvG4gw7w/zone/eu-1"
    );
}

#[test]
fn the_password_is_sent_and_never_shown() {
    let recorder = Recorder::answering("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    let group = recorder.group("backup").basic_auth("aladdin", "opensesame");
    let shown = format!("{group:?}");
    let error = group.push(&registry()).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("401; set user and password with `basic_auth`"),
        "{error}"
    );
    for shown in [shown, error.to_string(), format!("{error:?}")] {
        assert!(
            !shown.contains("opensesame") && !shown.contains("YWxhZGRpb"),
            "{shown}"
        );
    }
    let request = recorder.request();
    assert!(
        request.contains("\r\nauthorization: Basic YWxhZGRpbjpvcGVuc2VzYW1l\r\n"),
        "{request}"
    );
}

#[test]
fn a_refusal_says_the_url_the_status_and_why() {
    let recorder = Recorder::answering(
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\npushed metrics are invalid\n",
    );
    let url = format!("http://{}/metrics/job/backup", recorder.address);
    let error = recorder.group("backup").push(&registry()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot push to `{url}`: status 400: `pushed metrics are invalid`; correct the metrics that it names"
        )
    );
    assert!(matches!(error, PushError::Answer { status: 400, .. }));
}

#[test]
fn nobody_there_and_no_http_there_are_told_apart() {
    let address = "127.0.0.1:1";
    let group = PushGateway::new(address, "backup").unwrap();
    let error = group.timeout(PATIENCE).push(&registry()).unwrap_err();
    assert!(matches!(error, PushError::Connect { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains(&format!("`http://{address}/metrics/job/backup`: ")),
        "{error}"
    );

    let recorder = Recorder::answering("SSH-2.0-OpenSSH_9.2\r\n");
    let error = recorder.group("backup").push(&registry()).unwrap_err();
    assert!(matches!(error, PushError::Exchange { .. }), "{error}");
}

#[test]
fn a_gateway_that_hangs_is_left_and_its_connection_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    listener.set_nonblocking(true).unwrap();
    // Where the machine stands still for so long that it was not even connected, it gets more time.
    let mut stream = (0..).find_map(|doubled| {
        let seconds = 1 << doubled;
        let group = PushGateway::new(&address, "backup").unwrap();
        let group = group.timeout(Duration::from_secs(seconds));
        let error = group.push(&registry()).unwrap_err();
        assert!(matches!(error, PushError::Timeout { .. }), "{error}");
        let said = format!("timeout of {seconds}s exceeded; ");
        assert!(error.to_string().contains(&said), "{error}");
        listener.accept().ok()
    });
    let (stream, _) = stream.as_mut().unwrap();
    stream.set_nonblocking(false).unwrap();
    // Ends only when the connection does.
    let mut request = String::new();
    stream.read_to_string(&mut request).unwrap();
    assert!(
        "PUT /metrics/job/backup ".starts_with(request.get(..24).unwrap_or(&request)),
        "{request}"
    );
}

#[test]
fn a_collector_that_hangs_does_not_hold_up_the_deadline() {
    let registry = Registry::new();
    let (release, hold) = mpsc::channel::<()>();
    let hold = std::sync::Mutex::new(hold);
    registry
        .gauge_function("slow", "Slow.", move || {
            let _ = hold.lock().unwrap().recv();
            0
        })
        .unwrap();
    let group = PushGateway::new("127.0.0.1:1", "backup")
        .unwrap()
        .timeout(Duration::from_millis(50));
    let error = group.push(&registry).unwrap_err();
    assert!(matches!(error, PushError::Timeout { .. }), "{error}");
    drop(release);
}

#[test]
fn series_that_carry_a_label_of_the_group_are_not_pushed() {
    // Nothing listens there: it is not asked.
    let group = PushGateway::new("127.0.0.1:1", "backup")
        .unwrap()
        .grouping("instance", "a")
        .unwrap();
    for label in ["job", "instance"] {
        let registry = Registry::new();
        let rows = registry
            .add(Gauge::define("rows", "Rows.").labels([label]))
            .unwrap();
        rows.with(["x"]).set(1);
        let error = group.push(&registry).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("cannot push family `rows`: its label `{label}`")),
            "{error}"
        );
    }
    let registry = Registry::new();
    let states = StateSet::define("instance", "Its state.", &["up", "down"]);
    registry.add(states).unwrap().set("up");
    let error = group.push_add(&registry).unwrap_err();
    assert!(matches!(error, PushError::LabelTaken { .. }), "{error}");
}

#[test]
fn what_makes_no_group_is_refused_at_once() {
    assert!(matches!(
        PushGateway::new("push", ""),
        Err(PushError::NoJob)
    ));
    for name in ["job", "a-b", "", "__name__", "twice"] {
        let group = PushGateway::new("push", "backup")
            .unwrap()
            .grouping("twice", "1")
            .unwrap();
        let error = group.grouping(name, "x").unwrap_err().to_string();
        assert!(error.contains(&format!("name `{name}`: ")), "{error}");
    }
}

#[tokio::test]
async fn asynchronous_code_awaits_and_synchronous_calls_do_not_panic_there() {
    let recorder = Recorder::answering(OK);
    recorder
        .group("backup")
        .push_async(&registry())
        .await
        .unwrap();
    assert!(recorder.request().starts_with("PUT /metrics/job/backup "));
    let recorder = Recorder::answering(OK);
    recorder
        .group("backup")
        .push_add_async(&registry())
        .await
        .unwrap();
    assert!(recorder.request().starts_with("POST /metrics/job/backup "));
    let recorder = Recorder::answering(OK);
    recorder.group("backup").delete_async().await.unwrap();
    assert!(
        recorder
            .request()
            .starts_with("DELETE /metrics/job/backup ")
    );
    let recorder = Recorder::answering(OK);
    recorder.group("backup").push(&registry()).unwrap();
    assert!(recorder.request().ends_with(BODY));
}

#[tokio::test]
async fn a_future_that_is_dropped_closes_its_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let group = PushGateway::new(&address, "backup").unwrap();
    let group = group.timeout(PATIENCE);
    let push = tokio::spawn(async move { group.push_async(&registry()).await });
    let accepted = tokio::task::spawn_blocking(move || {
        let mut stream = listener.accept().unwrap().0;
        read_request(&mut stream);
        stream
    });
    let mut stream = accepted.await.unwrap();
    push.abort();
    let read = tokio::task::spawn_blocking(move || stream.read(&mut [0]).unwrap());
    assert_eq!(read.await.unwrap(), 0);
}
