use std::collections::BTreeMap;

use super::Recipe;
use crate::program::{Running, end};
use crate::support::{PhpFpm, Port, Scratch, nginx};

#[test]
fn a_real_php_fpm_tells_its_processes_and_requests() {
    let scratch = Scratch::new("php-fpm");
    let Some(fpm) = PhpFpm::start(&scratch) else {
        return;
    };
    let socket = format!("unix:{}", fpm.socket.display());
    let address = "address: unix:/run/php/php-fpm.sock";
    let recipe = Recipe::new("php-fpm").with(address, format!("address: '{socket}'"));
    let expected = |requests| {
        [
            "php_fpm_active_processes{pool=\"www\"} 1.0".to_owned(),
            "php_fpm_full_pools_total{pool=\"www\"} 0.0".to_owned(),
            "php_fpm_idle_processes{pool=\"www\"} 1.0".to_owned(),
            "php_fpm_processes{pool=\"www\"} 2.0".to_owned(),
            format!("php_fpm_requests_total{{pool=\"www\"}} {requests}.0"),
            "php_fpm_slow_requests_total{pool=\"www\"} 0.0".to_owned(),
            "php_fpm_waiting_requests{pool=\"www\"} 0.0".to_owned(),
        ]
    };
    assert_eq!(recipe.samples(), expected(1));
    assert_eq!(recipe.samples(), expected(2));
}

/// A web server in front of it, as most have one.
fn in_front(scratch: &Scratch, fpm: &PhpFpm, port: &Port) -> Option<Running> {
    let location = format!(
        "location / {{\n      fastcgi_pass unix:{};\n      \
         fastcgi_param SCRIPT_NAME $fastcgi_script_name;\n      fastcgi_param SCRIPT_FILENAME $fastcgi_script_name;\n      \
         fastcgi_param QUERY_STRING $query_string;\n      fastcgi_param REQUEST_METHOD $request_method;\n    }}",
        fpm.socket.display()
    );
    nginx(scratch, port, &location)
}

/// The series that this source passes on, without those that count requests or time.
fn series(scratch: &Scratch, source: &str) -> BTreeMap<String, String> {
    let config = format!("sources:\n  fpm: {{{source}}}\n");
    let file = scratch.write("config.yml", &config);
    let output = end(&["once", "--config.file", &file.to_string_lossy()], &[]);
    let failures = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), &*failures), (Some(0), ""));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let varies = [
        "app_exporter_",
        "phpfpm_accepted_",
        "phpfpm_start_since",
        "phpfpm_process_",
        "#",
    ];
    let lines = text.lines();
    let lines = lines.filter(|line| !varies.iter().any(|name| line.starts_with(name)));
    let pairs = lines.filter_map(|line| line.rsplit_once(' '));
    pairs
        .map(|(series, value)| (series.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn metrics_of_php_fpm_are_those_that_a_web_server_passes_on() {
    let scratch = Scratch::new("php-fpm-nginx");
    let Some(fpm) = PhpFpm::start(&scratch) else {
        return;
    };
    let port = Port::reserve();
    let Some(_nginx) = in_front(&scratch, &fpm, &port) else {
        return;
    };
    let url = format!(
        "http: {{url: 'http://{}/status?openmetrics', format: prometheus}}",
        port.address
    );
    let address = format!(
        "fastcgi: {{address: 'unix:{}', path: /status, query: openmetrics, format: prometheus}}",
        fpm.socket.display()
    );
    let direct = series(&scratch, &address);
    assert_eq!(direct, series(&scratch, &url));
    assert_eq!(direct["phpfpm_up"], "1.0");
    assert_eq!(direct["phpfpm_idle_processes"], "1.0");
    assert!(direct.len() >= 10, "{direct:?}");
}
