//! One client publishes, all members of a room receive; each must get each number once and in
//! order.

use super::super::cost::rest;
use super::super::deliveries::Deliveries;
use super::super::meter::Meter;
use super::super::net::{Poll, Ready};
use super::super::{Cost, Span};
use super::exchange::text;
use super::link::{Link, Packet};
use super::opening::open;
use super::template::{FIRST, Template};
use super::{Load, Site};
use anyhow::{Context, Result, bail};

/// How many members look into what is compressed.
const INFLATING: usize = 16;

struct Member {
    link: Link,
    /// The number that must come next.
    next: u64,
}

struct Publisher {
    link: Link,
    event: Template,
    framed: Template,
    deliveries: Deliveries,
}

pub(super) fn run(load: &Load, site: &Site, span: Span) -> Result<Cost> {
    let mut poll = Poll::new()?;
    let mut members = Vec::with_capacity(load.connections);
    for mut link in open(site, load.connections, true)? {
        if members.len() >= INFLATING {
            link.look_away();
        }
        poll.add(link.tcp(), members.len())?;
        members.push(Member { link, next: FIRST });
    }
    let link = open(site, 1, false)?.pop().context("no publisher")?;
    poll.add(link.tcp(), members.len())?;
    let mut publisher = Publisher::new(link, load);
    rest(site.target.process)?;
    let mut meter = Meter::new(site.target, span);
    publisher.publish(load.depth)?;
    let mut scratch = vec![0; 64 << 10];
    let mut ready: Vec<Ready> = Vec::new();
    loop {
        poll.wait(&mut ready)?;
        if let Some(cost) = meter.turn(ready.len())? {
            return Ok(cost);
        }
        for event in &ready {
            let Some(member) = members.get_mut(event.number) else {
                publisher.turn(&mut scratch)?;
                continue;
            };
            if event.read {
                member.read(&mut publisher, &mut scratch, &mut meter)?;
                let complete = publisher.deliveries.complete();
                if complete > 0 {
                    publisher.publish(complete)?;
                }
            }
            if event.write {
                member.link.flush()?;
            }
        }
    }
}

impl Publisher {
    fn new(link: Link, load: &Load) -> Self {
        let event = Template::new("42[\"say\",{\"n\":#,\"text\":\"", &text(load));
        let framed = event.framed(0x81);
        let deliveries = Deliveries::new(load.connections, load.depth);
        Self { link, event, framed, deliveries }
    }

    fn publish(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            let number = FIRST + self.deliveries.publish();
            self.framed.write(number, self.link.out());
        }
        self.link.flush()
    }

    /// It is in no room: nothing may come but pings.
    fn turn(&mut self, scratch: &mut [u8]) -> Result<()> {
        self.link.read(scratch, |_| bail!("the publisher got what it published"))?;
        self.link.flush()
    }
}

impl Member {
    fn read(
        &mut self,
        publisher: &mut Publisher,
        scratch: &mut [u8],
        meter: &mut Meter,
    ) -> Result<()> {
        let (next, mut count) = (&mut self.next, 0);
        let bytes = self.link.read(scratch, |packet| {
            let next_came = match packet {
                Packet::Text(text) => publisher.event.number(text) == Some(*next),
                Packet::Compressed => true,
                Packet::Binary(_) => false,
            };
            if !next_came {
                bail!("a member did not get message {next} next");
            }
            publisher.deliveries.delivered(*next - FIRST)?;
            *next += 1;
            count += 1;
            Ok(())
        })?;
        meter.add_bytes(bytes);
        meter.add(count);
        Ok(())
    }
}
