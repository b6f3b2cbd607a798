//! Passwords and tokens, in the configuration or in files.

use exporter_kit::source::SourceErrorReason as Reason;

use crate::config::login::{Credential, Secret};
use crate::decode::Failure;
use crate::sources::visit::Visit;

impl Visit {
    /// Returns the current password or token.
    pub(super) async fn secret(&self, credential: &Credential) -> Result<Secret, Failure> {
        let file = match credential {
            Credential::Known(secret) => return Ok(secret.clone()),
            Credential::InFile(file) => file.clone(),
        };
        let read = move || {
            file.read()
                .map_err(|message| Failure::new(Reason::Login, message))
        };
        self.blocking(read).await
    }
}
