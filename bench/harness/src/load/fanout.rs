//! One connection publishes, all receive, the publisher too; every message is numbered and every
//! subscriber must get every number once and in order.

use super::cost::rest;
use super::deliveries::Deliveries;
use super::inbound::{Frames, Inbound};
use super::messages::{frame, payload};
use super::meter::Meter;
use super::net::{self, Poll, Ready};
use super::{Content, Cost, Load, Span, Target};
use anyhow::{Result, bail};
use rustix::net::{SendFlags, send};
use std::net::TcpStream;

/// Digits of a message's number, at the beginning of its payload.
const DIGITS: usize = 8;

struct Subscriber {
    stream: TcpStream,
    inbound: Inbound,
    /// The number that must come next.
    next: u64,
}

pub(super) fn run(load: &Load, target: Target, span: Span) -> Result<Cost> {
    let mut poll = Poll::new()?;
    let mut subscribers = Vec::with_capacity(load.connections);
    for stream in net::open(target, "/fanout", load.connections, false)? {
        stream.set_nonblocking(true)?;
        poll.add(&stream, subscribers.len())?;
        subscribers.push(Subscriber { stream, inbound: Inbound::default(), next: 0 });
    }
    // A server may join its subscribers after it has answered them.
    rest(target.process)?;
    let mut publisher = Publisher::new(load);
    let mut meter = Meter::new(target, span);
    publisher.publish(load.depth, &subscribers[0].stream)?;
    let mut scratch = vec![0; 64 << 10];
    let mut ready: Vec<Ready> = Vec::new();
    loop {
        poll.wait(&mut ready)?;
        if let Some(cost) = meter.turn(ready.len())? {
            return Ok(cost);
        }
        for event in ready.iter().filter(|event| event.read) {
            read(&mut subscribers[event.number], &mut publisher, &mut scratch, &mut meter)?;
            let complete = publisher.deliveries.complete();
            if complete > 0 {
                publisher.publish(complete, &subscribers[0].stream)?;
            }
        }
    }
}

/// Reads all that one subscriber has.
fn read(
    subscriber: &mut Subscriber,
    publisher: &mut Publisher,
    scratch: &mut [u8],
    meter: &mut Meter,
) -> Result<()> {
    loop {
        let Some(length) = net::receive(&subscriber.stream, scratch)? else { return Ok(()) };
        meter.add_bytes(length);
        let before = subscriber.next;
        let mut check = Check { publisher, next: &mut subscriber.next };
        subscriber.inbound.read(&scratch[..length], &mut check)?;
        meter.add(usize::try_from(subscriber.next - before)?);
        if length < scratch.len() {
            return Ok(());
        }
    }
}

/// Writes the messages and keeps account of them.
struct Publisher {
    template: Vec<u8>,
    deliveries: Deliveries,
    frames: Vec<u8>,
}

impl Publisher {
    fn new(load: &Load) -> Self {
        Self {
            template: payload(load.size.max(DIGITS), Content::Text, 7),
            deliveries: Deliveries::new(load.connections, load.depth),
            frames: Vec::new(),
        }
    }

    /// Publishes that many messages more, in one call.
    fn publish(&mut self, count: usize, stream: &TcpStream) -> Result<()> {
        self.frames.clear();
        for _ in 0..count {
            let mut message = self.template.clone();
            message[..DIGITS].copy_from_slice(&digits(self.deliveries.publish()));
            self.frames.extend(frame(0x81, &message, [1, 2, 3, 4]));
        }
        let sent = send(stream, &self.frames, SendFlags::NOSIGNAL)?;
        if sent < self.frames.len() {
            bail!("the publisher's socket is full");
        }
        Ok(())
    }
}

fn digits(number: u64) -> [u8; DIGITS] {
    let mut rest = number;
    let mut digits = [b'0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    digits
}

/// Holds what one subscriber gets against what was published.
struct Check<'a> {
    publisher: &'a mut Publisher,
    next: &'a mut u64,
}

impl Frames for Check<'_> {
    fn head(&mut self, first: u8, length: usize) -> Result<bool> {
        if first != 0x81 || length != self.publisher.template.len() {
            bail!("a frame of {length} bytes that begins with {first:#x} was not published");
        }
        Ok(true)
    }

    fn payload(&mut self, at: usize, bytes: &[u8]) -> Result<()> {
        let digits = digits(*self.next);
        let numbered = DIGITS.saturating_sub(at).min(bytes.len());
        let (number, rest) = bytes.split_at(numbered);
        let same = *number == digits[at.min(DIGITS)..at.min(DIGITS) + numbered]
            && *rest == self.publisher.template[at + numbered..at + bytes.len()];
        if !same {
            bail!("a subscriber did not get message {} next", self.next);
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.publisher.deliveries.delivered(*self.next)?;
        *self.next += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    #[test]
    fn numbers_have_eight_digits() {
        assert_eq!(&digits(0), b"00000000");
        assert_eq!(&digits(90_210), b"00090210");
    }

    /// What one subscriber makes of these messages, of which two have been published.
    fn received(numbers: &[u64]) -> Result<()> {
        let load = Load {
            kind: Kind::Fanout,
            size: 20,
            content: Content::Text,
            depth: 2,
            connections: 1,
            deflate: false,
        };
        let mut publisher = Publisher::new(&load);
        publisher.deliveries.publish();
        publisher.deliveries.publish();
        let (mut inbound, mut next) = (Inbound::default(), 0);
        for number in numbers {
            let mut frame = vec![0x81, 20];
            frame.extend(digits(*number));
            frame.extend(&publisher.template[DIGITS..]);
            // In two pieces, the first of which ends within the number.
            let (one, two) = frame.split_at(5);
            for piece in [one, two] {
                let mut check = Check { publisher: &mut publisher, next: &mut next };
                inbound.read(piece, &mut check)?;
            }
        }
        Ok(())
    }

    #[test]
    fn every_message_must_come_once_and_in_order() {
        assert!(received(&[0, 1]).is_ok());
        for wrong in [&[1][..], &[0, 0], &[0, 1, 2]] {
            assert!(received(wrong).is_err(), "{wrong:?}");
        }
    }
}
