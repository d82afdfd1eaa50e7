//! A client's WebSocket: the handshake, whole messages in, frames out, pings answered.

use super::super::inbound::{Frames, Inbound};
use super::super::inflater::Inflater;
use super::super::messages::frame;
use super::super::net;
use super::super::stream::Stream;
use super::Site;
use anyhow::{Result, bail};
use std::net::TcpStream;

/// Messages are inflated up to this size.
const MOST: usize = 1 << 20;

/// What a server sends.
#[derive(Clone, Copy)]
pub(super) enum Packet<'a> {
    /// Text.
    Text(&'a [u8]),
    /// An attachment.
    Binary(&'a [u8]),
    /// Compressed, for a client that does not look.
    Compressed,
}

/// A WebSocket whose handshake has been asked for, or is over.
pub(super) struct Link {
    stream: Stream,
    /// The answer to the handshake so far; `None` once it is whole.
    head: Option<Vec<u8>>,
    deflate: bool,
    inbound: Inbound,
    message: Message,
    inflater: Option<Box<Inflater>>,
    out: Vec<u8>,
    at: usize,
}

/// A message that is on its way in.
#[derive(Default)]
struct Message {
    first: u8,
    length: usize,
    held: Vec<u8>,
    given: bool,
}

impl Link {
    /// Connects from the address with that number, and asks for the handshake; blocks.
    pub(super) fn connect(site: &Site, number: usize, query: &str) -> Result<Self> {
        let tcp = net::connect_from(site.target, number)?;
        let path = format!("/socket.io/?EIO=4&transport=websocket{query}");
        let out = net::request(&path, site.target, site.deflate);
        let mut link = Self {
            stream: Stream::new(tcp, site.tls.as_ref())?,
            head: Some(Vec::new()),
            deflate: site.deflate,
            inbound: Inbound::default(),
            message: Message::default(),
            inflater: site.deflate.then(|| Box::new(Inflater::new())),
            out,
            at: 0,
        };
        link.flush()?;
        Ok(link)
    }

    /// From now on it does not look into what is compressed: inflating takes time and a window.
    pub(super) fn look_away(&mut self) {
        self.inflater = None;
    }

    /// What lies below.
    pub(super) fn tcp(&self) -> &TcpStream {
        self.stream.tcp()
    }

    /// Whether the handshake is over.
    pub(super) fn is_open(&self) -> bool {
        self.head.is_none()
    }

    /// Queues a text.
    pub(super) fn text(&mut self, text: &[u8]) {
        self.out.extend(frame(0x81, text, [9, 8, 7, 6]));
    }

    /// Queues a close frame with code 1000.
    pub(super) fn close(&mut self) {
        self.out.extend(frame(0x88, &[0x03, 0xe8], [9, 8, 7, 6]));
    }

    /// Where frames are queued.
    pub(super) fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Sends until nothing is queued or the socket is full.
    pub(super) fn flush(&mut self) -> Result<()> {
        while self.at < self.out.len() {
            match self.stream.send(&self.out[self.at..])? {
                0 => return Ok(()),
                sent => self.at += sent,
            }
        }
        self.out.clear();
        self.at = 0;
        self.stream.send(&[]).map(|_| ())
    }

    /// Reads until nothing is there; gives the bytes that it took.
    pub(super) fn read(
        &mut self,
        scratch: &mut [u8],
        mut on: impl FnMut(Packet<'_>) -> Result<()>,
    ) -> Result<usize> {
        let mut total = 0;
        while let Some(length) = self.read_once(scratch, &mut on)? {
            total += length;
            if length < scratch.len() && self.stream.short_reads_end() {
                break;
            }
        }
        Ok(total)
    }

    /// One read: the bytes that it took, `None` if nothing was there.
    pub(super) fn read_once(
        &mut self,
        scratch: &mut [u8],
        on: impl FnMut(Packet<'_>) -> Result<()>,
    ) -> Result<Option<usize>> {
        let Some(length) = self.stream.receive(scratch)? else { return Ok(None) };
        self.take(&scratch[..length], on)?;
        Ok(Some(length))
    }

    fn take(&mut self, mut bytes: &[u8], on: impl FnMut(Packet<'_>) -> Result<()>) -> Result<()> {
        if let Some(head) = &mut self.head {
            let before = head.len();
            head.extend(bytes);
            let Some(end) = head.windows(4).position(|it| it == b"\r\n\r\n") else { return Ok(()) };
            net::accepted(&head[..end], self.deflate)?;
            bytes = &bytes[end + 4 - before..];
            self.head = None;
        }
        let (message, inflater) = (&mut self.message, self.inflater.as_deref_mut());
        let mut whole = Whole { message, inflater, deflate: self.deflate, pings: 0, on };
        self.inbound.read(bytes, &mut whole)?;
        let pings = whole.pings;
        for _ in 0..pings {
            self.text(b"3");
        }
        if pings > 0 { self.flush() } else { Ok(()) }
    }
}

/// Puts messages together that arrive in pieces.
struct Whole<'a, F> {
    message: &'a mut Message,
    inflater: Option<&'a mut Inflater>,
    deflate: bool,
    pings: usize,
    on: F,
}

impl<F: FnMut(Packet<'_>) -> Result<()>> Whole<'_, F> {
    fn give(&mut self, bytes: &[u8]) -> Result<()> {
        match (self.message.first, &mut self.inflater) {
            (0x81, _) if bytes == b"2" => self.pings += 1,
            (0x81, _) => (self.on)(Packet::Text(bytes))?,
            (0x82, _) => (self.on)(Packet::Binary(bytes))?,
            (0xc1, Some(inflater)) if self.deflate => {
                inflater.push(bytes);
                (self.on)(Packet::Text(inflater.message(MOST)?))?;
            }
            (0xc1, None) if self.deflate => (self.on)(Packet::Compressed)?,
            (first, _) => bail!("a frame begins with {first:#x}"),
        }
        Ok(())
    }
}

impl<F: FnMut(Packet<'_>) -> Result<()>> Frames for Whole<'_, F> {
    fn head(&mut self, first: u8, length: usize) -> Result<bool> {
        self.message.held.clear();
        (self.message.first, self.message.length, self.message.given) = (first, length, false);
        Ok(true)
    }

    fn payload(&mut self, at: usize, bytes: &[u8]) -> Result<()> {
        // Nearly always it is whole, and needs no copy.
        if at == 0 && bytes.len() == self.message.length {
            self.message.given = true;
            return self.give(bytes);
        }
        self.message.held.extend(bytes);
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        if self.message.given {
            return Ok(());
        }
        let held = std::mem::take(&mut self.message.held);
        self.give(&held)?;
        self.message.held = held;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::messages::deflated;
    use super::*;

    fn taken(bytes: &[u8], step: usize, inflate: bool) -> Result<Vec<String>> {
        let mut seen = Vec::new();
        let (mut inbound, mut message) = (Inbound::default(), Message::default());
        let mut inflater = inflate.then(Inflater::new);
        for piece in bytes.chunks(step) {
            let mut whole = Whole {
                message: &mut message,
                inflater: inflater.as_mut(),
                deflate: true,
                pings: 0,
                on: |packet: Packet<'_>| {
                    seen.push(match packet {
                        Packet::Text(bytes) => format!("text {}", String::from_utf8_lossy(bytes)),
                        Packet::Binary(bytes) => format!("binary {bytes:?}"),
                        Packet::Compressed => "compressed".to_owned(),
                    });
                    Ok(())
                },
            };
            inbound.read(piece, &mut whole)?;
            assert!(whole.pings <= 1);
        }
        Ok(seen)
    }

    #[test]
    fn messages_are_whole_however_the_bytes_arrive() {
        let mut bytes = vec![0x81, 2, b'h', b'i', 0x81, 1, b'2', 0x82, 2, 7, 8, 0x81, 0];
        let packed = deflated(b"compressed text").unwrap();
        bytes.extend([0xc1, u8::try_from(packed.len()).unwrap()]);
        bytes.extend(packed);
        for step in 1..=bytes.len() {
            let seen = taken(&bytes, step, true).unwrap();
            assert_eq!(seen, ["text hi", "binary [7, 8]", "text ", "text compressed text"]);
            assert_eq!(taken(&bytes, step, false).unwrap()[3], "compressed");
        }
    }

    #[test]
    fn what_nobody_asked_for_is_an_error() {
        for first in [0x01, 0x83, 0x91, 0xe1] {
            assert!(taken(&[first, 1, b'x'], 3, true).is_err(), "{first:#x}");
        }
    }
}
