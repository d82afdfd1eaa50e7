//! The sending side of a client: a place in the sequence of messages, and what is still owed.

use super::messages::Messages;
use anyhow::{Result, bail};
use rustix::fs::sendfile;
use rustix::io::Errno;
use rustix::net::{SendFlags, send};
use std::net::TcpStream;

/// What one client has yet to send.
pub(super) struct Outbound {
    next: usize,
    owed: usize,
    at: usize,
}

impl Outbound {
    /// A client that begins with that message.
    pub(super) fn new(first: usize, messages: &Messages) -> Self {
        Self { next: first, owed: 0, at: messages.starts[first] }
    }

    /// Owes that many messages more.
    pub(super) fn queue(&mut self, count: usize, messages: &Messages) {
        for _ in 0..count {
            self.owed += messages.length(self.next);
            self.next = (self.next + 1) % messages.count();
        }
    }

    /// Sends until nothing is owed or the socket is full.
    pub(super) fn pump(&mut self, stream: &TcpStream, messages: &Messages) -> Result<()> {
        while self.owed > 0 {
            let most = self.owed.min(messages.wire.len() - self.at);
            let bytes = &messages.wire[self.at..self.at + most];
            let sent = match &messages.file {
                Some(file) => sendfile(stream, file, Some(&mut (self.at as u64)), most),
                None => send(stream, bytes, SendFlags::NOSIGNAL),
            };
            match sent {
                Ok(sent) => {
                    self.owed -= sent;
                    self.at = (self.at + sent) % messages.total();
                }
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => bail!("a client cannot send: {error}"),
            }
        }
        Ok(())
    }
}
