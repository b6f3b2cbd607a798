//! A distinct secret in every key that can hold one, and everything that the program says.

use std::fs;
use std::io::Write as _;

use serde_json::Value;

use crate::http_source::{answer, serve};
use crate::program::{Running, connect, end, get, rest};
use crate::support::{Scratch, said, wait_until};

/// Every key that hides what it holds is in here, with a secret that begins with `s3cret`.
const CONFIG: &str = "sources:
  basic:
    http: {url: 'http://SERVER/basic?token=${TOKEN}', basic: {user: me, password: s3cret-basic}, format: number}
    metrics: [{name: app_basic, help: A number.}]
  file:
    http: {url: 'http://SERVER/file', basic: {user: '${USER_NAME}', password_file: password}, format: number}
    metrics: [{name: app_file, help: A number.}]
  bearer:
    http:
      url: http://SERVER/bearer
      method: POST
      bearer: s3cret-bearer
      body: '{\"key\": \"s3cret-body\"}'
      headers: {X-Key: s3cret-header}
      format: number
    metrics: [{name: app_bearer, help: A number.}]
  token:
    http: {url: 'http://SERVER/token', bearer_file: token, format: number}
    metrics: [{name: app_token, help: A number.}]
  oauth2:
    http:
      url: http://SERVER/number
      oauth2: {client_id: '${USER_NAME}', client_secret: s3cret-client, token_url: 'http://SERVER/token', endpoint_params: {key: s3cret-parameter}}
      format: number
    metrics: [{name: app_oauth2, help: A number.}]
  proxy:
    http: {url: 'http://shop.invalid/', proxy_url: 'http://SERVER', proxy_basic: {user: '${USER_NAME}', password: s3cret-proxy}, format: number}
    metrics: [{name: app_proxy, help: A number.}]
  fastcgi:
    fastcgi: {address: '127.0.0.1:1', path: '/${TOKEN}', parameters: {HTTP_KEY: s3cret-parameter}, format: number}
    metrics: [{name: app_fastcgi, help: A number.}]
  probed:
    probe: {targets: [{target: a, variables: {KEY: s3cret-target}}]}
    http: {url: 'http://SERVER/${target}?${KEY}', basic: {user: me, password: '${KEY}'}, format: number}
    metrics: [{name: app_probed, help: A number.}]
  broken:
    http: {url: 'http://127.0.0.1:1/?token=${TOKEN}', basic: {user: '${USER_NAME}', password: '${PASSWORD}'}, format: number}
    metrics: [{name: app_broken, help: A number.}]
  postgres:
    sql: {postgres: {host: 127.0.0.1, port: 1, user: '${USER_NAME}', password: s3cret-postgres}, query: SELECT 1 AS value}
    metrics: [{name: app_postgres, help: A number.}]
  mysql:
    sql: {mysql: {host: 127.0.0.1, port: 1, user: '${USER_NAME}', password_file: password}, query: SELECT 1 AS value}
    metrics: [{name: app_mysql, help: A number.}]
  redis:
    redis: {address: '127.0.0.1:1', user: '${USER_NAME}', password: s3cret-redis, queries: {size: {command: [DBSIZE]}}}
    metrics: [{name: app_redis, help: A number.}]
  sentinel:
    redis:
      sentinel: {addresses: ['127.0.0.1:1'], master: shop, user: '${USER_NAME}', password: s3cret-sentinel}
      password: '${PASSWORD}'
      queries: {size: {command: [DBSIZE]}}
    metrics: [{name: app_sentinel, help: A number.}]
  command:
    command: {argv: [sh, -c, 'test -n \"$KEY\" && touch asked; until test -e go; do sleep 0.02; done; echo 1'], environment: {KEY: s3cret-environment}, pass_environment: [PASSWORD], format: number}
    metrics: [{name: app_command, help: A number.}]
";

const VARIABLES: [(&str, &str); 3] = [
    ("TOKEN", "s3cret-variable-token"),
    ("USER_NAME", "s3cret-variable-user"),
    ("PASSWORD", "s3cret-variable-password"),
];

fn assert_no_secret(what: &str, text: &str) {
    let found = text.find("s3cret");
    let found = found.and_then(|at| text.get(at..text.len().min(at + 30)));
    assert_eq!(found, None, "in {what}:\n{text}");
}

/// The keys of the configuration whose values are hidden, by the schema.
fn hidden_keys(schema: &Value, keys: &mut Vec<String>) {
    for part in schema["$defs"].as_object().expect("definitions").values() {
        for (key, value) in part["properties"].as_object().into_iter().flatten() {
            if value.to_string().contains("\"#/$defs/Secret\"") {
                keys.push(key.clone());
            }
        }
    }
}

#[test]
fn every_key_that_hides_something_is_tested() {
    let schema = end(&["schema"], &[]).stdout;
    let schema: Value = serde_json::from_slice(&schema).expect("JSON");
    let mut keys = Vec::new();
    hidden_keys(&schema, &mut keys);
    assert!(keys.len() >= 5, "{keys:?}");
    for key in keys {
        let begin = format!("{key}: ");
        let mut after = CONFIG
            .match_indices(&begin)
            .map(|(at, it)| &CONFIG[at + it.len()..]);
        let has_secret = after.any(|after| {
            let value = after.lines().next().unwrap_or_default();
            let value = value.split([',', '}']).next().unwrap_or_default();
            value.contains("s3cret")
        });
        assert!(
            has_secret,
            "no secret under `{key}`: add one to the test's configuration"
        );
    }
}

#[test]
fn no_secret_is_ever_said() {
    let scratch = Scratch::new("secrets");
    let server = serve(
        |stream| stream,
        |request| {
            let sent = format!("{} {:?} {}", request.path, request.headers, request.body);
            // What a server says of its own is not ours: it may not repeat what it was sent.
            let known = ["s3cret", "Basic "].iter().any(|it| sent.contains(it));
            answer(
                "200 OK",
                "",
                if known {
                    "1"
                } else {
                    "not asked with its secret"
                },
            )
        },
    );
    scratch.write("password", "s3cret-file\n");
    scratch.write("token", "s3cret-token\n");
    // What the command waits for.
    scratch.write("go", "");
    let config = CONFIG.replace("SERVER", &server.to_string());
    let file = scratch.write("config.yml", &config);
    let name = file.to_string_lossy();
    for arguments in [
        vec!["once", "--config.file", &name],
        vec!["check-config", &name],
    ] {
        let output = end(&arguments, &VARIABLES);
        assert_no_secret(arguments[0], &said(&output));
    }
    let output = said(&end(&["once", "--config.file", &name], &VARIABLES));
    for source in ["basic", "file", "bearer", "token", "proxy", "command"] {
        let line = format!("app_{source} 1.0\n");
        assert!(output.contains(&line), "{line} in {output}");
    }

    let mut running = Running::start(
        &[
            "--web.listen-address=127.0.0.1:0",
            "--config.file",
            &name,
            "--log.level=debug",
            "--web.enable-lifecycle",
        ],
        &VARIABLES,
    );
    let address = running.address();
    // While it is asked, so that the command runs.
    let asked = scratch.path().join("asked");
    let go = scratch.path().join("go");
    for file in [&asked, &go] {
        fs::remove_file(file).expect("it is there");
    }
    let mut scraping = connect(address);
    write!(scraping, "GET /metrics HTTP/1.0\r\n\r\n").expect("a request");
    wait_until("the command runs", || asked.exists());
    let parent = format!("\nPPid:\t{}\n", running.id());
    for process in fs::read_dir("/proc").expect("it").map_while(Result::ok) {
        let status = fs::read_to_string(process.path().join("status")).unwrap_or_default();
        if *process.file_name() != *running.id().to_string() && !status.contains(&parent) {
            continue;
        }
        let arguments = fs::read(process.path().join("cmdline")).unwrap_or_default();
        assert_no_secret("arguments", &String::from_utf8_lossy(&arguments));
    }
    scratch.write("go", "");
    assert_no_secret("/metrics", &rest(scraping));
    for path in [
        "/",
        "/config",
        "/table.html",
        "/openmetrics.txt",
        "/probe?source=basic&target=a",
        "/probe?source=probed&target=a",
        "/probe?source=probed&target=b",
    ] {
        let (_, text) = get(address, path);
        assert_no_secret(path, &text);
    }
    // What does not parse is not repeated, nor what is not resolved.
    for broken in [
        config.replace("s3cret-basic", "'s3cret-${'"),
        config.replace("s3cret-basic", "'s3cret-${NOT_SET}'"),
        config.replace("s3cret-basic", "[s3cret-list]"),
        config.replace("s3cret-header", "\"s3cret-\\n\""),
        // Values of keys that hide nothing, from variables.
        config.replace("port: 1,", "port: '${PASSWORD}',"),
        config.replace("method: POST", "method: '${PASSWORD}'"),
        config.replace("format: number", "format: '${PASSWORD}'"),
        config.replace("master: shop", "master: shop, timeout: '${PASSWORD}'"),
        config.replace("name: app_file", "name: '${PASSWORD}'"),
        config
            .replace("'http://SERVER/file'", "'${PASSWORD}'")
            .replace(
                "url: 'http://127.0.0.1:1/?token=${TOKEN}'",
                "url: '${PASSWORD}'",
            ),
        // Secrets that are no map.
        config
            .replace(
                "headers: {X-Key: s3cret-header, }",
                "headers: s3cret-header",
            )
            .replace("headers: {X-Key: s3cret-header}", "headers: s3cret-header"),
        config.replace(
            "environment: {KEY: s3cret-environment}",
            "environment: s3cret-environment",
        ),
        config.replace(
            "basic: {user: me, password: s3cret-basic}",
            "basic: s3cret-basic",
        ),
        config.replace(
            "variables: {KEY: s3cret-target}",
            "variables: s3cret-target",
        ),
    ] {
        scratch.write("config.yml", &broken);
        let output = end(&["check-config", &name], &VARIABLES);
        assert_eq!(output.status.code(), Some(1), "{broken}");
        assert_no_secret("check-config", &said(&output));
        let mut reloading = connect(address);
        write!(reloading, "POST /-/reload HTTP/1.0\r\n\r\n").expect("a request");
        assert_no_secret("/-/reload", &rest(reloading));
    }
    running.signal(rustix::process::Signal::TERM);
    let (_, log) = running.end();
    assert!(
        log.iter().any(|line| line.contains("source `broken`")),
        "{log:?}"
    );
    assert_no_secret("the log", &log.join("\n"));
}

#[test]
fn the_configuration_that_runs_is_shown_and_linked() {
    let scratch = Scratch::new("config-page");
    let config = "sources:
  a:
    http: {url: 'http://127.0.0.1:1/${TOKEN}/${target}', bearer: s3cret}
    probe: {targets: ['*']}
    metrics: [{name: app_a, help: A number., value: status}]
";
    let file = scratch.write("config.yml", config);
    let name = file.to_string_lossy();
    let arguments = ["--web.listen-address=127.0.0.1:0", "--config.file", &name];
    let mut running = Running::start(&arguments, &VARIABLES);
    let address = running.address();
    assert!(
        get(address, "/")
            .1
            .contains("<a href=\"/config\">Configuration</a>")
    );
    let shows = |line: &str| {
        let (status, text) = get(address, "/config");
        assert_eq!(status, 200);
        text.contains(line)
    };
    for line in [
        "  a:\n",
        "url: http://127.0.0.1:1/${TOKEN}/${target}",
        "bearer: <secret>",
        "help: A number.",
    ] {
        assert!(shows(line), "{line} in {}", get(address, "/config").1);
    }
    // What is refused does not run.
    for (text, shown, said) in [
        (
            config.replace("sources", "surces"),
            "help: A number.",
            "did you mean `sources`?",
        ),
        (
            config.replace("A number", "Another"),
            "help: Another.",
            "msg=Reloaded",
        ),
    ] {
        scratch.write("config.yml", &text);
        running.signal(rustix::process::Signal::HUP);
        running.wait_for(|line| line.contains(said).then_some(()));
        assert!(shows(shown), "{shown}");
    }
    // What was shown can be used, but for its secrets.
    let again = scratch.write("again.yml", &get(address, "/config").1);
    let output = end(&["check-config", &again.to_string_lossy()], &VARIABLES);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}
