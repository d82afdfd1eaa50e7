//! What a session costs while it rests: memory before anything was sent, after an ack of 16 bytes
//! and after one of 16 KiB; and the CPU time of its heartbeat.

use super::super::cost::{Used, settled_bytes};
use super::super::net::{Poll, Ready};
use super::super::{Idle, Span};
use super::exchange::Exchange;
use super::link::{Link, Packet};
use super::opening::{TOGETHER, open_some};
use super::template::FIRST;
use super::{Kind, Load, Site};
use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// How long an ack may take.
const PATIENCE: Duration = Duration::from_secs(10);

struct Sessions {
    poll: Poll,
    links: Vec<Link>,
    ready: Vec<Ready>,
    scratch: Vec<u8>,
}

pub(super) fn run(load: &Load, site: &Site, span: Span) -> Result<Idle> {
    let process = site.target.process;
    let before = settled_bytes(process)?;
    let mut sessions = Sessions::open(load, site)?;
    #[allow(clippy::cast_precision_loss)] // far below 2^52
    let each = |now: u64| (now as f64 - before as f64) / load.connections as f64;
    let open = each(settled_bytes(process)?);
    sessions.acks(load, 16)?;
    let small = each(settled_bytes(process)?);
    sessions.acks(load, 16 << 10)?;
    let large = each(settled_bytes(process)?);
    let busy = sessions.rest(process, span.resting)?;
    Ok(Idle { open, small, large, busy: Some(busy) })
}

impl Sessions {
    fn open(load: &Load, site: &Site) -> Result<Self> {
        let links = Vec::with_capacity(load.connections);
        let scratch = vec![0; 64 << 10];
        let mut sessions = Self { poll: Poll::new()?, links, ready: Vec::new(), scratch };
        while sessions.links.len() < load.connections {
            let from = sessions.links.len();
            let count = TOGETHER.min(load.connections - from);
            for link in open_some(site, from, count, false)? {
                sessions.poll.add(link.tcp(), sessions.links.len())?;
                sessions.links.push(link);
            }
            // Where there are many, the first have their heartbeat before the last are open.
            sessions.turn(Duration::ZERO, |packet| unexpected(&packet))?;
        }
        Ok(sessions)
    }

    /// Waits for a while at most, and takes what there is; pings are answered on the way.
    fn turn(
        &mut self,
        limit: Duration,
        mut on: impl FnMut(Packet<'_>) -> Result<()>,
    ) -> Result<()> {
        self.poll.wait_for(limit, &mut self.ready)?;
        for event in &self.ready {
            let link = &mut self.links[event.number];
            if event.read {
                link.read(&mut self.scratch, &mut on)?;
            }
            if event.write {
                link.flush()?;
            }
        }
        Ok(())
    }

    /// One event on each session, and its ack.
    fn acks(&mut self, load: &Load, size: usize) -> Result<()> {
        let exchange = Exchange::new(&Load { kind: Kind::Ack, size, ..*load });
        for from in (0..self.links.len()).step_by(TOGETHER) {
            let to = self.links.len().min(from + TOGETHER);
            for link in &mut self.links[from..to] {
                exchange.write(FIRST, link.out());
                link.flush()?;
            }
            let (mut missing, started) = (to - from, Instant::now());
            while missing > 0 {
                if started.elapsed() > PATIENCE {
                    bail!("{missing} acks did not come");
                }
                self.turn(Duration::from_secs(1), |packet| match packet {
                    Packet::Text(text) if exchange.reply(text) == Some(FIRST) && missing > 0 => {
                        missing -= 1;
                        Ok(())
                    }
                    other => unexpected(&other),
                })?;
            }
        }
        Ok(())
    }

    /// The share of a core that the server needs for sessions that rest.
    #[allow(clippy::cast_precision_loss)] // far below 2^52
    fn rest(&mut self, process: u32, span: Duration) -> Result<f64> {
        let process = process.to_string();
        let (used, started) = (Used::read(&process)?, Instant::now());
        loop {
            let left = span.saturating_sub(started.elapsed());
            if left.is_zero() {
                break;
            }
            self.turn(left.min(Duration::from_secs(1)), |packet| unexpected(&packet))?;
        }
        let nanos = Used::read(&process)?.nanos - used.nanos;
        Ok(nanos as f64 / started.elapsed().as_nanos().max(1) as f64)
    }
}

fn unexpected(packet: &Packet<'_>) -> Result<()> {
    match packet {
        Packet::Text(text) => bail!("`{}` to a client that rests", String::from_utf8_lossy(text)),
        Packet::Binary(_) | Packet::Compressed => bail!("an attachment to a client that rests"),
    }
}
