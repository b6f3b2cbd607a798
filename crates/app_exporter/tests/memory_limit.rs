//! The limit of memory for all sources together.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use crate::program::end;
use crate::support::{Scratch, assert_lines, said, sample};

/// Sends that many bytes of a number, and then nothing more.
fn serve_without_end(bytes: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut stream = stream;
                // The client takes no answer before its request.
                let _ = stream.read(&mut [0; 1024]);
                let head = "HTTP/1.1 200 OK\r\nContent-Length: 16000000\r\n\r\n";
                let text = "1".repeat(bytes);
                let sent = stream.write_all(format!("{head}{text}").as_bytes());
                // Until the client goes.
                let _ = sent.map(|()| stream.read_to_end(&mut Vec::new()));
            });
        }
    });
    port
}

#[test]
fn sources_that_receive_too_much_together_fail_and_the_others_do_not() {
    let scratch = Scratch::new("memory-received");
    let mut config = "sources:\n".to_owned();
    for name in ["greedy_a", "greedy_b"] {
        let port = serve_without_end(700 * 1024);
        let _ = writeln!(
            config,
            "  {name}:\n    timeout: 3s\n    http: {{format: number, url: 'http://127.0.0.1:{port}/'}}\n    metrics: \
             [{{name: app_{name}, help: A number.}}]"
        );
    }
    scratch.write("small.txt", "7");
    config.push_str(
        "  small:\n    file: {format: number, path: small.txt}\n    metrics: [{name: app_small, help: A number.}]\n",
    );
    let file = scratch.write("config.yml", &config);
    let file = file.to_string_lossy();
    let output = end(
        &["once", "--config.file", &file, "--memory.limit", "2MiB"],
        &[],
    );
    let text = said(&output);
    assert_lines(
        &text,
        &[
            "app_small 7.0",
            "app_exporter_source_up{source=\"small\"} 1.0",
        ],
    );
    let failed = |reason: &str| {
        let of = |name: &str| {
            let labels = format!("{{source=\"{name}\",reason=\"{reason}\"}}");
            sample(&text, &format!("app_exporter_source_errors_total{labels}"))
        };
        of("greedy_a").unwrap_or_default() + of("greedy_b").unwrap_or_default()
    };
    assert_eq!((failed("limit"), failed("timeout")), (1.0, 1.0), "{text}");
    let said =
        "the sources together receive more than fits into half of `--memory.limit`, 2097152 bytes";
    assert!(text.contains(said), "{text}");
}

#[test]
fn numbers_that_do_not_fit_beside_those_of_others_cost_their_source() {
    let scratch = Scratch::new("memory-kept");
    let mut rows = "key,value\n".to_owned();
    for key in 0..20_000 {
        let _ = writeln!(rows, "{key},1");
    }
    scratch.write("many.csv", &rows);
    scratch.write("few.csv", "key,value\na,7\n");
    let mut config = "sources:\n".to_owned();
    for name in ["few", "many"] {
        let _ = writeln!(
            config,
            "  {name}:\n    file: {{format: csv, path: {name}.csv}}\n    metrics: [{{name: app_{name}, help: A number., value: \
             value, labels: [key]}}]"
        );
    }
    let file = scratch.write("config.yml", &config);
    let file = file.to_string_lossy();
    let collect = |limit: &str| {
        let arguments = ["once", "--config.file", &file, "--memory.limit", limit];
        said(&end(&arguments, &[]))
    };
    let text = collect("2MiB");
    assert_lines(
        &text,
        &[
            "app_few{key=\"a\"} 7.0",
            "app_exporter_source_errors_total{source=\"many\",reason=\"limit\"} 1.0",
        ],
    );
    assert!(text.contains("the memory limit of 1048576 bytes"), "{text}");
    assert_lines(&collect("16MiB"), &["app_many{key=\"19999\"} 1.0"]);
}

#[test]
fn a_limit_that_is_none_is_refused_with_its_remedy() {
    let output = end(&["--memory.limit", "12 parsecs"], &[]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    let remedy = "`12 parsecs` is not a number of bytes; write it as 1048576, 1MiB or 1GB";
    assert!(text.contains(remedy), "{text}");
}
