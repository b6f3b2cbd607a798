//! Responses with a status: their rows, or the reason why there are none.

use std::sync::Arc;
use std::time::Duration;

use exporter_kit::Number;
use reqwest::StatusCode;

use crate::config::{At, Fault};
use crate::decode::{Cell, Decoder, Failure, Format, Limits, Part, PartInfo, Parts, Table, Wanted};
use crate::sources::failures;
use crate::sources::visit::Visit;

/// The result set of the response itself.
const RESPONSE: &str = "response";

/// A response as it came.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) status: StatusCode,
    pub(super) content_type: Option<String>,
    pub(super) body: Vec<u8>,
    /// The time from the request to the end of the response.
    pub(super) took: Duration,
}

/// Reads responses of one source.
pub(super) struct ResponseReader {
    /// The address for messages, without the values of variables.
    shown: String,
    /// The remedy for a status that refuses the login.
    login_remedy: &'static str,
    success: Option<Vec<u16>>,
    decoder: Option<Arc<Decoder>>,
    parts: Parts,
    wants_response: bool,
}

/// The result sets of a source with responses in that format.
pub(super) fn parts(format: Option<&Format>) -> Parts {
    let response = PartInfo::new(RESPONSE, &["status", "bytes", "seconds"]);
    Format::parts_beside(format, response)
}

/// Checks the statuses that mean success.
pub(super) fn check_success(success: Option<&At<Vec<u16>>>, faults: &mut Vec<Fault>) {
    if let Some(success) = success.filter(|it| it.is_empty()) {
        faults.push(Fault::at(
            success.place(),
            "`success` is empty, so that no answer counts; name the statuses that do, or drop it",
        ));
    }
}

impl ResponseReader {
    pub(super) fn new(
        shown: String,
        login_remedy: &'static str,
        format: Option<&Format>,
        success: Option<&[u16]>,
        (wanted, limits): (Wanted, Limits),
    ) -> Self {
        Self {
            shown,
            login_remedy,
            success: success.map(<[u16]>::to_vec),
            parts: format.map(Format::parts).unwrap_or_default(),
            wants_response: !wanted.of(RESPONSE).is_empty() || format.is_none(),
            decoder: format.map(|format| Arc::new(format.decoder(wanted, limits))),
        }
    }

    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// The rows of a response.
    ///
    /// # Errors
    /// When its status does not mean success, or its body cannot be read in the format. Where the result set `response` is
    /// wanted, such a status fails the other result sets alone.
    pub(super) async fn read(
        &self,
        visit: &Visit,
        received: Received,
    ) -> Result<Vec<Part>, Failure> {
        let Received {
            status,
            content_type,
            body,
            took,
        } = received;
        let mut parts = Vec::new();
        if self.wants_response {
            let table = Table::of_one_row([
                ("status", Cell::Number(Number::U64(status.as_u16().into()))),
                ("bytes", Cell::Number(Number::U64(body.len() as u64))),
                ("seconds", Cell::Number(Number::F64(took.as_secs_f64()))),
            ]);
            parts.push(Part::rows(RESPONSE, Ok(table)));
        }
        let Some(decoder) = &self.decoder else {
            return Ok(parts);
        };
        let good = match &self.success {
            Some(statuses) => statuses.contains(&status.as_u16()),
            None => status.is_success(),
        };
        if good {
            let decoded = visit.decode_response(decoder, body, content_type).await;
            let about = |failure: Failure| failure.about(format!("`{}`", self.shown));
            let decoded = decoded.map_err(about)?.into_iter();
            parts.extend(decoded.map(|part| Part {
                content: part.content.map_err(about),
                ..part
            }));
            return Ok(parts);
        }
        let failure = self.refused(status);
        if !self.wants_response {
            return Err(failure);
        }
        parts.extend(self.parts.failed(&failure));
        Ok(parts)
    }

    fn refused(&self, status: StatusCode) -> Failure {
        let shown = &self.shown;
        let cause = format_args!("status {status}");
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                failures::login(shown, cause, self.login_remedy)
            }
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => failures::login(
                shown,
                cause,
                "the proxy requires a login: check `proxy_basic`",
            ),
            StatusCode::NOT_FOUND => {
                Failure::query(format!("`{shown}`: cannot fetch: {cause}; check the path"))
            }
            _ => Failure::query(format!("`{shown}`: cannot fetch: {cause}")),
        }
    }
}
