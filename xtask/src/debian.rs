//! Debian's programs and packages: where they are, and their installation.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Failure, Outcome, output, step};

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

/// The program `name`, on the path or where Debian keeps servers outside it.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
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
    let mut candidates = folders.iter().map(|folder| folder.join(name));
    candidates
        .find(|path| is_program(path))
        .or_else(|| versioned(name, &folders))
}

/// The newest program of that name with a version behind it: Debian has `php-fpm8.2` for PHP-FPM.
fn versioned(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let entries = folders
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok());
    let paths = entries.flatten().flatten().map(|entry| entry.path());
    let found = paths.filter_map(|path| {
        let version = path.file_name()?.to_str()?.strip_prefix(name)?;
        let numbers: Option<Vec<u32>> = version.split('.').map(|it| it.parse().ok()).collect();
        Some((numbers?, path)).filter(|(_, path)| is_program(path))
    });
    found.max().map(|(_, path)| path)
}

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// The program `name` that ends well with the arguments `proof`; Debian's own, if it is another one's turn on the path.
pub(crate) fn find_able(name: &str, proof: &[&str]) -> Option<PathBuf> {
    let candidates = [find(name), Some(Path::new("/usr/bin").join(name))];
    let mut candidates = candidates.into_iter().flatten();
    candidates.find(|program| output(Command::new(program).args(proof)).is_ok())
}

/// Names `packages`, and fails unless they may be installed now.
pub(crate) fn agree(packages: &[&str], consent: Consent) -> Outcome {
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
pub(crate) fn install(mut packages: Vec<&str>) -> Outcome {
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
        // A template (`name@.service`) cannot be disabled; only its instances can.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_and_one_that_does_not_exist_is_not() {
        assert!(find("sh").is_some_and(|path| path.is_absolute()));
        assert_eq!(find("no-such-program-here"), None);
    }

    #[test]
    fn of_programs_with_a_version_in_their_name_the_newest_is_found() {
        let folder = std::env::temp_dir().join(format!("xtask-versioned-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        for name in ["php-fpm8.2", "php-fpm8.10", "php-fpm8.x", "php-fpm-tool9"] {
            fs::write(folder.join(name), "").expect("a file");
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(folder.join(name), mode).expect("its mode");
        }
        fs::write(folder.join("php-fpm9.0"), "").expect("a file that cannot run");
        let found = versioned("php-fpm", std::slice::from_ref(&folder));
        assert_eq!(found, Some(folder.join("php-fpm8.10")));
        fs::remove_dir_all(&folder).expect("it is removed");
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
