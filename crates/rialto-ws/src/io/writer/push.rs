//! What becomes of a message in the queue: masked, compressed, shared or copied.

use super::Writer;
use crate::error::Error;
use crate::io::random;
use crate::prepared::Prepared;
use crate::proto::deflate::Compressor;
use crate::proto::{Message, MessageRef, OpCode, Role};
use bytes::Bytes;
use std::io;

/// What can be queued.
#[derive(Clone, Copy)]
pub(crate) enum Outgoing<'a> {
    Message(&'a Message),
    Borrowed(MessageRef<'a>),
    /// A text message that the caller knows to be UTF-8.
    Text(&'a [u8]),
    /// A binary message.
    Binary(&'a Bytes),
    Prepared(&'a Prepared),
    Ping(&'a [u8]),
    /// Not to be compressed, whatever was agreed on.
    Plain(&'a Outgoing<'a>),
}

impl Outgoing<'_> {
    /// Opcode and payload of the frame, for what may be compressed.
    fn compressible(&self) -> Option<(OpCode, &[u8])> {
        match self {
            Self::Message(message) => Some((message.kind().into(), message.as_bytes())),
            Self::Borrowed(message) => Some((message.kind().into(), message.as_bytes())),
            Self::Text(text) => Some((OpCode::Text, text)),
            Self::Binary(bytes) => Some((OpCode::Binary, bytes)),
            Self::Prepared(frame) if frame.is_compressible() => {
                Some((frame.opcode(), frame.payload()))
            }
            Self::Prepared(_) | Self::Ping(_) | Self::Plain(_) => None,
        }
    }
}

impl Writer {
    pub(super) fn mask(&self) -> io::Result<Option<[u8; 4]>> {
        match self.role {
            Role::Server => Ok(None),
            Role::Client => random::bytes().map(Some),
        }
    }

    pub(super) fn push(&mut self, out: &Outgoing<'_>) -> Result<(), Error> {
        let mask = self.mask()?;
        self.pulse.sent = true;
        if self.compressor.is_none() || !self.push_compressed(out, mask) {
            self.push_plain(out, mask);
        }
        Ok(())
    }

    fn push_plain(&mut self, out: &Outgoing<'_>, mask: Option<[u8; 4]>) {
        match out {
            Outgoing::Plain(out) => self.push_plain(out, mask),
            Outgoing::Message(Message::Binary(bytes)) => {
                self.data_queue().push_frame(OpCode::Binary, bytes, mask);
            }
            Outgoing::Binary(bytes) => self.data_queue().push_frame(OpCode::Binary, bytes, mask),
            Outgoing::Message(Message::Text(text)) => {
                self.data_queue().push_frame(OpCode::Text, text.as_shared(), mask);
            }
            Outgoing::Borrowed(message) => {
                self.data_queue().push_copy(message.kind().into(), message.as_bytes(), mask);
            }
            Outgoing::Text(text) => self.data_queue().push_copy(OpCode::Text, text, mask),
            Outgoing::Prepared(frame) => match mask {
                None => self.push_framed(frame.framed()),
                Some(_) => self.data_queue().push_copy(frame.opcode(), frame.payload(), mask),
            },
            // Control frames may stand between the fragments of a message (RFC 6455 §5.4).
            Outgoing::Ping(payload) => self.queue.queue().push_copy(OpCode::Ping, payload, mask),
        }
    }

    /// Queues a message compressed, if that was agreed on and is worth it. True as well if it is
    /// kept until a message in fragments has left.
    fn push_compressed(&mut self, out: &Outgoing<'_>, mask: Option<[u8; 4]>) -> bool {
        let Some(mut compressor) = self.compressor.take() else { return false };
        let pushed = (compressor.keeps_context() && self.hold_back(out))
            || self.push_compressed_by(&mut compressor, out, mask);
        self.compressor = Some(compressor);
        pushed
    }

    fn push_compressed_by(
        &mut self,
        compressor: &mut Compressor,
        out: &Outgoing<'_>,
        mask: Option<[u8; 4]>,
    ) -> bool {
        let Some((opcode, payload)) = out.compressible() else { return false };
        if payload.len() < compressor.threshold() {
            return false;
        }
        let queue = self.data_queue();
        if let (Outgoing::Prepared(frame), None) = (out, mask)
            && !compressor.keeps_context()
        {
            let made = frame.compressed(compressor);
            return made.inspect(|bytes| queue.push_shared((*bytes).clone())).is_some();
        }
        compressor.compress(payload, |bytes| queue.push_compressed(opcode, bytes, mask)).is_some()
    }

    pub(in crate::io) fn push_control(&mut self, opcode: OpCode, payload: &[u8]) -> io::Result<()> {
        let mask = self.mask()?;
        self.queue.queue().push_copy(opcode, payload, mask);
        Ok(())
    }
}
