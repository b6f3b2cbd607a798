//! A folder with every file that the fixtures name, created for each test.

use std::fs;
use std::path::{Path, PathBuf};

use exporter_kit::{Registry, ServeError, Server};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType,
    date_time_ymd,
};

/// A folder below cargo's for tests, removed when dropped.
pub(crate) struct Folder(PathBuf);

/// An authority, and the key that it signs with.
struct Authority(Issuer<'static, KeyPair>);

impl Folder {
    /// `name` is the test's, so that tests that run at once do not share a folder.
    pub(crate) fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("web-config-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        let folder = Self(path);
        folder.make();
        folder
    }

    fn make(&self) {
        let servers = self.authority("ca.pem");
        let clients = self.authority("client_ca.pem");
        let strangers = self.authority("strange_ca.pem");
        self.issue(&servers, "server", |_| {});
        self.issue(&servers, "other", |_| {});
        self.issue(&clients, "client", |_| {});
        self.issue(&strangers, "strange", |_| {});
        self.issue(&clients, "expired", |params| {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        });
        self.issue(&clients, "for_servers", |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        });
        for name in ["client_selfsigned", "client2_selfsigned"] {
            self.self_signed(name, |_| {});
        }
        self.self_signed("expired_selfsigned", |params| {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        });
        self.write("token.txt", "monitoring-token-0123456789\n");
        self.write("short.txt", "short\n");
    }

    fn authority(&self, file: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, file);
        let key = KeyPair::generate().unwrap();
        self.write(file, &params.self_signed(&key).unwrap().pem());
        Authority(Issuer::new(params, key))
    }

    /// Writes `NAME.crt` and `NAME.key`.
    fn issue(
        &self,
        Authority(issuer): &Authority,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names(name);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, issuer).unwrap();
        self.write(&format!("{name}.crt"), &certificate.pem());
        self.write(&format!("{name}.key"), &key.serialize_pem());
    }

    /// Writes `NAME.pem` and `NAME.key`: an authority that speaks for itself.
    fn self_signed(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.subject_alt_names = names(name);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        self.write(&format!("{name}.pem"), &certificate.pem());
        self.write(&format!("{name}.key"), &key.serialize_pem());
    }

    /// A new certificate with a new key, of a new authority in `ca.pem`.
    pub(crate) fn renew_server(&self) {
        let servers = self.authority("ca.pem");
        self.issue(&servers, "server", |_| {});
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file in one step, as programs that renew certificates do.
    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        let new = self.path(&format!("{name}.new"));
        fs::write(&new, content).unwrap();
        fs::rename(&new, &path).unwrap();
        path
    }

    /// Makes a fixture the configuration.
    pub(crate) fn take(&self, fixture: &str) -> PathBuf {
        self.write("web.yml", &self::fixture(fixture))
    }

    /// A server with that fixture as its configuration, and a gauge at 45.
    pub(crate) fn serve(&self, fixture: &str) -> Server {
        self.take(fixture);
        self.serve_file().unwrap()
    }

    /// A server with that text as its configuration, and a gauge at 45.
    pub(crate) fn serve_text(&self, text: &str) -> Server {
        self.write("web.yml", text);
        self.serve_file().unwrap()
    }

    pub(crate) fn serve_file(&self) -> Result<Server, ServeError> {
        let registry = Registry::new();
        let gauge = registry.gauge("app_active_sessions", "Number of active user sessions");
        gauge.unwrap().set(45);
        Server::builder(&registry)
            .listen("127.0.0.1:0")
            .with(exporter_kit::toolkit::WebConfigFile::new(
                self.path("web.yml"),
            ))
            .start()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays is below the target folder, where nobody minds.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The text of a fixture.
pub(crate) fn fixture(name: &str) -> String {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/web_config/fixtures");
    fs::read_to_string(fixtures.join(name)).unwrap()
}

/// One of each kind.
fn names(name: &str) -> Vec<SanType> {
    vec![
        SanType::DnsName("localhost".try_into().unwrap()),
        SanType::DnsName(
            format!("{}.example.org", name.replace('_', "-"))
                .try_into()
                .unwrap(),
        ),
        SanType::Rfc822Name(format!("{name}@example.org").try_into().unwrap()),
        SanType::IpAddress([127, 0, 0, 1].into()),
        SanType::URI(format!("spiffe://example.org/{name}").try_into().unwrap()),
    ]
}
