//! Unix sockets and their files: made with their mode, replaced only if nobody listens, removed at the end.

use std::fs::{self, Permissions};
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use tokio::io::Interest;
use tokio::net::UnixStream;

use crate::server::listen::BACKLOG;

/// A socket's file, removed when this is dropped unless another one has taken its place.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    fn of(path: PathBuf) -> io::Result<Self> {
        let file = fs::symlink_metadata(&path)?;
        Ok(Self {
            path,
            device: file.dev(),
            inode: file.ino(),
        })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|file| (file.dev(), file.ino()) == (self.device, self.inode));
        if ours {
            // One that stays is replaced at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Listens at that path.
pub(crate) fn listen(path: &Path, mode: Option<u32>) -> io::Result<(UnixListener, SocketFile)> {
    // The file must be found again at the end, wherever the program has gone by then.
    let path = std::path::absolute(path)?;
    let address = SockAddr::unix(&path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    if let Err(error) = socket.bind(&address) {
        if error.kind() != io::ErrorKind::AddrInUse {
            return Err(error);
        }
        remove_left_behind(&path, &address)?;
        socket.bind(&address)?;
    }
    let file = SocketFile::of(path)?;
    // Until it listens nobody can connect, so that the mode is never wider than was said.
    if let Some(mode) = mode {
        fs::set_permissions(&file.path, Permissions::from_mode(mode))?;
    }
    socket.listen(BACKLOG)?;
    Ok((socket.into(), file))
}

/// Removes a socket's file if nothing listens on it.
fn remove_left_behind(path: &Path, address: &SockAddr) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // A listener with a full queue would make us wait, and listens.
    socket.set_nonblocking(true)?;
    match socket.connect(address) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(error),
        _ => Err(io::ErrorKind::AddrInUse.into()),
    }
}

/// Waits until there is something to read, and says how much of one byte: 0 at the end.
pub(crate) async fn peek(stream: &UnixStream) -> io::Result<usize> {
    stream
        .async_io(Interest::READABLE, || {
            SockRef::from(stream).peek(&mut [MaybeUninit::uninit()])
        })
        .await
}
