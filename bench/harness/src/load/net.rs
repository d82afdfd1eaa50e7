//! Sockets, epoll and the clients' side of the opening handshake.

use super::Target;
use anyhow::{Context, Result, bail};
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with};
use rustix::net::{RecvFlags, recv, sockopt};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// The sample key of RFC 6455 section 1.3 and its answer.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ANSWER: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// How many handshakes are in flight while connections are opened.
const TOGETHER: usize = 64;

/// How many addresses clients come from where one has too few ports.
const SOURCES: usize = 200;

/// Epoll, edge-triggered, for input and room for output.
pub(super) struct Poll {
    fd: OwnedFd,
    events: Vec<Event>,
}

impl Poll {
    pub(super) fn new() -> Result<Self> {
        Ok(Self { fd: epoll::create(CreateFlags::CLOEXEC)?, events: Vec::with_capacity(1024) })
    }

    /// Reports that stream under that number.
    pub(super) fn add(&self, stream: &TcpStream, number: usize) -> Result<()> {
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
        Ok(epoll::add(&self.fd, stream, EventData::new_u64(number as u64), flags)?)
    }

    /// Waits for a second at most; gives what may be read and what may be written.
    pub(super) fn wait(&mut self, ready: &mut Vec<Ready>) -> Result<()> {
        self.wait_for(Duration::from_secs(1), ready)
    }

    /// The same with another limit.
    pub(super) fn wait_for(&mut self, limit: Duration, ready: &mut Vec<Ready>) -> Result<()> {
        self.events.clear();
        ready.clear();
        let limit = Timespec::try_from(limit)?;
        match epoll::wait(&self.fd, spare_capacity(&mut self.events), Some(&limit)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => bail!("cannot wait: {error}"),
        }
        for event in &self.events {
            let (data, flags) = (event.data, event.flags);
            let number = usize::try_from(data.u64())?;
            let read = flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR);
            ready.push(Ready { number, read, write: flags.contains(EventFlags::OUT) });
        }
        Ok(())
    }
}

/// A stream that something can be done with.
#[derive(Clone, Copy)]
pub(super) struct Ready {
    /// The number it was added under.
    pub(super) number: usize,
    /// It has input, or has ended.
    pub(super) read: bool,
    /// It has room for output.
    pub(super) write: bool,
}

/// Receives what is there; `None` if nothing is.
pub(super) fn receive(stream: &TcpStream, buffer: &mut [u8]) -> Result<Option<usize>> {
    received(recv(stream, buffer, RecvFlags::empty()))
}

/// Lets the kernel throw away at most as much as the buffer could hold.
pub(super) fn discard(stream: &TcpStream, buffer: &mut [u8]) -> Result<Option<usize>> {
    received(recv(stream, buffer, RecvFlags::TRUNC))
}

fn received(outcome: Result<(usize, usize), Errno>) -> Result<Option<usize>> {
    match outcome {
        Ok((_, 0)) => bail!("the server ended a connection"),
        Ok((_, length)) => Ok(Some(length)),
        Err(Errno::AGAIN | Errno::INTR) => Ok(None),
        Err(error) => bail!("a client cannot receive: {error}"),
    }
}

/// Connects; dropped, the stream is reset, so that no port is left waiting.
pub(super) fn connect(target: Target) -> Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", target.port)).context("cannot connect")?;
    stream.set_nodelay(true)?;
    sockopt::set_socket_linger(&stream, Some(Duration::ZERO))?;
    Ok(stream)
}

/// Connects from an address of its own: 127.0.0.2, .3 and so on, since one has 28 000 ports.
pub(super) fn connect_from(target: Target, number: usize) -> Result<TcpStream> {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    bind_from(&socket, number)?;
    let server = SocketAddrV4::new(Ipv4Addr::LOCALHOST, target.port);
    rustix::net::connect(&socket, &server).context("cannot connect")?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Binds to the address of that number, or to the next that has a port left: for a minute, ended
/// connections keep theirs.
fn bind_from(socket: &OwnedFd, number: usize) -> Result<()> {
    for step in 0..SOURCES {
        let last = u8::try_from((number + step) % SOURCES)? + 2;
        match bind(socket, &SocketAddrV4::new([127, 0, 0, last].into(), 0)) {
            Err(Errno::ADDRINUSE) => {}
            outcome => return outcome.context("no address to connect from"),
        }
    }
    bail!("no port is free")
}

/// The head of a request as a browser would send it.
pub(super) fn request(path: &str, target: Target, deflate: bool) -> Vec<u8> {
    let host = format!("127.0.0.1:{}", target.port);
    let offer = match deflate {
        true => "Sec-WebSocket-Extensions: permessage-deflate\r\n",
        false => "",
    };
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\nOrigin: http://{host}\r\n\
         User-Agent: bench\r\n{offer}\r\n"
    )
    .into_bytes()
}

/// Whether the answer is whole.
///
/// # Errors
/// When it refuses, or is followed by something.
pub(super) fn answered(bytes: &[u8], deflate: bool) -> Result<bool> {
    let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") else { return Ok(false) };
    if bytes.len() > end + 4 {
        bail!("something follows the answer to the handshake");
    }
    accepted(&bytes[..end], deflate)?;
    Ok(true)
}

/// Checks the head of the answer.
///
/// # Errors
/// When it refuses.
pub(super) fn accepted(head: &[u8], deflate: bool) -> Result<()> {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let status = lines.next().unwrap_or_default();
    if !status.starts_with("HTTP/1.1 101 ") {
        bail!("the handshake is answered `{status}`");
    }
    let headers: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(':')).collect();
    let value = |name: &str| {
        let found = headers.iter().find(|(it, _)| it.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value.trim())
    };
    if value("sec-websocket-accept") != ANSWER {
        bail!("a wrong Sec-WebSocket-Accept");
    }
    if deflate != value("sec-websocket-extensions").starts_with("permessage-deflate") {
        bail!("permessage-deflate was {}", if deflate { "declined" } else { "not offered" });
    }
    Ok(())
}

/// Opens that many connections; they block.
pub(super) fn open(
    target: Target,
    path: &str,
    count: usize,
    deflate: bool,
) -> Result<Vec<TcpStream>> {
    let request = request(path, target, deflate);
    let mut streams = Vec::with_capacity(count);
    while streams.len() < count {
        let from = streams.len();
        for _ in 0..TOGETHER.min(count - from) {
            let mut stream = connect(target)?;
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            stream.write_all(&request)?;
            streams.push(stream);
        }
        for stream in &mut streams[from..] {
            let (mut head, mut buffer) = (Vec::new(), [0; 2048]);
            while !answered(&head, deflate)? {
                match stream.read(&mut buffer).context("no answer to a handshake")? {
                    0 => bail!("the server ended a connection in its handshake"),
                    length => head.extend(&buffer[..length]),
                }
            }
        }
    }
    Ok(streams)
}
