//! OAuth 2.0 of the source `http`: tokens that are reused, renewed, and never shown.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use crate::http_source::{Request, answer, serve};
use crate::program::{Running, end, get};
use crate::support::{Scratch, assert_lines, said};

/// A server of tokens and of the number that they give access to.
#[derive(Default)]
struct Issuer {
    /// The number of token requests.
    asked: usize,
    /// The number of the token that is accepted.
    valid: usize,
    /// The paths that were requested.
    paths: Vec<String>,
}

type SharedIssuer = Arc<Mutex<Issuer>>;

/// `a b` and `s3cret&%` as a form encodes them, in the header.
const IN_HEADER: &str = "Basic YStiOnMzY3JldCUyNiUyNQ==";
const FORM: &str = "grant_type=client_credentials&scope=read+metrics&audience=shop";

fn issue(request: &Request, issuer: &SharedIssuer) -> String {
    let mut issuer = issuer.lock().expect("no panic");
    issuer.paths.push(request.path.clone());
    let header = |name: &str| request.headers.get(name).map_or("", String::as_str);
    let token = |lifetime: &str, issuer: &mut Issuer| {
        issuer.asked += 1;
        issuer.valid = issuer.asked;
        let body = format!(
            "{{\"access_token\": \"s3cret-token-{}\", \"token_type\": \"bearer\"{lifetime}}}",
            issuer.valid
        );
        answer("200 OK", "Content-Type: application/json\r\n", &body)
    };
    let is_form = header("content-type") == "application/x-www-form-urlencoded";
    let has_login = header("authorization") == IN_HEADER && request.body == FORM;
    let login_in_body = "&client_id=a+b&client_secret=s3cret%26%25";
    match &*request.path {
        "/token" if is_form && has_login => token(", \"expires_in\": 3600", &mut issuer),
        "/short" if is_form && has_login => token(", \"expires_in\": \"9\"", &mut issuer),
        "/for-ever" if is_form && has_login => token("", &mut issuer),
        "/body" if request.body == format!("{FORM}{login_in_body}") => token("", &mut issuer),
        "/moved" => answer("302 Found", "Location: /token\r\n", ""),
        "/html" => answer("200 OK", "", "<html>s3cret&%</html>"),
        "/long" => answer("200 OK", "", &" ".repeat(100_000)),
        "/number" if header("authorization") == format!("Bearer s3cret-token-{}", issuer.valid) => {
            answer("200 OK", "", "7")
        }
        "/closed" => answer("401 Unauthorized", "", ""),
        path if path.starts_with("/number") => answer("401 Unauthorized", "", ""),
        // It repeats what it was sent.
        _ => answer(
            "401 Unauthorized",
            "",
            &format!(
                "{{\"error\": \"invalid_client\", \"error_description\": \"not s3cret&%: {}\"}}",
                header("authorization")
            ),
        ),
    }
}

fn issuer() -> (SocketAddr, SharedIssuer) {
    let issuer = SharedIssuer::default();
    let own = Arc::clone(&issuer);
    let address = serve(|stream| stream, move |request| issue(request, &own));
    (address, issuer)
}

fn source(name: &str, server: SocketAddr, (path, token): (&str, &str), secret: &str) -> String {
    format!(
        "  {name}:
    http:
      url: http://{server}{path}
      format: number
      oauth2:
        client_id: a b
        {secret}
        token_url: http://{server}{token}
        scopes: [read, metrics]
        endpoint_params: {{audience: shop}}
    metrics: [{{name: app_{name}, help: A number.}}]
"
    )
}

const SECRET: &str = "client_secret: 's3cret&%'";

#[test]
fn a_token_is_reused_and_renewed_once_when_it_is_rejected() {
    let scratch = Scratch::new("oauth2");
    let (server, issuer) = issuer();
    let config = format!(
        "sources:\n{}",
        source("a", server, ("/number", "/token"), SECRET)
    );
    let file = scratch.write("config.yml", &config);
    let (_running, address) = Running::listening(&["--config.file", &file.to_string_lossy()]);
    let asked = || issuer.lock().expect("no panic").asked;
    let scrape = || get(address, "/metrics").1;
    for _ in 0..3 {
        assert_lines(&scrape(), &["app_a 7.0"]);
    }
    assert_eq!(asked(), 1);
    // Its server forgets it.
    issuer.lock().expect("no panic").valid = 0;
    assert_lines(&scrape(), &["app_a 7.0"]);
    assert_eq!(asked(), 2);
    assert_lines(&scrape(), &["app_a 7.0"]);
    let paths = issuer.lock().expect("no panic").paths.join(" ");
    assert_eq!(
        paths,
        "/token /number /number /number /number /token /number /number"
    );
}

#[test]
fn a_token_is_asked_for_again_when_it_expires_and_no_more_than_once_a_fetch() {
    let scratch = Scratch::new("oauth2-expiry");
    let (server, issuer) = issuer();
    for (token, path, expected) in [
        ("/short", "/number", "/short /number /short /number"),
        ("/for-ever", "/number", "/for-ever /number /number"),
        // A new token that is rejected is the last one of this fetch.
        ("/token", "/closed", "/token /closed /token /closed"),
        // The way that such a server accepts is remembered.
        ("/body", "/number", "/body /body /number /number"),
    ] {
        let config = format!("sources:\n{}", source("a", server, (path, token), SECRET));
        let file = scratch.write("config.yml", &config);
        let (_running, address) = Running::listening(&["--config.file", &file.to_string_lossy()]);
        let up = format!(
            "app_exporter_source_up{{source=\"a\"}} {}.0",
            u8::from(path == "/number")
        );
        for _ in 0..2 {
            assert_lines(&get(address, "/metrics").1, &[&up]);
        }
        let paths = std::mem::take(&mut issuer.lock().expect("no panic").paths);
        assert_eq!(paths.join(" "), expected);
    }
}

#[test]
fn what_goes_wrong_with_tokens_is_said_without_the_secret() {
    let scratch = Scratch::new("oauth2-failures");
    let (server, _) = issuer();
    scratch.write("secret", "s3cret&%\n");
    let number = |token| ("/number", token);
    let sources = [
        source(
            "file",
            server,
            number("/for-ever"),
            "client_secret_file: '${NAME}'",
        ),
        source(
            "wrong",
            server,
            number("/token"),
            "client_secret: s3cret-wrong",
        ),
        source("moved", server, number("/moved"), SECRET),
        source("html", server, number("/html"), SECRET),
        source("long", server, number("/long"), SECRET),
        source("none", server, number("/token"), "client_secret_file: none"),
    ];
    let file = scratch.write("config.yml", &format!("sources:\n{}", sources.concat()));
    let arguments = ["once", "--config.file", &file.to_string_lossy()];
    let text = said(&end(&arguments, &[("NAME", "secret")]));
    assert!(!text.contains("s3cret"), "{text}");
    let failed = |name: &str, reason: &str| {
        format!("app_exporter_source_errors_total{{source=\"{name}\",reason=\"{reason}\"}} 1.0")
    };
    assert_lines(
        &text,
        &[
            "app_file 7.0",
            &failed("wrong", "login"),
            &failed("moved", "login"),
            &failed("html", "login"),
            &failed("long", "limit"),
            &failed("none", "login"),
        ],
    );
    for said in [
        "/token`: cannot log in: status 401 Unauthorized, `invalid_client`; check `client_id`",
        "/moved`: cannot log in: status 302 Found; check ",
        "/html`: cannot log in: the response is not JSON with an `access_token`; check `token_url`",
        "/long`: more than 65536 bytes",
    ] {
        assert!(text.contains(said), "{said} in {text}");
    }
}
