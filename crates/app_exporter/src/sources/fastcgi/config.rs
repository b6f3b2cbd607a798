//! The keys of the source `fastcgi`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{At, Fault, HiddenTemplate, Place, Template};
use crate::decode::{Format, Limits, Parts, Wanted};
use crate::sources::endpoint::Endpoint;
use crate::sources::fastcgi::fetch::FastCgi;
use crate::sources::origin::{Fetcher, Origin, Surroundings};
use crate::sources::response;

/// The port of PHP-FPM.
pub(super) const PORT: u16 = 9000;

/// Response of a FastCGI server, without a web server in front of it: the status page of PHP-FPM, or a script.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "FastcgiConfig")]
pub(crate) struct FastCgiConfig {
    /// The server, such as `127.0.0.1:9000` or `unix:/run/php/php-fpm.sock`.
    pub(super) address: At<Template>,
    /// The path of the request, such as `/status`, which PHP-FPM names `pm.status_path`.
    pub(super) path: At<Template>,
    /// The text behind the `?` of the request, such as `json&full` or `openmetrics`.
    #[serde(default)]
    pub(super) query: Option<At<Template>>,
    /// The file of the script that runs, such as `/srv/shop/status.php`; default `path`. PHP-FPM's own pages need none.
    #[serde(default)]
    pub(super) script: Option<At<Template>>,
    /// Further parameters of the request, such as `DOCUMENT_ROOT`. A request header such as `Host` is `HTTP_HOST`.
    #[serde(default)]
    pub(super) parameters: BTreeMap<At<String>, At<HiddenTemplate>>,
    /// The format of the response. Without it, only the result set `response` exists: status, bytes, seconds.
    #[serde(default)]
    pub(super) format: Option<Format>,
    /// Response statuses that mean success; default 200 to 299.
    #[serde(default)]
    pub(super) success: Option<At<Vec<u16>>>,
}

impl Origin for FastCgiConfig {
    fn parts(&self) -> Parts {
        response::parts(self.format.as_ref())
    }

    fn format(&self) -> Option<&Format> {
        self.format.as_ref()
    }

    fn check(&self, _: Place, faults: &mut Vec<Fault>) {
        let address = self.address.literal();
        if let Some(Err(message)) = address.map(|text| Endpoint::parse(text, PORT)) {
            faults.push(Fault::at(self.address.place(), message));
        }
        if let Some(Err(message)) = self.path.literal().map(check_path) {
            faults.push(Fault::at(self.path.place(), message));
        }
        for name in self.parameters.keys() {
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if name.is_empty() || !name.bytes().all(legal) {
                let name_text = name.escape_debug();
                faults.push(Fault::at(
                    name.place(),
                    format!(
                        "`{name_text}` is not the name of a parameter; write letters, digits and `_`, as in `HTTP_HOST`"
                    ),
                ));
            }
        }
        response::check_success(self.success.as_ref(), faults);
    }

    fn build(
        &self,
        wanted: Wanted,
        limits: Limits,
        surroundings: Surroundings<'_>,
    ) -> Result<Fetcher, Fault> {
        let fetch = FastCgi::new(self, wanted, limits, surroundings)?;
        Ok(Fetcher::new(fetch))
    }
}

/// # Errors
/// When the path is invalid. The message does not repeat it, as it may have values of variables.
pub(super) fn check_path(path: &str) -> Result<(), String> {
    if !path.starts_with('/') {
        return Err("the path does not begin with `/`; write it as in `/status`".to_owned());
    }
    if path.contains('?') {
        return Err("the path has a `?`; write the text behind it as `query`".to_owned());
    }
    Ok(())
}
