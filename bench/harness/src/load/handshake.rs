//! Connect, upgrade, reset, and again.

use super::meter::Meter;
use super::net::{self, Poll, Ready};
use super::{Cost, Load, Span, Target};
use anyhow::Result;
use std::io::Write;
use std::net::TcpStream;

struct Attempt {
    stream: TcpStream,
    answer: Vec<u8>,
}

pub(super) fn run(load: &Load, target: Target, span: Span) -> Result<Cost> {
    let request = net::request("/echo", target, load.deflate);
    let mut poll = Poll::new()?;
    let mut attempts = Vec::with_capacity(load.connections);
    for number in 0..load.connections {
        attempts.push(Attempt::begin(target, &request, &poll, number)?);
    }
    let mut meter = Meter::new(target, span);
    let mut buffer = [0; 4096];
    let mut ready: Vec<Ready> = Vec::new();
    loop {
        poll.wait(&mut ready)?;
        if let Some(cost) = meter.turn(ready.len())? {
            return Ok(cost);
        }
        for event in ready.iter().filter(|event| event.read) {
            let attempt = &mut attempts[event.number];
            let Some(length) = net::receive(&attempt.stream, &mut buffer)? else { continue };
            meter.add_bytes(length);
            attempt.answer.extend(&buffer[..length]);
            if net::answered(&attempt.answer, load.deflate)? {
                meter.add(1);
                *attempt = Attempt::begin(target, &request, &poll, event.number)?;
            }
        }
    }
}

impl Attempt {
    fn begin(target: Target, request: &[u8], poll: &Poll, number: usize) -> Result<Self> {
        let mut stream = net::connect(target)?;
        stream.write_all(request)?;
        stream.set_nonblocking(true)?;
        poll.add(&stream, number)?;
        Ok(Self { stream, answer: Vec::new() })
    }
}
