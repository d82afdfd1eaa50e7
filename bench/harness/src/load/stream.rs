//! A client's connection: TCP, or TLS on top of it.

use super::net;
use anyhow::{Result, bail};
use rustix::io::Errno;
use rustix::net::{SendFlags, send};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;

/// A connection, blocking or not.
pub(super) enum Stream {
    Plain(TcpStream),
    Secure(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    /// Waits for the TLS handshake, if there is one to be made.
    pub(super) fn new(tcp: TcpStream, tls: Option<&Arc<ClientConfig>>) -> Result<Self> {
        let Some(config) = tls else { return Ok(Self::Plain(tcp)) };
        let name = ServerName::from(Ipv4Addr::LOCALHOST);
        let mut stream = StreamOwned::new(ClientConnection::new(Arc::clone(config), name)?, tcp);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Self::Secure(Box::new(stream)))
    }

    /// What lies below.
    pub(super) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Secure(stream) => &stream.sock,
        }
    }

    /// Receives what is there; `None` if nothing is.
    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> Result<Option<usize>> {
        let stream = match self {
            Self::Plain(tcp) => return net::receive(tcp, buffer),
            Self::Secure(stream) => stream,
        };
        match stream.read(buffer) {
            Ok(0) => bail!("the server ended a connection"),
            Ok(length) => Ok(Some(length)),
            Err(error) if later(error.kind()) => Ok(None),
            Err(error) => bail!("a client cannot receive: {error}"),
        }
    }

    /// Whether a read that did not fill its buffer took all there was.
    pub(super) fn short_reads_end(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    /// Sends as much as there is room for; nothing at all lets TLS send what it holds.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<usize> {
        let sent = match self {
            Self::Plain(_) if bytes.is_empty() => return Ok(0),
            Self::Plain(tcp) => return sent(send(tcp, bytes, SendFlags::NOSIGNAL)),
            Self::Secure(stream) if bytes.is_empty() => stream.flush().map(|()| 0),
            Self::Secure(stream) => stream.write(bytes),
        };
        match sent {
            Ok(length) => Ok(length),
            Err(error) if later(error.kind()) => Ok(0),
            Err(error) => bail!("a client cannot send: {error}"),
        }
    }
}

fn later(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::Interrupted | ErrorKind::TimedOut)
}

fn sent(outcome: Result<usize, Errno>) -> Result<usize> {
    match outcome {
        Ok(length) => Ok(length),
        Err(Errno::AGAIN | Errno::INTR) => Ok(0),
        Err(error) => bail!("a client cannot send: {error}"),
    }
}
