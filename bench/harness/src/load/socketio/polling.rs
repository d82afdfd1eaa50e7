//! Every client keeps some messages in flight by long-polling, on two connections as browsers do:
//! a poll waits on one, packets are posted on the other, all that wait at a time.

use super::super::meter::Meter;
use super::super::net::{Poll, Ready};
use super::super::{Cost, Span};
use super::exchange::Exchange;
use super::http::Http;
use super::template::FIRST;
use super::window::Window;
use super::{Load, Site};
use anyhow::{Context, Result, bail};

/// Between the packets of a body.
pub(super) const SEPARATOR: u8 = 0x1e;

struct Client {
    session: String,
    polls: Http,
    posts: Http,
    /// Packets for the next POST.
    queue: Vec<u8>,
    next: u64,
    window: Window,
    open: bool,
}

pub(super) fn run(load: &Load, site: &Site, span: Span) -> Result<Cost> {
    let exchange = Exchange::unframed(load);
    let mut poll = Poll::new()?;
    let mut clients = Vec::with_capacity(load.connections);
    for number in 0..load.connections {
        let client = Client::begin(site, number, load.depth)?;
        poll.add(client.polls.tcp(), 2 * number)?;
        poll.add(client.posts.tcp(), 2 * number + 1)?;
        clients.push(client);
    }
    let mut meter = Meter::new(site.target, span);
    let mut scratch = vec![0; 256 << 10];
    let mut ready: Vec<Ready> = Vec::new();
    let mut cost = None;
    loop {
        poll.wait(&mut ready)?;
        if cost.is_none() {
            cost = meter.turn(ready.len())?;
        }
        if let Some(cost) = cost {
            let waiting: usize = clients.iter().map(|it| it.window.waiting()).sum();
            if waiting == 0 || ready.is_empty() {
                let lost = clients.iter().map(|it| it.window.lost()).sum();
                return Ok(Cost { lost, ..cost });
            }
        }
        for event in ready.iter().filter(|event| event.read) {
            let client = &mut clients[event.number / 2];
            let (bytes, count) = match event.number % 2 {
                0 => client.polled(&mut scratch, &exchange)?,
                _ => (client.posted(&mut scratch)?, 0),
            };
            meter.add_bytes(bytes);
            meter.add(count);
            // The first emits are owed when the session is open.
            let owed = if client.window.waiting() == 0 { load.depth } else { count };
            if cost.is_none() && client.open {
                client.emit(owed, &exchange);
            }
            client.post()?;
        }
    }
}

impl Client {
    fn begin(site: &Site, number: usize, depth: usize) -> Result<Self> {
        let mut polls = Http::connect(site, number)?;
        polls.poll("")?;
        Ok(Self {
            session: String::new(),
            polls,
            posts: Http::connect(site, number)?,
            queue: Vec::new(),
            next: FIRST,
            window: Window::new(depth),
            open: false,
        })
    }

    fn emit(&mut self, count: usize, exchange: &Exchange) {
        for _ in 0..count {
            self.separate();
            exchange.write(self.next, &mut self.queue);
            self.window.open(self.next);
            self.next += 1;
        }
    }

    fn separate(&mut self) {
        if !self.queue.is_empty() {
            self.queue.push(SEPARATOR);
        }
    }

    /// Posts what waits, unless a POST is under way.
    fn post(&mut self) -> Result<()> {
        if self.queue.is_empty() || self.posts.is_busy() {
            return Ok(());
        }
        self.posts.post(&self.session, &self.queue)?;
        self.queue.clear();
        Ok(())
    }

    /// A poll may be answered: so many bytes, so many replies.
    fn polled(&mut self, scratch: &mut [u8], exchange: &Exchange) -> Result<(usize, usize)> {
        let Some(body) = self.polls.answer(scratch)? else { return Ok((0, 0)) };
        let mut count = 0;
        for packet in body.split(|byte| *byte == SEPARATOR) {
            if let Some(number) = exchange.reply(packet).filter(|_| self.open) {
                self.window.close(number)?;
                count += 1;
            } else {
                self.control(packet)?;
            }
        }
        self.polls.poll(&self.session)?;
        Ok((body.len(), count))
    }

    fn control(&mut self, packet: &[u8]) -> Result<()> {
        match packet {
            [b'0', b'{', ..] if self.session.is_empty() => {
                self.session = session(packet)?;
                self.queue.extend(b"40");
            }
            b"2" => {
                self.separate();
                self.queue.push(b'3');
            }
            [b'4', b'0', ..] if !self.open => self.open = true,
            other => bail!("`{}` is no reply", String::from_utf8_lossy(other)),
        }
        Ok(())
    }

    /// A POST may be answered.
    fn posted(&mut self, scratch: &mut [u8]) -> Result<usize> {
        let Some(body) = self.posts.answer(scratch)? else { return Ok(0) };
        // Clients do not look, and one server writes it in capitals.
        if !body.eq_ignore_ascii_case(b"ok") {
            bail!("a POST is answered `{}`", String::from_utf8_lossy(&body));
        }
        Ok(body.len())
    }
}

/// The session's id, out of the packet that opens it.
pub(super) fn session(packet: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(packet)?;
    let (_, rest) = text.split_once("\"sid\":\"").context("a session has no id")?;
    let (id, _) = rest.split_once('"').context("a session's id has no end")?;
    Ok(id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_an_id() {
        assert_eq!(session(br#"0{"sid":"a-b","upgrades":[]}"#).unwrap(), "a-b");
        assert!(session(b"0{}").is_err());
    }
}
