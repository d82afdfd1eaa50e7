//! Whole sessions, one after the other on each of some places: opened, one event acknowledged,
//! closed. By WebSocket alone, or by long-polling with an upgrade.

use super::super::meter::Meter;
use super::super::net::{Poll, Ready};
use super::super::{Cost, Span};
use super::exchange::Exchange;
use super::http::Http;
use super::link::{Link, Packet};
use super::polling::{SEPARATOR, session};
use super::template::FIRST;
use super::{Kind, Load, Site};
use anyhow::{Context, Result, bail};

/// What a session waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The packet that opens it.
    Open,
    /// The `ok` of the POST that asks for the namespace.
    Posted,
    /// The namespace.
    Namespace,
    /// The answer to the probe, and the poll's release.
    Probe,
    /// The ack.
    Ack,
    /// Nothing more.
    Over,
}

struct Attempt {
    stage: Stage,
    session: String,
    http: Option<Http>,
    link: Option<Link>,
    probed: bool,
    released: bool,
    pinged: bool,
}

/// What every attempt shares.
struct Places<'a> {
    site: &'a Site,
    kind: Kind,
    exchange: Exchange,
    poll: Poll,
    /// Connections so far: each comes from the next address.
    connections: usize,
}

pub(super) fn run(load: &Load, site: &Site, span: Span) -> Result<Cost> {
    let (kind, exchange) = (load.kind, Exchange::new(load));
    let mut places = Places { site, kind, exchange, poll: Poll::new()?, connections: 0 };
    let mut attempts = Vec::with_capacity(load.connections);
    for number in 0..load.connections {
        attempts.push(places.begin(number)?);
    }
    let mut meter = Meter::new(site.target, span);
    let mut scratch = vec![0; 64 << 10];
    let mut ready: Vec<Ready> = Vec::new();
    loop {
        places.poll.wait(&mut ready)?;
        if let Some(cost) = meter.turn(ready.len())? {
            return Ok(cost);
        }
        for event in ready.iter().filter(|event| event.read) {
            let number = event.number / 2;
            let attempt = &mut attempts[number];
            match event.number % 2 {
                0 => places.link(attempt, &mut scratch)?,
                _ => places.http(attempt, number, &mut scratch)?,
            }
            if attempt.stage == Stage::Over {
                meter.add(1);
                *attempt = places.begin(number)?;
            }
        }
    }
}

impl Places<'_> {
    fn begin(&mut self, number: usize) -> Result<Attempt> {
        let mut attempt = Attempt {
            stage: Stage::Open,
            session: String::new(),
            http: None,
            link: None,
            probed: false,
            released: false,
            pinged: false,
        };
        self.connections += 1;
        if self.kind == Kind::Upgrade {
            let mut http = Http::connect(self.site, self.connections)?;
            self.poll.add(http.tcp(), 2 * number + 1)?;
            http.poll("")?;
            attempt.http = Some(http);
        } else {
            attempt.link = Some(self.connect(number, "")?);
        }
        Ok(attempt)
    }

    fn connect(&mut self, number: usize, query: &str) -> Result<Link> {
        self.connections += 1;
        let link = Link::connect(self.site, self.connections, query)?;
        link.tcp().set_nonblocking(true)?;
        self.poll.add(link.tcp(), 2 * number)?;
        Ok(link)
    }

    /// Something has come by WebSocket.
    fn link(&mut self, attempt: &mut Attempt, scratch: &mut [u8]) -> Result<()> {
        let Attempt { link: Some(link), stage, probed, .. } = attempt else { return Ok(()) };
        let (was_open, exchange) = (link.is_open(), &self.exchange);
        let (mut joins, mut emits) = (false, false);
        link.read(scratch, |packet| {
            let Packet::Text(text) = packet else { bail!("an attachment of nothing") };
            match (*stage, text) {
                (Stage::Open, [b'0', b'{', ..]) => (*stage, joins) = (Stage::Namespace, true),
                (Stage::Namespace, [b'4', b'0', ..]) => (*stage, emits) = (Stage::Ack, true),
                (Stage::Probe, b"3probe") => *probed = true,
                (Stage::Ack, text) if exchange.reply(text) == Some(FIRST) => *stage = Stage::Over,
                (stage, text) => bail!("{stage:?}: `{}`", String::from_utf8_lossy(text)),
            }
            Ok(())
        })?;
        if *stage == Stage::Probe && link.is_open() && !was_open {
            link.text(b"2probe");
        }
        if joins {
            link.text(b"40");
        }
        if emits {
            exchange.write(FIRST, link.out());
        }
        if *stage == Stage::Over {
            link.close();
        }
        link.flush()?;
        self.upgrade(attempt)
    }

    /// Something has come by HTTP.
    fn http(&mut self, attempt: &mut Attempt, number: usize, scratch: &mut [u8]) -> Result<()> {
        let Some(http) = &mut attempt.http else { return Ok(()) };
        let Some(body) = http.answer(scratch)? else { return Ok(()) };
        if attempt.stage == Stage::Posted && body.eq_ignore_ascii_case(b"ok") {
            attempt.stage = Stage::Namespace;
        } else {
            for packet in body.split(|byte| *byte == SEPARATOR) {
                self.polled(attempt, number, packet)?;
            }
        }
        // As browsers do: they poll on while they probe.
        let polls = matches!(attempt.stage, Stage::Namespace | Stage::Probe) && !attempt.released;
        if let Some(http) = attempt.http.as_mut().filter(|_| polls) {
            http.poll(&attempt.session)?;
        }
        self.upgrade(attempt)
    }

    /// One packet of a poll's answer.
    fn polled(&mut self, attempt: &mut Attempt, number: usize, packet: &[u8]) -> Result<()> {
        match (attempt.stage, packet) {
            (Stage::Open, [b'0', b'{', ..]) => {
                attempt.session = session(packet)?;
                attempt.stage = Stage::Posted;
                let http = attempt.http.as_mut().context("no poll")?;
                http.post(&attempt.session, b"40")?;
            }
            (Stage::Namespace, [b'4', b'0', ..]) => {
                let query = format!("&sid={}", attempt.session);
                attempt.link = Some(self.connect(number, &query)?);
                attempt.stage = Stage::Probe;
            }
            (Stage::Probe, b"6") => attempt.released = true,
            // One server pings at once; it is answered after the upgrade.
            (Stage::Namespace | Stage::Probe, b"2") => attempt.pinged = true,
            (stage, packet) => bail!("{stage:?}: `{}`", String::from_utf8_lossy(packet)),
        }
        Ok(())
    }

    /// Upgrades once the probe is answered and the poll released.
    fn upgrade(&mut self, attempt: &mut Attempt) -> Result<()> {
        let ready = attempt.stage == Stage::Probe && attempt.probed && attempt.released;
        let Some(link) = attempt.link.as_mut().filter(|_| ready) else { return Ok(()) };
        attempt.http = None;
        attempt.stage = Stage::Ack;
        link.text(b"5");
        if attempt.pinged {
            link.text(b"3");
        }
        self.exchange.write(FIRST, link.out());
        link.flush()
    }
}
