//! A client inside TLS that shows everything.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, SupportedKxGroup, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedCipherSuite,
    SupportedProtocolVersion,
};

use super::authority::Folder;
use crate::http::client::PATIENCE;

/// The protocols and the certificate of a client; everything, and no certificate, unless said otherwise.
pub(crate) struct Speaks {
    pub(crate) suites: Vec<SupportedCipherSuite>,
    pub(crate) curves: Vec<&'static dyn SupportedKxGroup>,
    pub(crate) versions: Vec<&'static SupportedProtocolVersion>,
    /// The names of its certificate's and its key's file.
    pub(crate) certificate: Option<(&'static str, &'static str)>,
    pub(crate) protocols: Vec<&'static str>,
}

impl Default for Speaks {
    fn default() -> Self {
        Self {
            suites: ring::ALL_CIPHER_SUITES.to_vec(),
            curves: ring::ALL_KX_GROUPS.to_vec(),
            versions: rustls::ALL_VERSIONS.to_vec(),
            certificate: None,
            protocols: Vec::new(),
        }
    }
}

/// The response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) suite: String,
}

impl Speaks {
    pub(crate) fn with_certificate(certificate: &'static str, key: &'static str) -> Self {
        Self {
            certificate: Some((certificate, key)),
            ..Self::default()
        }
    }

    /// A configuration that trusts the authority in `ca.pem` alone.
    pub(crate) fn config(&self, folder: &Folder) -> ClientConfig {
        let provider = CryptoProvider {
            cipher_suites: self.suites.clone(),
            kx_groups: self.curves.clone(),
            ..ring::default_provider()
        };
        let mut roots = RootCertStore::empty();
        let authority = fs::read(folder.path("ca.pem")).unwrap();
        roots
            .add(CertificateDer::from_pem_slice(&authority).unwrap())
            .unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&self.versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match self.certificate {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let certificate = fs::read(folder.path(certificate)).unwrap();
                let key = fs::read(folder.path(key)).unwrap();
                builder
                    .with_client_auth_cert(
                        vec![CertificateDer::from_pem_slice(&certificate).unwrap()],
                        PrivateKeyDer::from_pem_slice(&key).unwrap(),
                    )
                    .unwrap()
            }
        };
        let protocols = self.protocols.iter();
        config.alpn_protocols = protocols.map(|name| name.as_bytes().to_vec()).collect();
        config
    }

    /// `GET /metrics` with these header lines, and everything up to the end of the connection.
    pub(crate) fn get(
        &self,
        folder: &Folder,
        address: SocketAddr,
        headers: &[&str],
    ) -> io::Result<Answer> {
        self.get_path(folder, address, "/metrics", headers)
    }

    pub(crate) fn get_path(
        &self,
        folder: &Folder,
        address: SocketAddr,
        path: &str,
        headers: &[&str],
    ) -> io::Result<Answer> {
        let mut stream = self.connect(folder, address);
        let headers: String = headers
            .iter()
            .map(|header| format!("{header}\r\n"))
            .collect();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"
        )?;
        stream.flush()?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let suite = stream.conn.negotiated_cipher_suite().unwrap();
        Ok(Answer {
            text,
            suite: format!("{:?}", suite.suite()),
        })
    }

    /// Returns the reason why the server ends the connection before any request. With TLS 1.3 that comes after the
    /// handshake, and what a client sends in between can cost it the reason.
    pub(crate) fn refusal(&self, folder: &Folder, address: SocketAddr) -> String {
        let mut stream = self.connect(folder, address);
        match stream.read(&mut [0]) {
            Ok(length) => format!("{length} bytes"),
            Err(error) => error.to_string(),
        }
    }

    /// The handshake begins with the first byte.
    pub(crate) fn connect(
        &self,
        folder: &Folder,
        address: SocketAddr,
    ) -> StreamOwned<ClientConnection, TcpStream> {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(self.config(folder)), name).unwrap();
        StreamOwned::new(connection, stream)
    }
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.text.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

/// The answer of a server that must be encrypted, to a client that speaks everything.
pub(crate) fn get(folder: &Folder, address: SocketAddr) -> Answer {
    Speaks::default().get(folder, address, &[]).unwrap()
}

pub(crate) fn assert_metrics(answer: &Answer) {
    assert_eq!(answer.status(), 200, "{}", answer.text);
    assert!(
        answer.text.contains("\napp_active_sessions 45.0\n"),
        "{}",
        answer.text
    );
}
