//! Every connection keeps some messages in flight; each must come back as it was sent.

use super::inbound::{Frames, Inbound};
use super::inflater::Inflater;
use super::messages::{Messages, first_byte};
use super::meter::Meter;
use super::net::{self, Poll, Ready};
use super::outbound::Outbound;
use super::{Cost, Load, Span, Target};
use anyhow::{Result, bail};
use std::net::TcpStream;

/// From this size on, payload that is not compared is thrown away in the kernel.
const BULK: usize = 16 << 10;
/// Up to this size every reply is compared, above it every sixteenth.
const ALWAYS_COMPARED: usize = 1 << 10;
/// Enough for a frame's head, and little of what follows.
const HEAD: usize = 64;

struct Client {
    stream: TcpStream,
    outbound: Outbound,
    inbound: Inbound,
    replies: Replies,
}

/// What a client expects next.
struct Replies {
    next: usize,
    count: u64,
    compressed: bool,
    inflater: Option<Inflater>,
    /// Bytes of a reply so far, of a server that returns bytes.
    raw: usize,
}

pub(super) fn run(load: &Load, target: Target, span: Span) -> Result<Cost> {
    let messages = Messages::new(load)?;
    let mut poll = Poll::new()?;
    let mut clients = Vec::with_capacity(load.connections);
    for stream in net::open(target, "/echo", load.connections, load.deflate)? {
        stream.set_nonblocking(true)?;
        poll.add(&stream, clients.len())?;
        clients.push(Client::new(stream, clients.len(), load, &messages));
    }
    let mut meter = Meter::new(target, span);
    for client in &mut clients {
        client.outbound.queue(load.depth, &messages);
        client.outbound.pump(&client.stream, &messages)?;
    }
    let mut turn = Turn { load, messages: &messages, raw: target.raw, scratch: vec![0; 1 << 20] };
    let mut ready: Vec<Ready> = Vec::new();
    loop {
        poll.wait(&mut ready)?;
        if let Some(cost) = meter.turn(ready.len())? {
            return Ok(cost);
        }
        for event in &ready {
            let client = &mut clients[event.number];
            if event.read {
                turn.read(client, &mut meter)?;
            }
            if event.write {
                client.outbound.pump(&client.stream, &messages)?;
            }
        }
    }
}

impl Client {
    fn new(stream: TcpStream, number: usize, load: &Load, messages: &Messages) -> Self {
        let first = number % messages.count();
        // One connection's replies are inflated: enough to catch a fault, too few to matter.
        let inflater = (load.deflate && number == 0).then(Inflater::new);
        let replies = Replies { next: first, count: 0, compressed: false, inflater, raw: 0 };
        let outbound = Outbound::new(first, messages);
        Self { stream, outbound, inbound: Inbound::default(), replies }
    }
}

/// What the reading of every client shares.
struct Turn<'a> {
    load: &'a Load,
    messages: &'a Messages,
    raw: bool,
    scratch: Vec<u8>,
}

impl Turn<'_> {
    /// Reads until nothing is there, and sends a message for each reply.
    fn read(&mut self, client: &mut Client, meter: &mut Meter) -> Result<()> {
        loop {
            let before = client.replies.count;
            let drained = self.read_once(client, meter)?;
            let replies = usize::try_from(client.replies.count - before)?;
            if replies > 0 {
                meter.add(replies);
                client.outbound.queue(replies, self.messages);
                client.outbound.pump(&client.stream, self.messages)?;
            }
            if drained {
                return Ok(());
            }
        }
    }

    /// One system call; says whether it took all there was.
    fn read_once(&mut self, client: &mut Client, meter: &mut Meter) -> Result<bool> {
        let Client { stream, inbound, replies, .. } = client;
        let unwanted = inbound.unwanted();
        let bulk = self.load.size >= BULK && !self.load.deflate;
        let (discarded, most) = match (self.raw, bulk) {
            (true, _) => (bulk, self.scratch.len()),
            (false, true) if unwanted > HEAD => (true, unwanted.min(self.scratch.len())),
            (false, true) if !inbound.wants() => (false, HEAD),
            _ => (false, self.scratch.len()),
        };
        let buffer = &mut self.scratch[..most];
        let received = match discarded {
            true => net::discard(stream, buffer)?,
            false => net::receive(stream, buffer)?,
        };
        let Some(length) = received else { return Ok(true) };
        meter.add_bytes(length);
        let mut check = Check { load: self.load, messages: self.messages, replies };
        match (self.raw, discarded) {
            (true, _) => check.count_bytes(length),
            (false, true) => inbound.pass(length, &mut check)?,
            (false, false) => inbound.read(&self.scratch[..length], &mut check)?,
        }
        Ok(length < most)
    }
}

/// Holds replies against what was sent.
struct Check<'a> {
    load: &'a Load,
    messages: &'a Messages,
    replies: &'a mut Replies,
}

impl Check<'_> {
    /// A server that returns bytes: every frame of a run without compression is equally long.
    fn count_bytes(&mut self, length: usize) {
        let one = self.messages.length(0);
        self.replies.raw += length;
        self.replies.count += (self.replies.raw / one) as u64;
        self.replies.raw %= one;
    }
}

impl Frames for Check<'_> {
    fn head(&mut self, first: u8, length: usize) -> Result<bool> {
        let replies = &mut *self.replies;
        // A server may decide not to compress a message.
        replies.compressed = self.load.deflate && first & 0x40 != 0;
        let expected = first_byte(self.load);
        if first != expected && first != expected & !0x40 {
            bail!("a reply begins with {first:#x} instead of {expected:#x}");
        }
        if replies.compressed {
            return Ok(replies.inflater.is_some());
        }
        if length != self.load.size {
            bail!("a reply of {length} bytes instead of {}", self.load.size);
        }
        Ok(length <= ALWAYS_COMPARED || replies.count.is_multiple_of(16))
    }

    fn payload(&mut self, at: usize, bytes: &[u8]) -> Result<()> {
        match &mut self.replies.inflater {
            Some(inflater) if self.replies.compressed => inflater.push(bytes),
            _ => {
                let expected = &self.messages.plain[self.replies.next];
                if expected[at..at + bytes.len()] != *bytes {
                    bail!("a reply is not what was sent");
                }
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        let replies = &mut *self.replies;
        if let Some(inflater) = replies.inflater.as_mut().filter(|_| replies.compressed) {
            inflater.finish(&self.messages.plain[replies.next])?;
        }
        replies.count += 1;
        replies.next = (replies.next + 1) % self.messages.count();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Content, Kind};
    use super::*;

    /// What a client makes of these bytes as the reply to its first message.
    fn reply(deflate: bool, bytes: impl Fn(&[u8]) -> Vec<u8>) -> Result<u64> {
        let (kind, content) = (Kind::Echo, Content::Text);
        let load = Load { kind, size: 100, content, depth: 1, connections: 1, deflate };
        let messages = Messages::new(&load)?;
        let inflater = deflate.then(Inflater::new);
        let mut replies = Replies { next: 0, count: 0, compressed: false, inflater, raw: 0 };
        let mut check = Check { load: &load, messages: &messages, replies: &mut replies };
        Inbound::default().read(&bytes(&messages.plain[0]), &mut check)?;
        Ok(replies.count)
    }

    fn framed(first: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        [&[first, length], payload].concat()
    }

    #[test]
    fn only_what_was_sent_is_a_reply() {
        assert_eq!(reply(false, |plain| framed(0x81, plain)).unwrap(), 1);
        assert_eq!(reply(false, |plain| framed(0x81, plain)[..50].to_vec()).unwrap(), 0);
        let altered = |plain: &[u8]| [&plain[..99], b"#"].concat();
        assert!(reply(false, |plain| framed(0x81, &altered(plain))).is_err());
        assert!(reply(false, |plain| framed(0x81, &plain[1..])).is_err());
        for first in [0x01, 0x82, 0xc1, 0x91] {
            assert!(reply(false, |plain| framed(first, plain)).is_err(), "{first:#x}");
        }
    }

    #[test]
    fn compressed_replies_are_inflated_and_compared() {
        let packed = |plain: &[u8]| super::super::messages::deflated(plain).unwrap();
        assert_eq!(reply(true, |plain| framed(0xc1, &packed(plain))).unwrap(), 1);
        // A server may leave a message as it is.
        assert_eq!(reply(true, |plain| framed(0x81, plain)).unwrap(), 1);
        assert!(reply(true, |plain| framed(0xc1, &packed(&plain[1..]))).is_err());
        assert!(reply(true, |plain| framed(0xc1, plain)).is_err());
    }
}
