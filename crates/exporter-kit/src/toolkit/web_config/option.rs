//! How a program asks for a web configuration: an option of the server, and a check without one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::entrance::{self, Entrance};
use super::error::WebConfigError;
use super::settings::Settings;
use super::watched::Watched;
use crate::server::builder::ServerBuilder;
use crate::server::error::ServeError;

impl ServerBuilder {
    /// Does what a web configuration file says: TLS, client certificates, users, headers, a limit of requests. The
    /// flag for it is `--web.config.file` everywhere; an empty path is none.
    ///
    /// The file is read now, and again when it or a file that it names has changed, which is seen within a second.
    /// A change that can't be used is logged, and the last good configuration stays in force.
    ///
    /// What can be written is in [the documentation](crate::docs::web_config).
    ///
    /// ```
    /// use exporter_kit::{Registry, Server};
    ///
    /// let file = std::env::temp_dir().join(format!("web-{}.yml", std::process::id()));
    /// std::fs::write(&file, "http_server_config:\n  headers:\n    X-Frame-Options: deny\n")?;
    /// let server = Server::builder(&Registry::new()).listen("127.0.0.1:0").web_config_file(&file).start()?;
    /// # std::fs::remove_file(&file)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn web_config_file(mut self, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        if path.as_os_str().is_empty() {
            return self;
        }
        match Entrance::open(path) {
            Ok(entrance) => self.gate = Some(Arc::new(entrance)),
            Err(error) => {
                self.error
                    .get_or_insert(ServeError::WebConfig(Box::new(error)));
            }
        }
        self
    }
}

/// Checks a web configuration file and all that it names, as a server would at its start.
///
/// Gives what an operator should know although nothing is wrong, a sentence each.
///
/// # Errors
/// When a server could not start with it.
pub fn check_web_config(path: impl AsRef<Path>) -> Result<Vec<String>, WebConfigError> {
    let path = path.as_ref();
    let key = entrance::secret().map_err(|problem| WebConfigError::new(path, problem))?;
    Settings::load(path, &key, &mut Watched::default()).map(|settings| settings.notices)
}
