//! Floor: bytes returned by an epoll loop with one buffer for all connections. Its `/fanout`
//! unmasks each frame once and hands the same bytes to every subscriber.

use bench_harness::floor::{ANSWER, port, unmasked};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};

const LISTENER: u64 = u64::MAX;
const BUFFER: usize = 512 << 10;

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port()))?;
    listener.set_nonblocking(true)?;
    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&poll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
    let mut floor = Floor { poll, listener, connections: Vec::new(), subscribers: Vec::new() };
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

struct Floor {
    poll: OwnedFd,
    listener: TcpListener,
    /// By the number of the file.
    connections: Vec<Option<Connection>>,
    subscribers: Vec<usize>,
}

struct Connection {
    stream: TcpStream,
    stage: Stage,
    /// What the socket did not take.
    unsent: Vec<u8>,
}

enum Stage {
    /// The request's head so far.
    Head(Vec<u8>),
    Echo,
    /// The frame so far.
    Fanout(Vec<u8>),
}

impl Floor {
    fn accept(&mut self) -> io::Result<()> {
        while let Ok((stream, _)) = self.listener.accept() {
            stream.set_nonblocking(true)?;
            // A client may have reset it by now.
            let _ = stream.set_nodelay(true);
            let number = usize::try_from(stream.as_raw_fd()).map_err(io::Error::other)?;
            let flags = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
            epoll::add(&self.poll, &stream, EventData::new_u64(number as u64), flags)?;
            if self.connections.len() <= number {
                self.connections.resize_with(number + 1, || None);
            }
            let stage = Stage::Head(Vec::new());
            self.connections[number] = Some(Connection { stream, stage, unsent: Vec::new() });
        }
        Ok(())
    }

    fn serve(&mut self, number: usize, flags: EventFlags, buffer: &mut [u8]) {
        let Some(connection) = &mut self.connections[number] else { return };
        if flags.contains(EventFlags::OUT) && !connection.unsent.is_empty() {
            connection.flush();
        }
        if !flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
            return;
        }
        loop {
            let Some(connection) = &mut self.connections[number] else { return };
            match recv(&connection.stream, &mut *buffer, RecvFlags::empty()) {
                Err(Errno::AGAIN) => return,
                Ok((length @ 1.., _)) => {
                    self.take(number, &buffer[..length]);
                    if length < buffer.len() {
                        return;
                    }
                }
                Ok(_) | Err(_) => {
                    self.connections[number] = None;
                    self.subscribers.retain(|it| *it != number);
                    return;
                }
            }
        }
    }

    fn take(&mut self, number: usize, bytes: &[u8]) {
        let Some(connection) = &mut self.connections[number] else { return };
        match &mut connection.stage {
            Stage::Echo => connection.send(bytes),
            Stage::Fanout(received) => {
                received.extend(bytes);
                let frames = unmasked(received);
                for subscriber in &self.subscribers {
                    if let Some(subscriber) = &mut self.connections[*subscriber] {
                        subscriber.send(&frames);
                    }
                }
            }
            Stage::Head(head) => {
                head.extend(bytes);
                if !head.ends_with(b"\r\n\r\n") {
                    return;
                }
                let fanout = head.starts_with(b"GET /fanout ");
                connection.stage = if fanout { Stage::Fanout(Vec::new()) } else { Stage::Echo };
                connection.send(ANSWER);
                if fanout {
                    self.subscribers.push(number);
                }
            }
        }
    }
}

impl Connection {
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
