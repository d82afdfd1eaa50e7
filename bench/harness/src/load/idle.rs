//! What a connection costs in memory while it rests: before anything was sent, after an echo of
//! 16 bytes, and after one of 16 KiB, by when a server may have grown buffers that it keeps.

use super::cost::settled_bytes;
use super::inbound::{Frames, Inbound};
use super::inflater::Inflater;
use super::messages::{deflated, first_byte, frame, payload};
use super::{Content, Idle, Load, Target, net};
use anyhow::{Context, Result, bail};
use std::io::{Read, Write};
use std::net::TcpStream;

/// How many echoes are in flight.
const TOGETHER: usize = 64;
/// How many clients inflate what they get. Each needs a window, and the generator lives as well.
const INFLATING: usize = 64;

struct Client {
    stream: TcpStream,
    inflater: Option<Inflater>,
}

pub(super) fn run(load: &Load, target: Target) -> Result<Idle> {
    let before = settled_bytes(target.process)?;
    let streams = net::open(target, "/echo", load.connections, load.deflate)?;
    let mut clients: Vec<Client> = (0..).zip(streams).map(Client::new).collect();
    #[allow(clippy::cast_precision_loss)] // far below 2^52
    let each = |now: u64| (now as f64 - before as f64) / load.connections as f64;
    let open = each(settled_bytes(target.process)?);
    echo(&mut clients, 16, load)?;
    let small = each(settled_bytes(target.process)?);
    echo(&mut clients, 16 << 10, load)?;
    let large = each(settled_bytes(target.process)?);
    Ok(Idle { open, small, large, busy: None })
}

/// One message on each connection, and back.
fn echo(clients: &mut [Client], size: usize, load: &Load) -> Result<()> {
    let message = payload(size, Content::Text, 1);
    let sent = if load.deflate { deflated(&message)? } else { message.clone() };
    let bytes = frame(first_byte(load), &sent, [9, 8, 7, 6]);
    for clients in clients.chunks_mut(TOGETHER) {
        for client in &mut *clients {
            client.stream.write_all(&bytes)?;
        }
        for client in clients {
            client.expect(&message)?;
        }
    }
    Ok(())
}

impl Client {
    fn new((number, stream): (usize, TcpStream)) -> Self {
        Self { stream, inflater: (number < INFLATING).then(Inflater::new) }
    }

    fn expect(&mut self, message: &[u8]) -> Result<()> {
        let mut reply = Reply::default();
        let (mut inbound, mut buffer) = (Inbound::default(), [0; 4096]);
        while !reply.whole {
            match self.stream.read(&mut buffer).context("no echo")? {
                0 => bail!("the server ended a connection"),
                length => inbound.read(&buffer[..length], &mut reply)?,
            }
        }
        if !reply.compressed {
            return if reply.bytes == message {
                Ok(())
            } else {
                bail!("an echo is not what was sent")
            };
        }
        let Some(inflater) = &mut self.inflater else { return Ok(()) };
        inflater.push(&reply.bytes);
        inflater.finish(message)
    }
}

#[derive(Default)]
struct Reply {
    compressed: bool,
    whole: bool,
    bytes: Vec<u8>,
}

impl Frames for Reply {
    fn head(&mut self, first: u8, _length: usize) -> Result<bool> {
        self.compressed = first & 0x40 != 0;
        Ok(true)
    }

    fn payload(&mut self, _at: usize, bytes: &[u8]) -> Result<()> {
        self.bytes.extend(bytes);
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.whole = true;
        Ok(())
    }
}
