//! The loop of the floors: epoll, edge-triggered, one buffer for all connections.

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};

const LISTENER: u64 = u64::MAX;
const BUFFER: usize = 512 << 10;

/// What is done with bytes.
pub trait Protocol {
    /// What it keeps for each connection.
    type State: Default;

    /// Takes what the connection with that number has sent.
    fn take(&mut self, number: usize, bytes: &mut [u8], all: &mut Connections<Self::State>);

    /// The connection with that number is gone.
    fn gone(&mut self, number: usize);
}

/// Listens on that port of 127.0.0.1 and serves.
///
/// # Errors
/// When it cannot listen.
pub fn serve<P: Protocol>(port: u16, protocol: P) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    rustix::net::listen(&listener, 4096)?;
    listener.set_nonblocking(true)?;
    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&poll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
    let mut floor = Floor { poll, listener, connections: Connections(Vec::new()), protocol };
    let mut events: Vec<epoll::Event> = Vec::with_capacity(1024);
    let mut buffer = vec![0; BUFFER];
    loop {
        events.clear();
        epoll::wait(&floor.poll, spare_capacity(&mut events), None)?;
        for event in &events {
            let (data, flags) = (event.data, event.flags);
            match usize::try_from(data.u64()) {
                Ok(number) if data.u64() != LISTENER => floor.serve(number, flags, &mut buffer),
                _ => floor.accept()?,
            }
        }
    }
}

struct Floor<P: Protocol> {
    poll: OwnedFd,
    listener: TcpListener,
    connections: Connections<P::State>,
    protocol: P,
}

/// The connections, by the numbers of their files.
pub struct Connections<S>(Vec<Option<Connection<S>>>);

struct Connection<S> {
    stream: TcpStream,
    /// What the socket did not take.
    unsent: Vec<u8>,
    state: S,
}

impl<S> Connections<S> {
    /// What is kept for that connection.
    pub fn state(&mut self, number: usize) -> Option<&mut S> {
        Some(&mut self.get(number)?.state)
    }

    /// Sends to that connection, if it is still there.
    pub fn send(&mut self, number: usize, bytes: &[u8]) {
        if let Some(connection) = self.get(number) {
            connection.send(bytes);
        }
    }

    fn get(&mut self, number: usize) -> Option<&mut Connection<S>> {
        self.0.get_mut(number)?.as_mut()
    }
}

impl<P: Protocol> Floor<P> {
    fn accept(&mut self) -> io::Result<()> {
        while let Ok((stream, _)) = self.listener.accept() {
            stream.set_nonblocking(true)?;
            // A client may have reset it by now.
            let _ = stream.set_nodelay(true);
            let number = usize::try_from(stream.as_raw_fd()).map_err(io::Error::other)?;
            let flags = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
            epoll::add(&self.poll, &stream, EventData::new_u64(number as u64), flags)?;
            let all = &mut self.connections.0;
            if all.len() <= number {
                all.resize_with(number + 1, || None);
            }
            let (unsent, state) = (Vec::new(), P::State::default());
            all[number] = Some(Connection { stream, unsent, state });
        }
        Ok(())
    }

    fn serve(&mut self, number: usize, flags: EventFlags, buffer: &mut [u8]) {
        let Some(connection) = self.connections.get(number) else { return };
        if flags.contains(EventFlags::OUT) && !connection.unsent.is_empty() {
            connection.flush();
        }
        if !flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
            return;
        }
        loop {
            let Some(connection) = self.connections.get(number) else { return };
            match recv(&connection.stream, &mut *buffer, RecvFlags::empty()) {
                Err(Errno::AGAIN) => return,
                Ok((length @ 1.., _)) => {
                    self.protocol.take(number, &mut buffer[..length], &mut self.connections);
                    if length < buffer.len() {
                        return;
                    }
                }
                Ok(_) | Err(_) => {
                    self.connections.0[number] = None;
                    self.protocol.gone(number);
                    return;
                }
            }
        }
    }
}

impl<S> Connection<S> {
    fn send(&mut self, bytes: &[u8]) {
        if !self.unsent.is_empty() {
            self.unsent.extend(bytes);
            return;
        }
        // An error shows again when the connection is read.
        let sent = send(&self.stream, bytes, SendFlags::NOSIGNAL).unwrap_or(0);
        self.unsent.extend(&bytes[sent..]);
    }

    fn flush(&mut self) {
        let mut at = 0;
        while at < self.unsent.len() {
            match send(&self.stream, &self.unsent[at..], SendFlags::NOSIGNAL) {
                Ok(sent) => at += sent,
                Err(_) => break,
            }
        }
        self.unsent.drain(..at);
        if self.unsent.is_empty() {
            self.unsent = Vec::new();
        }
    }
}
