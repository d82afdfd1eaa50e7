//! Every client keeps some messages in flight by WebSocket; each is answered with what it carried.

use super::super::meter::Meter;
use super::super::net::{Poll, Ready};
use super::super::{Cost, Span};
use super::exchange::Exchange;
use super::link::{Link, Packet};
use super::opening::open;
use super::template::FIRST;
use super::window::Window;
use super::{Kind, Load, Site};
use anyhow::{Result, bail};

struct Client {
    link: Link,
    /// The number of its next message.
    next: u64,
    replies: Replies,
}

/// What a client expects.
struct Replies {
    window: Window,
    /// The number of the last reply.
    last: u64,
    /// The ack whose attachment is yet to come.
    open: Option<u64>,
    count: usize,
}

pub(super) fn run(load: &Load, site: &Site, span: Span) -> Result<Cost> {
    let exchange = Exchange::new(load);
    let mut poll = Poll::new()?;
    let mut clients = Vec::with_capacity(load.connections);
    for link in open(site, load.connections, false)? {
        poll.add(link.tcp(), clients.len())?;
        clients.push(Client::new(link, load.depth));
    }
    let mut meter = Meter::new(site.target, span);
    for client in &mut clients {
        client.emit(load.depth, &exchange)?;
    }
    let ordered = load.kind == Kind::Event;
    let mut scratch = vec![0; 256 << 10];
    let mut ready: Vec<Ready> = Vec::new();
    let mut cost = None;
    loop {
        poll.wait(&mut ready)?;
        if cost.is_none() {
            cost = meter.turn(ready.len())?;
        }
        // What is in flight at the end must come too, or it is lost.
        if let Some(cost) = cost {
            let waiting: usize = clients.iter().map(|it| it.replies.window.waiting()).sum();
            if waiting == 0 || ready.is_empty() {
                let lost = clients.iter().map(|it| it.replies.window.lost()).sum();
                return Ok(Cost { lost, ..cost });
            }
        }
        for event in &ready {
            let client = &mut clients[event.number];
            if event.read {
                let (bytes, count) = client.read(&mut scratch, &exchange, ordered)?;
                meter.add_bytes(bytes);
                meter.add(count);
                if cost.is_none() {
                    client.emit(count, &exchange)?;
                }
            }
            if event.write {
                client.link.flush()?;
            }
        }
    }
}

impl Client {
    fn new(link: Link, depth: usize) -> Self {
        let replies = Replies { window: Window::new(depth), last: 0, open: None, count: 0 };
        Self { link, next: FIRST, replies }
    }

    fn emit(&mut self, count: usize, exchange: &Exchange) -> Result<()> {
        for _ in 0..count {
            exchange.write(self.next, self.link.out());
            self.replies.window.open(self.next);
            self.next += 1;
        }
        self.link.flush()
    }

    /// Reads all there is: so many bytes, so many replies.
    fn read(
        &mut self,
        scratch: &mut [u8],
        exchange: &Exchange,
        ordered: bool,
    ) -> Result<(usize, usize)> {
        let replies = &mut self.replies;
        replies.count = 0;
        let bytes = self.link.read(scratch, |packet| replies.take(packet, exchange, ordered))?;
        Ok((bytes, replies.count))
    }
}

impl Replies {
    fn take(&mut self, packet: Packet<'_>, exchange: &Exchange, ordered: bool) -> Result<()> {
        let number = match (packet, &exchange.attachment) {
            (Packet::Text(bytes), attachment) => {
                let Some(number) = exchange.reply(bytes).filter(|_| self.open.is_none()) else {
                    bail!("`{}` is no reply", String::from_utf8_lossy(bytes));
                };
                if attachment.is_some() {
                    self.open = Some(number);
                    return Ok(());
                }
                number
            }
            (Packet::Binary(bytes), Some(attachment)) => {
                let number = attachment.number(bytes);
                match self.open.take() {
                    Some(open) if number == Some(open) => open,
                    _ => bail!("an attachment is not what was sent"),
                }
            }
            (Packet::Binary(_) | Packet::Compressed, _) => bail!("an attachment to nothing"),
        };
        if ordered && number <= self.last {
            bail!("event {number} came after {}", self.last);
        }
        self.last = number;
        self.count += 1;
        self.window.close(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(kind: Kind) -> Load {
        Load { kind, size: 30, depth: 2, connections: 1, tls: false, deflate: false }
    }

    fn replies() -> Replies {
        let mut window = Window::new(2);
        window.open(FIRST);
        window.open(FIRST + 1);
        Replies { window, last: 0, open: None, count: 0 }
    }

    fn written(template: &super::super::template::Template, number: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        template.write(number, &mut bytes);
        bytes
    }

    #[test]
    fn acks_may_change_places_and_events_may_not() {
        for (kind, ordered) in [(Kind::Ack, false), (Kind::Event, true)] {
            let (exchange, mut replies) = (Exchange::new(&load(kind)), replies());
            let mut take = |number| {
                let bytes = written(&exchange.replies[0], number);
                replies.take(Packet::Text(&bytes), &exchange, ordered)
            };
            take(FIRST + 1).unwrap();
            assert_eq!(take(FIRST).is_ok(), !ordered);
            assert!(take(FIRST + 1).is_err());
            assert!(take(FIRST + 2).is_err());
        }
    }

    #[test]
    fn an_attachment_follows_its_ack_and_is_the_one_that_was_sent() {
        let exchange = Exchange::new(&load(Kind::Binary));
        let ack = |number| written(&exchange.replies[0], number);
        let attachment = |number| written(exchange.attachment.as_ref().unwrap(), number);
        let mut good = replies();
        good.take(Packet::Text(&ack(FIRST)), &exchange, false).unwrap();
        assert_eq!(good.count, 0);
        good.take(Packet::Binary(&attachment(FIRST)), &exchange, false).unwrap();
        assert_eq!(good.count, 1);
        let mut wrong = replies();
        wrong.take(Packet::Text(&ack(FIRST)), &exchange, false).unwrap();
        assert!(wrong.take(Packet::Binary(&attachment(FIRST + 1)), &exchange, false).is_err());
        assert!(replies().take(Packet::Binary(&attachment(FIRST)), &exchange, false).is_err());
        let mut twice = replies();
        twice.take(Packet::Text(&ack(FIRST)), &exchange, false).unwrap();
        assert!(twice.take(Packet::Text(&ack(FIRST + 1)), &exchange, false).is_err());
    }
}
