//! Unix sockets: who may connect, what is replaced, what is left.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use exporter_kit::server::ListenAddress;
use exporter_kit::{Registry, ServeError, Server, serve};

use super::client::{PATIENCE, get};

/// A folder of the test's own; paths of sockets must be short.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let name = format!("exporter-kit-{}-{test}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("s")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn ask(path: &Path) -> String {
    let mut client = UnixStream::connect(path).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    answer
}

fn answers(path: &Path) -> bool {
    ask(path).starts_with("HTTP/1.0 200 OK\r\n")
}

fn start(path: &Path) -> Result<Server, ServeError> {
    serve(ListenAddress::unix(path), &Registry::new())
}

fn refused(path: &Path) -> String {
    let error = start(path).unwrap_err().to_string();
    let expected = format!("cannot listen on `unix:{}`: ", path.display());
    assert!(error.starts_with(&expected), "{error}");
    error
}

#[test]
fn a_socket_answers_as_a_port_does_and_is_removed_at_the_end() {
    let folder = Folder::new("answers");
    let path = folder.socket();
    let registry = Registry::new();
    registry.gauge("one", "One.").unwrap().set(1);
    let server = Server::builder(&registry)
        .listen(ListenAddress::unix(&path))
        .listen("127.0.0.1:0")
        .start()
        .unwrap();
    assert_eq!(server.socket_paths(), std::slice::from_ref(&path));
    assert!(ask(&path).contains("\none 1.0\n"));
    let [address] = server.local_addresses() else {
        panic!("{server:?}")
    };
    assert_eq!(get(*address, "/metrics", &[]).status, 200);
    assert_eq!(server.urls(), [format!("http://{address}/metrics")]);
    // One client that says nothing does not keep it from ending.
    let mut silent = UnixStream::connect(&path).unwrap();
    assert!(answers(&path));
    server.shutdown();
    assert_eq!(silent.read(&mut [0]).unwrap(), 0);
    assert!(!path.exists());
}

#[test]
fn a_client_that_goes_without_a_word_costs_nothing() {
    let folder = Folder::new("silent");
    let path = folder.socket();
    let _server = start(&path).unwrap();
    let mut silent = UnixStream::connect(&path).unwrap();
    silent.shutdown(Shutdown::Write).unwrap();
    silent.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(silent.read(&mut [0]).unwrap(), 0);
    assert!(answers(&path));
}

#[test]
fn the_mode_is_what_was_said() {
    let folder = Folder::new("mode");
    let path = folder.socket();
    for mode in [0o600, 0o660, 0o666] {
        let address = format!("unix:{}?mode={mode:o}", path.display());
        let _server = serve(address, &Registry::new()).unwrap();
        let found = fs::symlink_metadata(&path).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode);
        assert!(answers(&path));
    }
}

#[test]
fn a_socket_that_nobody_listens_on_is_replaced() {
    let folder = Folder::new("stale");
    let path = folder.socket();
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let server = start(&path).unwrap();
    assert!(answers(&path));
    drop(server);
    assert!(!path.exists());
}

#[test]
fn a_socket_that_somebody_listens_on_stays_theirs() {
    let folder = Folder::new("taken");
    let path = folder.socket();
    let first = start(&path).unwrap();
    let error = refused(&path);
    assert!(error.ends_with(
        "another program listens there; stop it (`ss -lxp` names it) or choose another path"
    ));
    assert!(answers(&path));
    drop(first);
    let _datagrams = UnixDatagram::bind(&path).unwrap();
    refused(&path);
    assert!(path.exists());
}

#[test]
fn a_file_that_is_no_socket_is_never_removed() {
    let folder = Folder::new("file");
    let path = folder.socket();
    fs::write(&path, "precious").unwrap();
    let error = refused(&path);
    assert!(
        error.ends_with("the file exists and is not a socket; remove it or choose another path"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn what_took_the_files_place_is_not_removed_at_the_end() {
    let folder = Folder::new("replaced");
    let path = folder.socket();
    let server = start(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let _other = UnixListener::bind(&path).unwrap();
    drop(server);
    assert!(path.exists());
}

#[test]
fn a_path_that_cannot_be_had_is_named_with_what_to_do() {
    let folder = Folder::new("paths");
    let error = refused(&folder.0.join("none/s"));
    assert!(error.ends_with("the folder does not exist; create it or choose another path"));
    let error = refused(&folder.0.join("x".repeat(200)));
    assert!(
        error.ends_with("; choose another path, of at most 107 bytes"),
        "{error}"
    );
}

#[test]
fn the_callers_own_socket_stays_the_callers() {
    let folder = Folder::new("own");
    let path = folder.socket();
    let own = UnixListener::bind(&path).unwrap();
    let registry = Registry::new();
    let server = Server::builder(&registry).listener(own).start().unwrap();
    assert_eq!(server.socket_paths(), std::slice::from_ref(&path));
    assert!(answers(&path));
    drop(server);
    assert!(path.exists());
    let refused = UnixStream::connect(&path).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}
