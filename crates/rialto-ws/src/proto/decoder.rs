//! From received bytes to messages: frames, fragments, compression, UTF-8 and limits.

mod pieces;
mod rest;
mod whole;

pub use self::pieces::{DecodedPiece, Piece};
use self::rest::Rest;
use super::close::CloseFrame;
use super::deflate::Decompressor;
use super::frame::{Header, OpCode, RSV1, Role};
use super::limits::Limits;
use super::mask::apply_mask;
use super::message::Kind;
use super::utf8::{Utf8Check, is_utf8};
use super::violation::Violation;
use bytes::Bytes;
use std::ops::Range;

/// Where the payload of an [`Item`] lies.
#[derive(Debug, PartialEq, Eq)]
pub enum Body {
    /// In the input, unmasked in place: the indices count from its start.
    Input(Range<usize>),
    /// Gathered from several inputs or fragments.
    Owned(Vec<u8>),
}

/// What the peer sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Item {
    /// A whole message; if it is text, it has been checked.
    Message(Kind, Body),
    /// A ping, which wants a pong with the same payload.
    Ping(Body),
    /// A pong.
    Pong(Body),
    /// A Close frame. What follows it is ignored (RFC 6455 §1.4).
    Close(CloseFrame),
}

/// The outcome of one step.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Bytes of the input that are done with.
    pub consumed: usize,
    /// What they completed, if anything. `None` means that all input was consumed.
    pub item: Option<Item>,
}

/// A data or control frame of which a part of the payload is still to come.
#[derive(Clone, Copy, Debug)]
struct Frame {
    opcode: OpCode,
    fin: bool,
    /// The first of a compressed message.
    compressed: bool,
    mask: Option<[u8; 4]>,
    /// Payload bytes already received.
    offset: usize,
    /// Payload bytes still to come.
    remaining: usize,
}

/// A message of which a part has arrived.
#[derive(Debug)]
struct Partial {
    kind: Kind,
    /// The payload is a part of a deflate stream.
    compressed: bool,
    payload: Vec<u8>,
    utf8: Utf8Check,
    small_fragments: u32,
}

/// Decodes one direction of a connection.
///
/// Call [`Decoder::decode`] with what has arrived until it has consumed everything;
/// each call ends at the first completed [`Item`].
/// It keeps only the bytes of an unfinished frame header, control frame or message:
/// nothing is allocated for a frame that arrives whole, nor because of an announced length.
#[derive(Debug)]
pub struct Decoder {
    role: Role,
    limits: Limits,
    /// Compression was agreed on.
    inflates: bool,
    inflate: Decompressor,
    closed: bool,
    rest: Rest,
}

impl Decoder {
    /// A decoder for what arrives at `role`.
    #[must_use]
    pub fn new(role: Role, limits: Limits) -> Self {
        Self {
            role,
            limits,
            inflates: false,
            inflate: Decompressor::anew(),
            closed: false,
            rest: Rest::default(),
        }
    }

    /// Understands compressed messages from the next one on, as the handshake has agreed on
    /// (RFC 7692 §6.2).
    pub fn set_deflate(&mut self, decompressor: Decompressor) {
        (self.inflates, self.inflate) = (true, decompressor);
    }

    /// Decodes from `input`, which it unmasks in place.
    ///
    /// # Errors
    /// The first [`Violation`]; messages before it have been returned by earlier calls.
    /// The decoder is not to be used after that.
    pub fn decode(&mut self, input: &mut [u8]) -> Result<Decoded, Violation> {
        let mut at = 0;
        while at < input.len() && !self.closed {
            if self.rest.frame.is_none() {
                let Some((header, size)) = self.take_header(&input[at..])? else {
                    return Ok(Decoded { consumed: input.len(), item: None });
                };
                at += size;
                let frame = self.check_frame(header)?;
                if let Some(body) = whole_in(&frame, input, &mut at) {
                    let item = if header.rsv == RSV1 {
                        self.whole_compressed(header.opcode, &input[body])?
                    } else {
                        self.whole(header.opcode, body, input)?
                    };
                    return Ok(Decoded { consumed: at, item: Some(item) });
                }
                self.rest.frame = Some(frame);
            }
            at += self.take_payload(&mut input[at..])?;
            if let Some(item) = self.finish_frame()? {
                return Ok(Decoded { consumed: at, item: Some(item) });
            }
        }
        Ok(Decoded { consumed: input.len(), item: None })
    }

    /// Payload bytes still to come in the data frame in progress; 0 between frames.
    ///
    /// While it is large, an I/O layer may read straight into [`Decoder::payload_mut`].
    #[must_use]
    pub fn remaining(&self) -> usize {
        match &self.rest.frame {
            Some(frame) if !frame.opcode.is_control() => frame.remaining,
            _ => 0,
        }
    }

    /// The buffer of the message in progress, for reading at most [`Decoder::remaining`] bytes
    /// onto its end, to be followed by [`Decoder::payload_read`].
    pub fn payload_mut(&mut self) -> Option<&mut Vec<u8>> {
        self.rest.begun()?.message.as_mut().map(|message| &mut message.payload)
    }

    /// Takes note of `count` bytes that were read onto the end of [`Decoder::payload_mut`].
    ///
    /// # Errors
    /// As [`Decoder::decode`].
    pub fn payload_read(&mut self, count: usize) -> Result<Option<Item>, Violation> {
        let Some(rest) = self.rest.begun() else { return Ok(None) };
        let (Some(frame), Some(message)) = (&mut rest.frame, &mut rest.message) else {
            return Ok(None);
        };
        let from = message.payload.len().saturating_sub(count);
        message.accept(from, frame)?;
        self.finish_frame()
    }

    /// Parses a header from the stash and the start of `input`; `None` means it is all stashed.
    ///
    /// Always inlined: a call costs every message, and the second caller must not bring it about.
    #[inline(always)]
    fn take_header(&mut self, input: &[u8]) -> Result<Option<(Header, usize)>, Violation> {
        if self.rest.header_len == 0
            && let Some(found) = Header::parse(input)?
        {
            return Ok(Some(found));
        }
        let rest = &mut *self.rest;
        let stashed = usize::from(rest.header_len);
        let take = input.len().min(Header::MAX - stashed);
        rest.header[stashed..stashed + take].copy_from_slice(&input[..take]);
        match Header::parse(&rest.header[..stashed + take])? {
            Some((header, size)) => {
                rest.header_len = 0;
                self.rest.settle();
                Ok(Some((header, size - stashed)))
            }
            None => {
                // A header is at most 14 bytes, so this fits.
                rest.header_len = u8::try_from(stashed + take).unwrap_or(u8::MAX);
                Ok(None)
            }
        }
    }

    /// Checks a header against role, state and limits.
    fn check_frame(&mut self, header: Header) -> Result<Frame, Violation> {
        if header.rsv != 0 && !self.is_compressed(&header) {
            return Err(Violation::ReservedBits);
        }
        match (self.role, header.mask) {
            (Role::Server, None) => return Err(Violation::Unmasked),
            (Role::Client, Some(_)) => return Err(Violation::Masked),
            _ => {}
        }
        match (header.opcode, &self.rest.message) {
            (OpCode::Continuation, None) => return Err(Violation::LoneContinuation),
            (OpCode::Text | OpCode::Binary, Some(_)) => return Err(Violation::InterleavedMessage),
            _ => {}
        }
        let length = usize::try_from(header.length).map_err(|_| Violation::MessageTooLarge)?;
        if !header.opcode.is_control() {
            self.check_limits(&header, length)?;
        }
        Ok(Frame {
            opcode: header.opcode,
            fin: header.fin,
            compressed: header.rsv == RSV1,
            mask: header.mask,
            offset: 0,
            remaining: length,
        })
    }

    /// RSV1 marks the first frame of a compressed message and no other (RFC 7692 §6.1).
    fn is_compressed(&self, header: &Header) -> bool {
        let starts = matches!(header.opcode, OpCode::Text | OpCode::Binary);
        header.rsv == RSV1 && starts && self.inflates
    }

    fn check_limits(&mut self, header: &Header, length: usize) -> Result<(), Violation> {
        if length > self.limits.max_frame {
            return Err(Violation::FrameTooLarge);
        }
        let received = self.rest.message.as_ref().map_or(0, |message| message.payload.len());
        // What is handed out piece by piece has a limit of its own (`take_piece`).
        if self.rest.streamed.is_none() && length > self.limits.max_message.saturating_sub(received)
        {
            return Err(Violation::MessageTooLarge);
        }
        if let Some(message) = self.rest.begun().and_then(|rest| rest.message.as_mut())
            && header.length < Limits::SMALL_FRAGMENT
        {
            message.small_fragments += 1;
            if message.small_fragments > self.limits.max_small_fragments {
                return Err(Violation::TooManyFragments);
            }
        }
        Ok(())
    }

    fn whole(
        &mut self,
        opcode: OpCode,
        body: Range<usize>,
        input: &[u8],
    ) -> Result<Item, Violation> {
        Ok(match opcode {
            OpCode::Text if !is_utf8(&input[body.clone()]) => return Err(Violation::InvalidUtf8),
            OpCode::Text => Item::Message(Kind::Text, Body::Input(body)),
            OpCode::Binary | OpCode::Continuation => Item::Message(Kind::Binary, Body::Input(body)),
            OpCode::Ping => Item::Ping(Body::Input(body)),
            OpCode::Pong => Item::Pong(Body::Input(body)),
            OpCode::Close => self.close(&input[body])?,
        })
    }

    fn whole_compressed(&mut self, opcode: OpCode, payload: &[u8]) -> Result<Item, Violation> {
        let message = self.inflate(payload, self.limits.max_message)?;
        if opcode != OpCode::Text {
            return Ok(Item::Message(Kind::Binary, Body::Owned(message)));
        }
        if !is_utf8(&message) {
            return Err(Violation::InvalidUtf8);
        }
        Ok(Item::Message(Kind::Text, Body::Owned(message)))
    }

    fn inflate(&mut self, payload: &[u8], max: usize) -> Result<Vec<u8>, Violation> {
        self.inflate.decompress(payload, max)
    }

    /// Takes what `input` holds of the current frame's payload; returns how much that was.
    fn take_payload(&mut self, input: &mut [u8]) -> Result<usize, Violation> {
        let Some(rest) = self.rest.begun() else { return Ok(0) };
        let Some(frame) = &mut rest.frame else { return Ok(0) };
        let take = frame.remaining.min(input.len());
        if frame.opcode.is_control() {
            let from = rest.control.len();
            rest.control.extend_from_slice(&input[..take]);
            frame.unmask(&mut rest.control[from..]);
            return Ok(take);
        }
        let kind = if frame.opcode == OpCode::Text { Kind::Text } else { Kind::Binary };
        let message = rest.message.get_or_insert_with(|| Partial::new(kind, frame.compressed));
        let from = message.payload.len();
        if take < frame.remaining {
            // The rest will come: room for it, if it is not more than there is already.
            let room = take.max(frame.remaining.min(from + take));
            message.payload.reserve(room);
        }
        message.payload.extend_from_slice(&input[..take]);
        message.accept(from, frame)?;
        Ok(take)
    }

    /// Completes the current frame if nothing of it is missing.
    fn finish_frame(&mut self) -> Result<Option<Item>, Violation> {
        let Some(rest) = self.rest.begun() else { return Ok(None) };
        let Some(frame) = rest.frame.take_if(|frame| frame.remaining == 0) else {
            return Ok(None);
        };
        if frame.opcode.is_control() {
            let payload = std::mem::take(&mut rest.control);
            self.rest.settle();
            return Ok(Some(match frame.opcode {
                OpCode::Ping => Item::Ping(Body::Owned(payload)),
                OpCode::Pong => Item::Pong(Body::Owned(payload)),
                _ => self.close(&payload)?,
            }));
        }
        if !frame.fin {
            return Ok(None);
        }
        let message = rest.message.take();
        self.rest.settle();
        let Some(mut message) = message else { return Ok(None) };
        if message.compressed {
            let opcode = if message.kind == Kind::Text { OpCode::Text } else { OpCode::Binary };
            return self.whole_compressed(opcode, &message.payload).map(Some);
        }
        if message.kind == Kind::Text {
            message.utf8.finish()?;
        }
        Ok(Some(Item::Message(message.kind, Body::Owned(message.payload))))
    }

    fn close(&mut self, payload: &[u8]) -> Result<Item, Violation> {
        self.closed = true;
        CloseFrame::parse(payload).map(Item::Close)
    }
}

/// The fast path: the whole payload of an unfragmented frame is in the input, unmasked there.
fn whole_in(frame: &Frame, input: &mut [u8], at: &mut usize) -> Option<Range<usize>> {
    let end = at.checked_add(frame.remaining)?;
    if !frame.fin || frame.opcode == OpCode::Continuation || end > input.len() {
        return None;
    }
    let body = *at..end;
    if let Some(key) = frame.mask {
        apply_mask(&mut input[body.clone()], key, 0);
    }
    *at = end;
    Some(body)
}

impl Frame {
    /// Unmasks the next bytes of the payload and counts them.
    fn unmask(&mut self, bytes: &mut [u8]) {
        self.apply_mask(bytes);
        self.pass(bytes.len());
    }

    /// Masks or unmasks bytes, the next of the payload.
    fn apply_mask(&self, bytes: &mut [u8]) {
        if let Some(key) = self.mask {
            apply_mask(bytes, key, self.offset);
        }
    }

    /// Counts bytes of the payload as done with.
    fn pass(&mut self, count: usize) {
        self.offset += count;
        self.remaining -= count;
    }
}

impl Partial {
    fn new(kind: Kind, compressed: bool) -> Self {
        let (payload, utf8) = (Vec::new(), Utf8Check::default());
        Self { kind, compressed, payload, utf8, small_fragments: 0 }
    }

    /// Unmasks and checks the bytes from index `from` on.
    fn accept(&mut self, from: usize, frame: &mut Frame) -> Result<(), Violation> {
        let piece = &mut self.payload[from..];
        frame.unmask(piece);
        let is_text = self.kind == Kind::Text && !self.compressed;
        if is_text { self.utf8.feed(piece) } else { Ok(()) }
    }
}

impl Body {
    /// The payload as bytes of its own; `input` is what [`Decoder::decode`] was given.
    #[must_use]
    pub fn to_bytes(self, input: &[u8]) -> Bytes {
        match self {
            Self::Input(range) => Bytes::copy_from_slice(&input[range]),
            Self::Owned(bytes) => bytes.into(),
        }
    }

    /// The payload, borrowed; `input` is what [`Decoder::decode`] was given.
    #[must_use]
    pub fn as_slice<'a>(&'a self, input: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Input(range) => &input[range.clone()],
            Self::Owned(bytes) => bytes,
        }
    }
}
