//! From messages to packets: by the standard parser or by the server's own.

use super::connection::parse_error;
use super::core::Core;
use crate::ends;
use crate::engine::Fault;
use crate::parser::{Decoder, Received, receive};
use rialto_protocol::socketio::{Assembler, Violation};
use rialto_ws::MessageRef;
use std::sync::Arc;
use std::time::Instant;

/// What a connection keeps between two messages of one packet.
pub(super) enum Reading {
    /// Text, with binary messages behind it.
    Standard(Assembler),
    /// Whatever [`Options::parser`] says.
    Parser(Box<dyn Decoder>),
}

impl Reading {
    pub(super) fn new(core: &Core) -> Self {
        match &core.options.parser {
            Some(parser) => Self::Parser(parser.decoder()),
            None => Self::Standard(Assembler::new(Arc::clone(&core.limits))),
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Standard(assembler) => assembler.poll_timeout(),
            Self::Parser(_) => None,
        }
    }

    pub(super) fn heard(&mut self, now: Instant) {
        if let Self::Standard(assembler) = self {
            assembler.heard(now);
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Result<(), Violation> {
        match self {
            Self::Standard(assembler) => assembler.handle_timeout(now),
            Self::Parser(_) => Ok(()),
        }
    }
}

/// Hands a message to a parser's decoder.
pub(super) fn decode(
    decoder: &mut dyn Decoder,
    message: MessageRef<'_>,
    max_attachments: usize,
) -> Result<Option<Received>, Fault> {
    match decoder.decode(message) {
        Ok(None) => Ok(None),
        Ok(Some(packet)) => receive(packet, max_attachments).map(Some).map_err(parse_error),
        Err(error) => {
            tracing::debug!(%error, "a message is no packet of the server's parser");
            Err(parse_error(ends::NOT_PARSED.text))
        }
    }
}
