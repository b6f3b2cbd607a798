//! The login: greeting, encryption, and the methods that prove the password.

use std::sync::Arc;

use mysql_common::constants::CapabilityFlags;
use mysql_common::io::ParseBuf;
use mysql_common::packets::{AuthPlugin, HandshakePacket, HandshakeResponse, SslRequest};
use mysql_common::proto::MySerialize;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use crate::sources::metered::{Meter, Stream};
use crate::sources::sql::mysql::method::{self, Method};
use crate::sources::sql::mysql::packet_stream::{PacketError, PacketStream};

/// The collation `utf8mb4_general_ci`.
const UTF8: u8 = 45;
/// The limit of methods that a server may try.
const MOST_SWITCHES: usize = 8;

/// User, password and database.
pub(super) struct Credentials<'c> {
    pub(super) user: &'c str,
    pub(super) password: &'c str,
    pub(super) database: Option<&'c str>,
}

/// Encryption of a connection.
pub(super) struct Encryption {
    pub(super) config: ClientConfig,
    pub(super) name: ServerName<'static>,
    /// True to go on without, if the server does not support it.
    pub(super) is_optional: bool,
}

/// The failure of a login.
#[derive(Debug)]
pub(super) enum LoginError {
    Packets(PacketError),
    NoTls,
    /// A method that this program does not have.
    Method(String),
}

/// Logs in on a new stream. `is_private` is true for a stream that others cannot read, such as a socket.
pub(super) async fn log_in(
    stream: Box<dyn Stream>,
    meter: Meter,
    most_bytes: usize,
    is_private: bool,
    who: &Credentials<'_>,
    encryption: Option<Encryption>,
) -> Result<PacketStream, LoginError> {
    let mut packets = PacketStream::new(stream, meter.clone(), most_bytes);
    let greeting = packets.reply().await?.to_vec();
    let greeting = parse_greeting(&greeting)?;
    let mut capabilities = CapabilityFlags::CLIENT_PROTOCOL_41
        | CapabilityFlags::CLIENT_SECURE_CONNECTION
        | CapabilityFlags::CLIENT_LONG_PASSWORD
        | CapabilityFlags::CLIENT_TRANSACTIONS
        | CapabilityFlags::CLIENT_PLUGIN_AUTH;
    capabilities &= greeting.capabilities();
    if who.database.is_some() {
        capabilities |= CapabilityFlags::CLIENT_CONNECT_WITH_DB;
    }
    let mut is_private = is_private;
    if let Some(encryption) = encryption {
        if greeting
            .capabilities()
            .contains(CapabilityFlags::CLIENT_SSL)
        {
            capabilities |= CapabilityFlags::CLIENT_SSL;
            packets
                .write(&serialized(&SslRequest::new(
                    capabilities,
                    most(most_bytes),
                    UTF8,
                )))
                .await?;
            let (stream, sequence) = packets.into_stream()?;
            let connector = TlsConnector::from(Arc::new(encryption.config));
            let stream = connector.connect(encryption.name, stream).await;
            let stream = Box::new(stream.map_err(PacketError::from)?);
            packets = PacketStream::new(stream, meter, most_bytes).with_sequence(sequence);
            is_private = true;
        } else if !encryption.is_optional {
            return Err(LoginError::NoTls);
        }
    }
    packets.id = greeting.connection_id();
    // Others are only proposed by a switch.
    let method = match greeting.auth_plugin() {
        Some(AuthPlugin::CachingSha2Password) => Method::CachingSha2,
        _ => Method::Native,
    };
    let nonce = greeting.nonce();
    let response = HandshakeResponse::new(
        Some(method.answer(who.password, &nonce, is_private)),
        (8, 0, 0),
        Some(who.user.as_bytes()),
        who.database.map(str::as_bytes),
        Some(match method {
            Method::CachingSha2 => AuthPlugin::CachingSha2Password,
            _ => AuthPlugin::MysqlNativePassword,
        }),
        capabilities,
        None,
        most(most_bytes),
    );
    packets.write(&serialized(&response)).await?;
    prove(&mut packets, method, nonce, who.password, is_private).await?;
    Ok(packets)
}

/// Answers the server until it lets us in.
async fn prove(
    packets: &mut PacketStream,
    mut method: Method,
    mut nonce: Vec<u8>,
    password: &str,
    is_private: bool,
) -> Result<(), LoginError> {
    // A user may have several methods, which the server tries one after the other.
    let mut switches = 0;
    loop {
        let answer = match packets.reply().await? {
            [0x00, ..] => return Ok(()),
            [0xFE] => return Err(LoginError::Method("mysql_old_password".to_owned())),
            [0xFE, rest @ ..] if switches < MOST_SWITCHES => {
                switches += 1;
                let (name, rest) = match rest.iter().position(|byte| *byte == 0) {
                    Some(end) => rest.split_at(end),
                    None => (rest, &[][..]),
                };
                method = Method::of(name).ok_or_else(|| unknown_method(name))?;
                nonce = rest.get(1..).unwrap_or_default().to_vec();
                method.answer(password, &nonce, is_private)
            }
            // The server knows the password.
            [0x01, 0x03] if method == Method::CachingSha2 => continue,
            [0x01, 0x04] if method == Method::CachingSha2 && is_private => {
                method::in_full(password)
            }
            [0x01, 0x04] if method == Method::CachingSha2 => vec![0x02],
            [0x01, key @ ..]
                if matches!(method, Method::CachingSha2 | Method::Sha256) && !is_private =>
            {
                let encrypted = method::encrypted(password, &nonce, key);
                encrypted.ok_or(PacketError::Invalid("an unusable key for the password"))?
            }
            _ => return Err(PacketError::Invalid("an unexpected step of the login").into()),
        };
        packets.write(&answer).await?;
    }
}

fn parse_greeting(packet: &[u8]) -> Result<HandshakePacket<'_>, PacketError> {
    const INVALID: PacketError = PacketError::Invalid("not the greeting of a MySQL server");
    // The parser expects a length below 128, behind the version and 20 bytes.
    let version = packet.iter().skip(1).position(|byte| *byte == 0);
    let length = version.and_then(|version| packet.get(version + 22));
    if length.is_none_or(|length| *length >= 128) {
        return Err(INVALID);
    }
    ParseBuf(packet).parse(()).map_err(|_| INVALID)
}

fn unknown_method(name: &[u8]) -> LoginError {
    let name = String::from_utf8_lossy(name);
    LoginError::Method(name.escape_debug().take(60).collect())
}

fn serialized(packet: &impl MySerialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    packet.serialize(&mut bytes);
    bytes
}

fn most(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

impl From<PacketError> for LoginError {
    fn from(error: PacketError) -> Self {
        Self::Packets(error)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mysql_common::constants::StatusFlags;
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::runtime::{Builder, Runtime};
    use tokio::time::timeout;

    use super::*;

    const KEY: &[u8] = include_bytes!("password_key.pem");

    /// A server that sends a packet, reads the answer, and so on.
    async fn play(mut stream: DuplexStream, packets: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let mut answers = Vec::new();
        for (at, packet) in packets.iter().enumerate() {
            let length = u8::try_from(packet.len() % 256).unwrap();
            let more = u8::try_from(packet.len() / 256).unwrap();
            let number = u8::try_from(at * 2).unwrap();
            let head = [length, more, 0, number];
            let _ = stream.write_all(&[&head, packet.as_slice()].concat()).await;
            let mut head = [0; 4];
            if stream.read_exact(&mut head).await.is_err() {
                break;
            }
            let mut answer = vec![0; usize::from(head[0]) + usize::from(head[1]) * 256];
            stream.read_exact(&mut answer).await.unwrap();
            answers.push(answer);
        }
        answers
    }

    fn runtime() -> Runtime {
        Builder::new_current_thread().enable_all().build().unwrap()
    }

    /// The result of a login, and the answers after the first one.
    fn played(is_private: bool, packets: &[&[u8]]) -> (Result<(), LoginError>, Vec<Vec<u8>>) {
        played_with(None, is_private, packets)
    }

    fn played_with(
        encryption: Option<Encryption>,
        is_private: bool,
        packets: &[&[u8]],
    ) -> (Result<(), LoginError>, Vec<Vec<u8>>) {
        let greeting = HandshakePacket::new(
            10,
            &b"8.0.0"[..],
            7,
            [1; 8],
            Some(&[2; 13][..]),
            CapabilityFlags::CLIENT_PROTOCOL_41
                | CapabilityFlags::CLIENT_SECURE_CONNECTION
                | CapabilityFlags::CLIENT_PLUGIN_AUTH,
            UTF8,
            StatusFlags::empty(),
            Some(&b"caching_sha2_password"[..]),
        );
        let mut all = vec![serialized(&greeting)];
        all.extend(packets.iter().map(|packet| packet.to_vec()));
        runtime().block_on(async {
            let (client, server) = duplex(64 * 1024);
            let server = tokio::spawn(play(server, all));
            let who = Credentials {
                user: "exporter",
                password: "secret",
                database: None,
            };
            let meter = Meter::new(usize::MAX);
            let login = log_in(
                Box::new(client),
                meter,
                1 << 20,
                is_private,
                &who,
                encryption,
            );
            // Both may wait for the other one.
            let result = timeout(Duration::from_secs(1), login).await;
            let result = result.unwrap_or(Err(LoginError::NoTls)).map(drop);
            let answers = server.await.unwrap();
            (result, answers.into_iter().skip(1).collect())
        })
    }

    #[test]
    fn passwords_are_proved_as_each_method_wants_it() {
        const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];
        let secret = b"secret\0".to_vec();
        let (result, answers) = played(true, &[&[1, 4], OK]);
        assert!(result.is_ok(), "{result:?}");
        assert_eq!(answers, std::slice::from_ref(&secret));
        let key = [&[1], KEY].concat();
        let (result, answers) = played(false, &[&[1, 4], &key, OK]);
        assert!(result.is_ok(), "{result:?}");
        assert_eq!(answers[0], [2]);
        assert_eq!(answers[1].len(), 256);
        let sha256 = b"\xFEsha256_password\0aaaaaaaaaaaaaaaaaaaa\0";
        let (result, answers) = played(true, &[sha256, OK]);
        assert!(result.is_ok(), "{result:?}");
        assert_eq!(answers, [secret]);
        let (result, answers) = played(false, &[sha256, &key, OK]);
        assert!(result.is_ok(), "{result:?}");
        assert_eq!((answers[0].as_slice(), answers[1].len()), (&[1][..], 256));
    }

    #[test]
    fn a_server_without_tls_is_refused_unless_tls_is_optional() {
        let encryption = |is_optional| {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let builder = ClientConfig::builder_with_provider(provider);
            let builder = builder.with_safe_default_protocol_versions().unwrap();
            Encryption {
                config: builder
                    .with_root_certificates(rustls::RootCertStore::empty())
                    .with_no_client_auth(),
                name: ServerName::try_from("localhost").unwrap(),
                is_optional,
            }
        };
        let (result, answers) = played_with(Some(encryption(false)), false, &[]);
        assert!(matches!(result, Err(LoginError::NoTls)), "{result:?}");
        assert!(answers.is_empty());
        let ok = [0, 0, 0, 2, 0, 0, 0];
        let (result, _) = played_with(Some(encryption(true)), false, &[&ok]);
        assert!(result.is_ok(), "{result:?}");
    }

    #[test]
    fn a_password_in_full_needs_a_private_stream_and_a_method_that_is_known() {
        for packet in [
            &b"\xFEdialog\0a"[..],
            b"\xFEmysql_clear_password\0",
            b"\xFEparsec\0a",
            b"\xFE",
        ] {
            let (result, answers) = played(true, &[packet]);
            assert!(matches!(result, Err(LoginError::Method(_))), "{result:?}");
            assert!(answers.is_empty());
        }
        let (result, _) = played(false, &[&[1, 4], b"\x01no key"]);
        assert!(
            matches!(result, Err(LoginError::Packets(PacketError::Invalid(_)))),
            "{result:?}"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_of_a_server_make_it_panic(
            first in prop::collection::vec(any::<u8>(), 0..120),
            second in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let _ = played(false, &[&second, &first]);
            runtime().block_on(async {
                let (client, server) = duplex(64 * 1024);
                let server = tokio::spawn(play(server, vec![first, second]));
                let who = Credentials { user: "u", password: "p", database: Some("d") };
                let login = log_in(Box::new(client), Meter::new(usize::MAX), 1 << 20, false, &who, None);
                let _ = timeout(Duration::from_secs(1), login).await;
                server.abort();
            });
        }
    }
}
