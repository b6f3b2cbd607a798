//! Failures of servers: the same failure has the same message for every source.

use std::fmt::Display;

use exporter_kit::source::SourceErrorReason as Reason;

use crate::decode::Failure;

/// Causes in the words of the system and of the TLS library, with their remedies.
const REMEDIES: [(&str, &str); 10] = [
    (
        "Connection refused",
        "check that the server runs, and its host and port",
    ),
    (
        "No such file or directory",
        "check that the server runs, and the path of its socket",
    ),
    (
        "Permission denied",
        "let the user of this program use the socket, for example by its group",
    ),
    ("lookup address", "check the host name"),
    (
        "UnknownIssuer",
        "name its CA certificate, or the certificate itself, with `ca_file`, or pin it with `fingerprint`",
    ),
    (
        "BadSignature",
        "`ca_file` has another certificate of that name: replace it",
    ),
    (
        "not valid for name",
        "use a name that the certificate has, or name that one with `server_name`",
    ),
    (
        "another fingerprint",
        "if the server has a new certificate, write its `fingerprint`",
    ),
    ("certificate expired", "renew the certificate of the server"),
    (
        "InvalidContentType",
        "the server does not use TLS on this port",
    ),
];

/// No connection to the server, or no TLS.
pub(super) fn connect(server: impl Display, cause: impl Display) -> Failure {
    let cause = cause.to_string();
    let mut message = format!("`{server}`: cannot connect: {cause}");
    if let Some((_, remedy)) = REMEDIES.iter().find(|(known, _)| cause.contains(known)) {
        message.push_str("; ");
        message.push_str(remedy);
    }
    Failure::connect(message)
}

/// The server rejected the credentials.
pub(super) fn login(server: impl Display, cause: impl Display, remedy: &str) -> Failure {
    let message = format!("`{server}`: cannot log in: {cause}; {remedy}");
    Failure::new(Reason::Login, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_cause_has_its_remedy() {
        let refused = connect("db:5432", "Connection refused (os error 111)");
        assert_eq!(
            refused.message,
            "`db:5432`: cannot connect: Connection refused (os error 111); check that the server runs, and its host \
             and port"
        );
        let untrusted = connect("db", "invalid peer certificate: UnknownIssuer");
        assert!(
            untrusted
                .message
                .ends_with("; name its CA certificate, or the certificate itself, with `ca_file`, or pin it with `fingerprint`")
        );
        assert_eq!(connect("db", "no").message, "`db`: cannot connect: no");
    }
}
