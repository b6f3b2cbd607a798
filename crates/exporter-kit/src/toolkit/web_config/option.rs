//! The web configuration file as an option of a server, and a check without a server.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::enforcement::{self, Enforcement};
use super::error::WebConfigError;
use super::settings::WebSettings;
use super::watched::Watched;
use crate::server::ServeError;
use crate::server::option::{Apply, ServerParts};

/// A web configuration file, which sets TLS, client certificates, users, headers and a rate limit.
///
/// All exporters have the same file, and name it with the flag `--web.config.file`. An empty path means no file. The format
/// is described in [the documentation](crate::docs::web_config).
///
/// The server reads the file when it is built, and again within a second after the file, or a file that it names, has
/// changed. An invalid change is logged, and the previous configuration stays in effect.
///
/// ```
/// use exporter_kit::toolkit::WebConfigFile;
/// use exporter_kit::{Registry, Server};
///
/// let file = std::env::temp_dir().join(format!("web-{}.yml", std::process::id()));
/// std::fs::write(&file, "http_server_config:\n  headers:\n    X-Frame-Options: deny\n")?;
/// let server = Server::builder(&Registry::new()).listen("127.0.0.1:0").with(WebConfigFile::new(&file)).start()?;
/// # std::fs::remove_file(&file)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebConfigFile {
    path: PathBuf,
}

impl WebConfigFile {
    /// The file at a path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl Apply for WebConfigFile {
    fn apply(self, parts: &mut ServerParts) -> Result<(), ServeError> {
        if self.path.as_os_str().is_empty() {
            return Ok(());
        }
        let enforcement = Enforcement::open(self.path).map_err(|error| ServeError::Option {
            name: "web configuration",
            source: Box::new(error),
        })?;
        let enforcement = Arc::new(enforcement);
        parts.metrics.push(enforcement.metrics());
        if enforcement.is_encrypted() {
            parts.encryption = Some(enforcement.clone());
        }
        parts.access = Some(enforcement);
        Ok(())
    }
}

/// Checks a web configuration file and every file that it names, as a server does at its start.
///
/// Returns the warnings about a valid configuration, one sentence each.
///
/// # Errors
/// If a server could not start with the file.
pub fn check_web_config(path: impl AsRef<Path>) -> Result<Vec<String>, WebConfigError> {
    let path = path.as_ref();
    let key = enforcement::secret().map_err(|problem| WebConfigError::new(path, problem))?;
    WebSettings::load(path, &key, &mut Watched::default()).map(|settings| settings.notices)
}
