//! Opens sessions by WebSocket, some at a time: they block until they are open.

use super::Site;
use super::link::{Link, Packet};
use anyhow::{Context, Result, bail};
use std::collections::VecDeque;
use std::time::Duration;

/// How many are on their way.
pub(super) const TOGETHER: usize = 64;
/// A session on its way.
struct Opening {
    link: Link,
    packets: VecDeque<Vec<u8>>,
}

/// Opens that many sessions, in the room if they are to `join` it; afterwards nothing blocks.
pub(super) fn open(site: &Site, count: usize, join: bool) -> Result<Vec<Link>> {
    let mut links = Vec::with_capacity(count);
    while links.len() < count {
        let more = TOGETHER.min(count - links.len());
        links.extend(open_some(site, links.len(), more, join)?);
    }
    Ok(links)
}

/// Opens that many, of which `from` are open already.
pub(super) fn open_some(site: &Site, from: usize, count: usize, join: bool) -> Result<Vec<Link>> {
    let mut openings = Vec::with_capacity(count);
    for number in from..from + count {
        openings.push(Opening::begin(site, number)?);
    }
    for opening in &mut openings {
        opening.expect("0{")?;
        opening.send(b"40")?;
    }
    for opening in &mut openings {
        opening.expect("40{")?;
        if join {
            opening.send(b"420[\"join\",\"room\"]")?;
        }
    }
    if join {
        for opening in &mut openings {
            opening.expect("430[\"ok\"]")?;
        }
    }
    openings.into_iter().map(Opening::end).collect()
}

impl Opening {
    fn begin(site: &Site, number: usize) -> Result<Self> {
        let link = Link::connect(site, number, "")?;
        link.tcp().set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self { link, packets: VecDeque::new() })
    }

    fn send(&mut self, text: &[u8]) -> Result<()> {
        self.link.text(text);
        self.link.flush()
    }

    /// Waits for the next packet, which has to begin so.
    fn expect(&mut self, beginning: &str) -> Result<()> {
        let mut scratch = [0; 4096];
        while self.packets.is_empty() {
            let packets = &mut self.packets;
            let read = self.link.read_once(&mut scratch, |packet| {
                match packet {
                    Packet::Text(text) => packets.push_back(text.to_owned()),
                    Packet::Binary(_) | Packet::Compressed => bail!("an attachment of nothing"),
                }
                Ok(())
            })?;
            read.with_context(|| format!("no `{beginning}` while a session was opened"))?;
        }
        let packet = self.packets.pop_front().unwrap_or_default();
        if !packet.starts_with(beginning.as_bytes()) {
            bail!("`{}` instead of `{beginning}`", String::from_utf8_lossy(&packet));
        }
        Ok(())
    }

    fn end(self) -> Result<Link> {
        if !self.packets.is_empty() {
            bail!("something follows the opening of a session");
        }
        self.link.tcp().set_nonblocking(true)?;
        Ok(self.link)
    }
}
